"""Finds a part of what is kept out once more, so that nobody can type it.

Which part follows from the commit: whoever makes one can't choose it, and each commit
has another one.
"""

import random
from collections.abc import Iterator, Mapping

from proof.faults import Fault
from proof.ledger.kept import OLDER as KEPT
from proof.ledger.records import Older
from proof.verdicts.interpreters import OLDER

SAMPLE = 3  # rules


def draw(kept: Mapping[str, Older], commit: str) -> tuple[list[str], str]:
    """Draw what is found out again at a commit.

    Args:
        kept: What is kept, by the test file.
        commit: The commit.

    Returns:
        Some test files and a version of Python; the same ones for the same commit.
    """
    seeded = random.Random(commit)  # noqa: S311 - to be repeated, not to be secret
    return seeded.sample(sorted(kept), min(SAMPLE, len(kept))), seeded.choice(OLDER)


def differences(
    kept: Mapping[str, Older], found: Mapping[str, Older], version: str
) -> Iterator[Fault]:
    """Hold what is kept to what was found out again.

    Args:
        kept: What is kept, by the test file.
        found: What was found out now, of some of them.
        version: The version of Python that was asked for; its patch release may be
            another one, and may have been at hand on one side only.

    Yields:
        A fault for each that differs.
    """
    for tests, now in found.items():
        before = kept[tests]
        accepts = [version in each.accepted for each in (before, now)]
        ran, again = _said(before, version), _said(now, version)
        if len({*accepts}) > 1 or (ran and again and ran != again):
            message = f"on {version} it was found out again, and differs"
            advice = "run `FRESH=1 make test`, and commit it"
            yield Fault(KEPT, 0, f"{tests}: {message}: {advice}")


def _said(verdict: Older, version: str) -> list[object]:
    """Give what the tests of a rule showed on a version."""
    return [
        said
        for each in (verdict.ran, verdict.lacking, verdict.unfit, verdict.broken)
        for full, said in each.items()
        if full.rpartition(".")[0] == version
    ]
