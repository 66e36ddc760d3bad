"""Tells which rules and recipes are proven on their present bytes."""

from pathlib import Path

from proof.ground.digests import sha256
from proof.ledger.records import Ledger
from proof.sources.project import Project, Subject
from proof.verdicts.tools import TOOLS


def unproven(project: Project, ledger: Ledger) -> dict[str, str]:
    """Tell which rules and recipes lack a proof on their present bytes.

    Args:
        project: The project.
        ledger: What is proven.

    Returns:
        The reason, by id.
    """
    reasons = {
        each.id: why_unproven(project, ledger, each) for each in project.subjects
    }
    return {id_: why for id_, why in reasons.items() if why}


def why_unproven(project: Project, ledger: Ledger, subject: Subject) -> str:
    """Tell what is missing to the proof of a rule or recipe.

    Args:
        project: The project.
        ledger: What is proven.
        subject: The rule or recipe.

    Returns:
        The first reason, with the file's name; empty if it is proven on exactly the
        bytes that its files have now.
    """
    unit = ledger.units.get(subject.tests)
    if unit is None:
        return f"{subject.tests} has not passed since its last change"
    if unit.missing:
        return f"not proven here: {', '.join(unit.missing)}"
    if not _same(project.root, subject.tests, unit.sha256):
        return f"{subject.tests} was changed after it was proven"
    for path in project.snippets(subject):
        executed = unit.snippets.get(path)
        if executed is None or not _same(project.root, path, executed.sha256):
            return f"{path} was changed after it was proven"
        for tool in TOOLS:
            verdict = ledger.tools.get(tool.name)
            if verdict is None or verdict.files.get(path) != executed.sha256:
                return f"{path} is not accepted by {tool.name} as it is now"
    return ""


def _same(root: Path, path: str, digest: str) -> bool:
    return (root / path).is_file() and sha256(root, path) == digest
