"""Proves some rules and recipes alone, for whoever is writing them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from proof.faults import Fault
from proof.ground.digests import sha256
from proof.ledger.records import Verdict
from proof.sources.extract import Extract, extracts, write_extracts
from proof.sources.project import Subject
from proof.verdicts.expected import judge
from proof.verdicts.run import Run
from proof.verdicts.stages import PARALLEL, check_sources, run_tests
from proof.verdicts.tools import TOOLS, Tool, ToolError
from proof.verdicts.units import works

OF_BLOCKS = "tests/test_pages.py"  # runs the Python blocks of all prose


def prove_some(run: Run, subjects: Sequence[Subject]) -> None:
    """Prove some rules and recipes alone, for who is writing them; the rest later.

    Args:
        run: A run; it takes the verdicts and the faults.
        subjects: Those whose files were changed.

    Raises:
        FaultsError: If the sources themselves are at fault.
    """
    check_sources(run)
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
    stale = [work for work in works(project) if work.tests in units]
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting = [
            # sessions are formatted where they stand, in their docstrings
            pool.submit(_check_some, run, tool, own, [*files, *blocks])
            if tool.name == "ruff format"
            else pool.submit(_check_some, run, tool, own, paths)
            for tool in TOOLS
        ]
        waiting.append(pool.submit(run_tests, run, "tests", stale))
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
    found, revealed, faults = judge(run.project, tool, reported, extracted, paths)
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
