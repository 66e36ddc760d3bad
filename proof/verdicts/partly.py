"""Proves some rules and recipes alone, for whoever is writing them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from proof.sources.blocks import python_blocks
from proof.sources.project import Subject
from proof.verdicts.checkers import start_on
from proof.verdicts.run import Run
from proof.verdicts.stages import PARALLEL, check_sources, run_tests
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
    units = {each.tests for each in subjects}
    pages = {each.page for each in subjects}
    if any(block.path in pages for block in python_blocks(project)):
        units.add(OF_BLOCKS)
    stale = [work for work in works(project) if work.tests in units]
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting = start_on(run, pool, subjects)
        waiting.append(pool.submit(run_tests, run, "tests", stale))
        for each in waiting:
            each.result()
