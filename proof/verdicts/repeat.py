"""Runs tests many times in random order: `make repeat`."""

import sys

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.sources.project import Project
from proof.sources.tree import ABOUT_SITE

RULES, SITE = "rules", "site"
RUNS = {RULES: 50, SITE: 20}


def repeat(project: Project, children: Children, of: str = RULES) -> None:
    """Look for tests that depend on their order, on each other or on luck.

    Args:
        project: The project.
        children: What runs pytest.
        of: Whose tests: those of all rules, or of the site, which is built.

    Raises:
        FaultsError: If a run fails; its message tells how to run that order again.
    """
    tests = [each.tests for each in project.subjects] if of == RULES else [ABOUT_SITE]
    runs = RUNS[of]
    for number in range(1, runs + 1):
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short"),
            *("-p", "no:cacheprovider", "-n", "2"),
            *("--random-order", f"--random-order-seed={number}"),
            *tests,
        ]
        output = children.run(command, cwd=project.root)
        last = output.stdout.strip().rpartition("\n")[2]
        print(f"  {number:2} of {runs}: {last}", flush=True)
        if output.returncode:
            said = output.stdout.strip()[-3000:]
            again = " ".join(command[1:])
            message = f"run {number} fails; again by `python {again}`\n{said}"
            raise FaultsError([Fault("tests", 0, message)])
