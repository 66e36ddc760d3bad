"""The stages of a run: the sources, the tools, the tests, the older Pythons."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from proof.faults import Fault, FaultsError
from proof.ground.digests import key_of
from proof.ledger.kept import OLDER, keep_older
from proof.ledger.records import Older, Unit
from proof.sources import tree
from proof.sources.history import unknown_past
from proof.sources.lint import lint
from proof.sources.project import Project
from proof.sources.requirements import LOCK
from proof.sources.tree import ABOUT_SITE
from proof.verdicts import execute, executed
from proof.verdicts.interpreters import OLDER as VERSIONS
from proof.verdicts.interpreters import interpreters
from proof.verdicts.older import files_of, older
from proof.verdicts.run import Run, say
from proof.verdicts.sampling import differences, draw
from proof.verdicts.tools import ToolError
from proof.verdicts.units import Work, is_proven

PARALLEL = 6  # tools and test runs at a time


def sources_key(project: Project, commit: str) -> str:
    """Digest what the check of the sources depends on: all, and the ids ever listed."""
    past = "".join(unknown_past(project.root))
    more = {"commit": commit, "past": past}
    return key_of(project.root, tree.whole(project), more)


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
    rules = [work for work in works if work.subject and not work.greenlets]
    greenlets = [work for work in works if work.subject and work.greenlets]
    machinery = [
        work
        for work in works
        if not work.subject and not work.tests.startswith(ABOUT_SITE)
    ]
    return [
        pool.submit(run_tests, run, "tests", rules),
        pool.submit(run_tests, run, "greenlets", greenlets),
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
    """Find out on which older Pythons each rule holds, where what is kept says nothing.

    What is found out is kept as data to commit. In CI all of it has to be there, and
    some of it is found out once more. Nothing is asked of a project that locks no
    packages: there are none to give the older Pythons.

    Args:
        run: The run; it takes the verdicts and the faults.
        works: The units.
    """
    root = run.project.root
    if not run.project.read(LOCK):
        return
    of_rules = {work.tests: work for work in works if work.subject}
    kept = run.ledger.older
    fresh = {
        tests: kept[tests]
        for tests, work in of_rules.items()
        if tests in kept and kept[tests].files == files_of(run.project, work)
    }
    run.forget_older(but=fresh)
    if fresh:
        say("kept", f"{len(fresh)} of {len(of_rules)} rules on older Pythons")
    stale = {tests: work for tests, work in of_rules.items() if tests not in fresh}
    if kept and os.environ.get("CI"):
        message = "is not of these bytes: run `make test`, and commit it"
        run.faults += [Fault(OLDER, 0, f"{tests}: {message}") for tests in stale]
        drawn, version = draw(fresh, run.commit)
        found = _ask_older(run, {tests: of_rules[tests] for tests in drawn}, [version])
        run.faults += differences(fresh, found, version)
    elif stale:
        run.keep(older=_ask_older(run, stale, VERSIONS))
        keep_older(root, run.ledger.older)


def _ask_older(
    run: Run, works: Mapping[str, Work], versions: Sequence[str]
) -> Mapping[str, Older]:
    began = time.monotonic()
    found = [
        each
        for each in interpreters(run.children, run.project.root)
        if each.version in versions
    ]
    try:
        verdicts = older(run.project, run.children, works, found, versions)
    except ToolError as error:
        run.faults.append(Fault("pyproject.toml", 0, str(error)))
        return {}
    on = ", ".join(each.full for each in found) or "no older Python is at hand"
    say("older", f"{len(works)} rules, {on}", began)
    return verdicts
