"""Proves what is not proven yet: the stages of `make test`, in order."""

import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from proof import diagnose, execute
from proof.check import check_site
from proof.children import Children
from proof.collect import check_sources
from proof.diagnose import TOOLS, Tool, ToolError
from proof.execute import ABOUT_SITE, Work, is_proven
from proof.export import export
from proof.extract import CODE, Extract, extracts, write_extracts
from proof.faults import Fault, FaultsError
from proof.fragments import Fragments
from proof.interpreters import interpreters
from proof.ledger import Ledger, Older, Unit, Verdict, key_of, load, save, sha256
from proof.lock import LOCK
from proof.older import keys, older
from proof.pages import recorded_faults
from proof.project import Project, Subject, is_counterexample
from proof.published import link_faults
from proof.site import BUILT, build

PARALLEL = 6
OF_BLOCKS = "tests/test_pages.py"  # runs the Python blocks of all prose


def say(stage: str, what: str, began: float | None = None) -> None:
    """Print a line of progress.

    Args:
        stage: What is being done.
        what: How much of it.
        began: When it began, by the monotonic clock; ``None`` if it took no time.
    """
    took = "" if began is None else f"{time.monotonic() - began:6.1f} s"
    print(f"  {stage:<12} {what:<52} {took}".rstrip(), flush=True)


@dataclass(slots=True)
class Run:
    """One run over the project: what it knows, and what it found wrong.

    Attributes:
        project: The project.
        ledger: What is proven; replaced as verdicts come in.
        children: The processes it started.
        commit: The commit that the tree stands on.
        faults: What stops publication.
    """

    project: Project
    ledger: Ledger
    children: Children
    commit: str
    faults: list[Fault] = field(default_factory=list[Fault])
    lock: RLock = field(default_factory=RLock)

    def keep(
        self,
        *,
        tools: Mapping[str, Verdict] | None = None,
        units: Mapping[str, Unit] | None = None,
        older: Mapping[str, Older] | None = None,
        checked: Mapping[str, str] | None = None,
    ) -> None:
        """Add verdicts to the ledger, on disk at once, in an order of their own."""
        with self.lock:
            known = self.ledger
            now = {**known.tools, **(tools or {})}
            self.ledger = known.model_copy(
                update={
                    "tools": {
                        each.name: now[each.name] for each in TOOLS if each.name in now
                    },
                    "units": dict(sorted({**known.units, **(units or {})}.items())),
                    "older": dict(sorted({**known.older, **(older or {})}.items())),
                    "checked": {**known.checked, **(checked or {})},
                }
            )
            save(self.project.root, self.ledger)

    def forget(self, but: Collection[str]) -> None:
        """Drop the verdicts on all test files but these."""
        units = {name: unit for name, unit in self.ledger.units.items() if name in but}
        self.ledger = self.ledger.model_copy(update={"units": units})

    def forget_older(self, but: Collection[str]) -> None:
        """Drop what is known of older Pythons for all test files but these."""
        with self.lock:
            older = {at: each for at, each in self.ledger.older.items() if at in but}
            self.ledger = self.ledger.model_copy(update={"older": older})


def prove(root: Path, children: Children, *, site: bool = True) -> Run:
    """Prove everything whose inputs have changed.

    Args:
        root: The project's root.
        children: What runs the tools.
        site: Whether the site is built and tested as well.

    Returns:
        The run; its faults are empty where everything is proven.

    Raises:
        FaultsError: If the sources themselves are at fault.
    """
    run = begin(Project(root), children)
    project = run.project
    _check_sources(run)
    works = execute.works(project)
    run.forget(but={work.tests for work in works if is_proven(work, run.ledger.units)})
    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            waiting = [*_start_tools(run, pool), *_start_tests(run, pool, works)]
            if site:
                waiting.append(pool.submit(_find_oldest, run, works))
            for each in waiting:
                each.result()
        except BaseException:
            children.end()  # else leaving the pool would wait for all of them
            raise
    if site and not run.faults:
        build_site(run)
        about_site = [work for work in works if work.tests.startswith(ABOUT_SITE)]
        _test(run, "site tests", about_site)
    return run


def prove_some(run: Run, subjects: Sequence[Subject]) -> None:
    """Prove some rules and recipes alone, for who is writing them; the rest later.

    Args:
        run: A run; it takes the verdicts and the faults.
        subjects: Those whose files were changed.

    Raises:
        FaultsError: If the sources themselves are at fault.
    """
    _check_sources(run)
    if not subjects:
        return
    project = run.project
    run.forget_older(but={*run.ledger.older} - {each.tests for each in subjects})
    extracted = extracts(project)
    write_extracts(project.root, extracted)
    files = [
        path for each in subjects for path in [*project.snippets(each), each.tests]
    ]
    pages = {each.page for each in subjects}
    blocks = [each.path for each in extracted if each.origin in pages]
    own = [each for each in extracted if each.origin in {*files, *pages}]
    paths = [*files, *(each.path for each in own)]
    units = {each.tests for each in subjects}
    if blocks:
        units.add(OF_BLOCKS)
    works = [work for work in execute.works(project) if work.tests in units]
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting = [
            # sessions are formatted where they stand, in their docstrings
            pool.submit(_check_some, run, tool, own, [*files, *blocks])
            if tool.name == "ruff format"
            else pool.submit(_check_some, run, tool, own, paths)
            for tool in TOOLS
        ]
        waiting.append(pool.submit(_test, run, "tests", works))
        for each in waiting:
            each.result()


def _check_some(
    run: Run, tool: Tool, extracted: Sequence[Extract], paths: Sequence[str]
) -> None:
    """Put a tool's verdict on some files among those it gave on the others."""
    try:
        reported = tool.run(run.children, run.project.root, paths)
    except ToolError as error:
        run.faults.append(Fault("pyproject.toml", 0, str(error)))
        return
    found, revealed, faults = diagnose.judge(
        run.project, tool, reported, extracted, paths
    )
    wrong = {fault.path for fault in faults}
    run.faults += faults
    known = run.ledger.tools.get(tool.name) or Verdict(key="", version=tool.version)
    files = {path: digest for path, digest in known.files.items() if path not in paths}
    others = [each for each in known.diagnostics if each.path not in paths]
    types = [each for each in known.revealed if each.path not in paths]
    verdict = Verdict(
        key="",  # the whole tree is still to be checked
        version=tool.version,
        files=files
        | {
            path: sha256(run.project.root, path)
            for path in paths
            if path.startswith("snippets/") and path not in wrong
        },
        diagnostics=[*others, *(each for each in found if each.path not in wrong)],
        revealed=[*types, *(each for each in revealed if each.path not in wrong)],
    )
    run.keep(tools={tool.name: verdict})


def begin(project: Project, children: Children) -> Run:
    """Begin a run with what the ledger knows.

    Args:
        project: The project.
        children: What runs the tools.

    Returns:
        A run that found nothing wrong yet.
    """
    root = project.root
    ledger, why = load(root)
    if os.environ.get("FRESH") == "1":
        ledger, why = (
            Ledger(machine=ledger.machine),
            "FRESH=1: everything is proven anew",
        )
    if why:
        say("ledger", why)
    commit = children.run(["git", "rev-parse", "HEAD"], cwd=root).stdout
    return Run(project, ledger, children, commit)


def sources_key(project: Project, commit: str) -> str:
    """Digest what the check of the sources depends on: all, and the ids ever listed."""
    return key_of(project.root, execute.whole(project), {"commit": commit})


def tools_key(project: Project) -> str:
    """Digest what a tool's verdict depends on: all code, and the configuration.

    The code of docstrings and pages has to be extracted already.
    """
    code = project.files(*(f"{each}/**/*" for each in CODE))
    return key_of(project.root, [*code, *execute.shared(project)], {})


def site_key(project: Project, made: Fragments, commit: str) -> str:
    """Digest what the site depends on: pages and what they include, and the proofs."""
    paths = [
        path
        for path in execute.whole(project)
        if not path.startswith(("tests/proof/", ABOUT_SITE))
    ]
    more = {
        "commit": commit,
        "fragments": json.dumps(made.texts, sort_keys=True),
        **{name: os.environ.get(name, "") for name in execute.SITE_VARIABLES},
    }
    return key_of(project.root, paths, more)


def _check_sources(run: Run) -> None:
    project = run.project
    key = sources_key(project, run.commit)
    if run.ledger.checked.get("sources") == key:
        return
    began = time.monotonic()
    if faults := check_sources(project):
        raise FaultsError(faults)
    run.keep(checked={"sources": key})
    files = len(execute.whole(project))
    say("sources", f"{len(project.rules)} rules, {files} files", began)


def _start_tools(run: Run, pool: ThreadPoolExecutor) -> list[Future[None]]:
    project = run.project
    extracted = extracts(project)
    write_extracts(project.root, extracted)
    code = project.files("conftest.py", *(f"{each}/**/*.py" for each in CODE))
    key = tools_key(project)
    known = run.ledger.tools
    stale = [
        tool for tool in TOOLS if tool.name not in known or known[tool.name].key != key
    ]
    if len(stale) < len(TOOLS):
        fresh = ", ".join(tool.name for tool in TOOLS if tool not in stale)
        say("unchanged", fresh)
    return [pool.submit(_check, run, tool, key, extracted, code) for tool in stale]


def _check(
    run: Run, tool: Tool, key: str, extracted: Sequence[Extract], code: Sequence[str]
) -> None:
    began = time.monotonic()
    try:
        reported = tool.run(run.children, run.project.root)
    except ToolError as error:
        run.faults.append(Fault("pyproject.toml", 0, str(error)))
        return
    found, revealed, faults = diagnose.judge(run.project, tool, reported, extracted)
    wrong = {fault.path for fault in faults}
    snippets = [each for each in code if each.startswith("snippets/")]
    verdict = Verdict(
        key="" if faults else key,
        version=tool.version,
        files={
            path: sha256(run.project.root, path)
            for path in snippets
            if path not in wrong
        },
        diagnostics=[each for each in found if each.path not in wrong],
        revealed=[each for each in revealed if each.path not in wrong],
    )
    run.faults += faults
    run.keep(tools={tool.name: verdict})
    avoided = sum(is_counterexample(path) for path in snippets)
    say(tool.name, f"{len(code)} files, {avoided} of them counterexamples", began)


def _start_tests(
    run: Run, pool: ThreadPoolExecutor, works: Sequence[Work]
) -> list[Future[None]]:
    rules = [work for work in works if work.subject]
    machinery = [
        work
        for work in works
        if not work.subject and not work.tests.startswith(ABOUT_SITE)
    ]
    return [
        pool.submit(_test, run, "tests", rules),
        pool.submit(_test, run, "machinery", machinery),
    ]


def _test(run: Run, name: str, works: Sequence[Work]) -> None:
    """Run the tests of those units whose inputs have changed, and keep the verdicts."""
    known = run.ledger.units
    stale = [work for work in works if not is_proven(work, known)]
    if len(stale) < len(works):
        say("unchanged", f"{len(works) - len(stale)} of {len(works)} files of {name}")
    if not stale:
        return
    began = time.monotonic()
    result = execute.run(run.project, run.children, name, stale)
    if result.broken:
        run.faults.append(Fault(f"{execute.RUNS}/{name}/output.txt", 0, result.broken))
        return
    proven: dict[str, Unit] = {}
    for work in stale:
        unit, faults = execute.judge(run.project, work, result)
        run.faults += faults
        if not faults:
            proven[work.tests] = unit
    run.keep(units=proven)
    say(name, f"{len(stale)} files, {len(result.tests)} tests", began)


def _find_oldest(run: Run, works: Sequence[Work]) -> None:
    """Find out for each rule whose inputs have changed which older Pythons it holds on.

    Nothing is asked of a project that locks no packages: there are none to give them.
    """
    root = run.project.root
    if not run.project.read(LOCK):
        return
    found = interpreters(run.children, root)
    digests = keys(run.project, works, found)
    known = {tests: verdict.key for tests, verdict in run.ledger.older.items()}
    fresh = {tests for tests in digests if known.get(tests) == digests[tests]}
    run.forget_older(but=fresh)
    stale = {work.tests: work for work in works if work.tests in {*digests} - fresh}
    if fresh:
        say("unchanged", f"{len(fresh)} of {len(digests)} rules on older Pythons")
    if not stale:
        return
    began = time.monotonic()
    try:
        verdicts = older(run.project, run.children, stale, digests, found)
    except ToolError as error:
        run.faults.append(Fault("pyproject.toml", 0, str(error)))
        return
    run.keep(older=verdicts)
    on = ", ".join(each.full for each in found) or "no older Python is at hand"
    say("older", f"{len(stale)} rules, {on}", began)


def build_site(run: Run) -> None:
    """Build the site from what is proven, and check every block of it.

    Args:
        run: A run without faults.

    Raises:
        FaultsError: If the site can't be built, or shows what is not proven.
    """
    project = run.project
    made = Fragments(project, run.ledger)
    made.write()
    key = site_key(project, made, run.commit)
    if run.ledger.checked.get("site") == key and (project.root / BUILT).is_dir():
        say("unchanged", "site")
        return
    began = time.monotonic()
    if faults := [*recorded_faults(project, made)]:
        raise FaultsError(faults)
    run.keep(checked={"site": ""})  # until it's checked, what is built is not proven
    build(project, run.children, BUILT)
    exported = export(project, run.ledger, made, project.root / BUILT)
    site = project.root / BUILT
    blocks = check_site(project, site, made.code | exported)
    if faults := [*blocks, *link_faults(project, site)]:
        raise FaultsError(faults)
    run.keep(checked={"site": key})
    pages = len(list((project.root / BUILT).glob("**/*.html")))
    say("site", f"{pages} pages, every block proven", began)
