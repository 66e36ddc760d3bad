"""Tells which Python in a browser ran the examples of a snippet."""

from proof.ground.digests import sha256
from proof.ledger.records import Ledger
from proof.sources.project import Project, Subject
from proof.sources.runnable import TESTS, case_of, module_of, runnable


def ran_on(ledger: Ledger) -> str:
    """Tell on which Python the tests ran what can be run; empty if they didn't."""
    unit = ledger.units.get(TESTS)
    if unit is None or unit.missing:
        return ""
    return ", ".join(sorted({each for claim in unit.tests for each in claim.servers}))


def examples_ran_on(project: Project, ledger: Ledger, subject: Subject) -> str:
    """Tell on which Python besides the project's own the examples ran.

    Args:
        project: The project.
        ledger: What is proven.
        subject: The rule or recipe.

    Returns:
        Its name and version; empty if the module as it is now was not run there.
    """
    path = runnable(project, subject)
    if path is None or not (told := ran_on(ledger)):
        return ""
    case = case_of(module_of(subject), sha256(project.root, path))
    ran = {each for claim in ledger.units[TESTS].tests for each in claim.ids}
    return told if case in ran else ""
