"""What the ledger knows of a rule: diagnostics, Pythons, kinds of proof."""

from proof.fragments.pythons import Pythons, pythons
from proof.ledger.records import Diagnostic, Ledger, Unit
from proof.sources.comments import Expectation, expectations
from proof.sources.includes import RECORDED
from proof.sources.project import Project, Subject


def diagnostics_of(
    project: Project, ledger: Ledger, subject: Subject
) -> list[Diagnostic]:
    """List what was reported of a counterexample."""
    paths = project.counterexamples(subject)
    return [
        each
        for verdict in ledger.tools.values()
        for each in verdict.diagnostics
        if each.path in paths
    ]


def pythons_of(project: Project, ledger: Ledger, subject: Subject) -> Pythons | None:
    """Tell on which Pythons something holds; ``None`` where nobody found out yet."""
    verdict, unit = ledger.older.get(subject.tests), ledger.units.get(subject.tests)
    if verdict is None or unit is None:
        return None
    return pythons(verdict, unit, project.recommended(subject))


def proofs_of(unit: Unit) -> list[str]:
    """Name the kinds of proof, besides tests, that the tests recorded."""
    kinds = {
        "timeline": any(claim.timeline for claim in unit.tests),
        "measured": any(claim.rows or claim.growths for claim in unit.tests),
        "attack": any(claim.attack for claim in unit.tests),
        "evidence": any(claim.evidence for claim in unit.tests),
    }
    return [name for name in RECORDED if kinds[name]]


def failures(path: str, text: str) -> list[Expectation]:
    """List what the tests must show of a counterexample."""
    return [each for each in expectations(path, text)[0] if each.tool == "test"]
