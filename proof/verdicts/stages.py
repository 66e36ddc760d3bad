"""The stages of a run: the sources, the tools, the tests, the older Pythons."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from proof.faults import Fault, FaultsError
from proof.ground.digests import key_of, sha256
from proof.ledger.records import Unit, Verdict
from proof.sources import tree
from proof.sources.extract import CODE, Extract, extracts, write_extracts
from proof.sources.history import unknown_past
from proof.sources.lint import lint
from proof.sources.project import Project, is_counterexample
from proof.sources.requirements import LOCK
from proof.sources.tree import ABOUT_SITE
from proof.verdicts import execute, executed, expected
from proof.verdicts.interpreters import interpreters
from proof.verdicts.older import keys, older
from proof.verdicts.run import Run, say
from proof.verdicts.tools import TOOLS, Tool, ToolError
from proof.verdicts.units import Work, is_proven

PARALLEL = 6  # tools and test runs at a time


def sources_key(project: Project, commit: str) -> str:
    """Digest what the check of the sources depends on: all, and the ids ever listed."""
    past = "".join(unknown_past(project.root))
    more = {"commit": commit, "past": past}
    return key_of(project.root, tree.whole(project), more)


def tools_key(project: Project) -> str:
    """Digest what a tool's verdict depends on: all code, and the configuration.

    The code of docstrings and pages has to be extracted already.
    """
    code = project.files(*(f"{each}/**/*" for each in CODE))
    return key_of(project.root, [*code, *tree.shared(project)], {})


def check_sources(run: Run) -> None:
    """Check the sources, unless they are as they were when that was last done.

    Args:
        run: The run.

    Raises:
        FaultsError: If they are at fault.
    """
    project = run.project
    key = sources_key(project, run.commit)
    if run.ledger.checked.get("sources") == key:
        return
    began = time.monotonic()
    if faults := lint(project):
        raise FaultsError(faults)
    run.keep(checked={"sources": key})
    files = len(tree.whole(project))
    say("sources", f"{len(project.rules)} rules, {files} files", began)


def start_tools(run: Run, pool: ThreadPoolExecutor) -> list[Future[None]]:
    """Start the checkers whose verdict is not of the tree as it is.

    Args:
        run: The run; it takes the verdicts and the faults.
        pool: What they run in.

    Returns:
        What to wait for.
    """
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
    found, revealed, faults = expected.judge(run.project, tool, reported, extracted)
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


def start_tests(
    run: Run, pool: ThreadPoolExecutor, works: Sequence[Work]
) -> list[Future[None]]:
    """Start the tests of the rules and those of the machinery.

    Args:
        run: The run; it takes the verdicts and the faults.
        pool: What they run in.
        works: All units; those that are proven are left out.

    Returns:
        What to wait for.
    """
    rules = [work for work in works if work.subject]
    machinery = [
        work
        for work in works
        if not work.subject and not work.tests.startswith(ABOUT_SITE)
    ]
    return [
        pool.submit(run_tests, run, "tests", rules),
        pool.submit(run_tests, run, "machinery", machinery),
    ]


def run_tests(run: Run, name: str, works: Sequence[Work]) -> None:
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
        unit, faults = executed.judge(run.project, work, result)
        run.faults += faults
        if not faults:
            proven[work.tests] = unit
    run.keep(units=proven)
    say(name, f"{len(stale)} files, {len(result.tests)} tests", began)


def find_oldest(run: Run, works: Sequence[Work]) -> None:
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
