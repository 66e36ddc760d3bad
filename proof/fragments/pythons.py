"""Tells from which Python on a rule holds."""

import itertools
from collections.abc import Collection
from datetime import date

from pydantic import BaseModel, ConfigDict

from proof.fragments.markup import sentence
from proof.ledger.records import Older, Unit
from proof.verdicts.interpreters import NEWEST, OLDER


class Pythons(BaseModel):
    """On which Pythons a rule holds; the facts behind the first one stay apart.

    Attributes:
        oldest: The oldest version from which on nothing speaks against the snippet.
        accepted: The oldest version for which both type checkers accept it.
        refused: What speaks against the one before that; empty if none is older.
        passed: The interpreters on which its tests pass, newest first, in full.
        failed: Those on which some fail that run the snippet, and which.
        unfit: Those that can't run them, or some, for a reason of the tests' own.
        differs: The tests that fail on an interpreter, but run no line of the snippet.
        day: When all that was found out.
        by: What was asked, each with its version.
    """

    model_config = ConfigDict(frozen=True)

    oldest: str
    accepted: str
    refused: str
    passed: list[str]
    failed: dict[str, str]
    unfit: dict[str, str]
    differs: dict[str, list[str]]
    day: date
    by: list[str]


def pythons(verdict: Older, unit: Unit, modules: Collection[str]) -> Pythons:
    """Tell from which Python on a rule holds.

    A test that runs no line of the snippet, but shows a counterexample or how Python
    works, may fail on an older one: Python differs there, but not the snippet.

    Args:
        verdict: What is known of the older versions.
        unit: What the rule's tests proved.
        modules: The snippet's files.

    Returns:
        The facts.
    """
    own = {claim.name for claim in unit.tests if any(map(claim.lines.get, modules))}
    failed = dict(verdict.broken)
    for full, names in verdict.ran.items():
        if wrong := [name for name in names if name in own]:
            failed[full] = "; ".join(map(sentence, wrong))
    against = {full.rpartition(".")[0] for full in failed}
    holds = itertools.takewhile(lambda each: each not in against, verdict.accepted)
    return Pythons(
        oldest=[NEWEST, *holds][-1],
        accepted=[NEWEST, *verdict.accepted][-1],
        refused=verdict.refused,
        passed=[full for full in verdict.ran if full not in failed],
        failed=failed,
        unfit=verdict.unfit
        | {
            full: "; ".join(map(sentence, names))
            for full, names in verdict.lacking.items()
        },
        differs={
            full: [sentence(name) for name in names if name not in own]
            for full, names in verdict.ran.items()
            if {*names} - own
        },
        day=verdict.day,
        by=verdict.by,
    )


def versions_from(oldest: str) -> list[str]:
    """List the versions from one on, the oldest first."""
    known = [*reversed(OLDER), NEWEST]
    return known[known.index(oldest) :]
