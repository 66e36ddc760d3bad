"""Writes what a page's section *Proof* says."""

import html
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from proof.fragments import draw
from proof.fragments.markup import message, sentence
from proof.fragments.pythons import Pythons
from proof.ledger.records import Claim, Diagnostic, Ledger, Unit
from proof.sources.comments import CHECKERS

RUNS = ("asyncio", "trio", "SQLite", "PostgreSQL")  # columns of a proof's matrix
SHORT = 60  # characters
SEVERAL = 2
PASSED = '<span class="passed">passed</span>'


def on_older(found: Pythons) -> dict[str, str]:
    """Tell apart what the checkers and what older interpreters say of a snippet."""
    accepted = f"for Python {found.accepted} and newer"
    if found.refused:
        version, _, why = found.refused.partition(": ")
        accepted += f"; on {version}: {message(why)}"
    facts = {"Both checkers accept it": accepted}
    if found.passed:
        facts["Tests passed on"] = ", ".join(f"CPython {each}" for each in found.passed)
    for title, told in (
        ("Tests fail on", found.failed.items()),
        ("Tests can't run on", found.unfit.items()),
        (
            "Python differs on",
            ((full, "; ".join(names)) for full, names in found.differs.items()),
        ),
    ):
        if said := [f"CPython {full}: {message(what)}" for full, what in told]:
            facts[title] = "<br>".join(said)
    facts["Found out on"] = f"{found.day}, with {', '.join(found.by)}"
    return facts


def cases(claim: Claim) -> str:
    """Tell of a test that ran several times how often, and on what if that is short."""
    if claim.cases == 1:
        return ""
    ids = html.escape(", ".join(claim.ids))
    on = f": {ids}" if len(ids) <= SHORT else ""
    return f" <small>{claim.cases} cases{on}</small>"


def runs(unit: Unit) -> str:
    """Tell which tests ran on what, where some ran on several."""
    ran = {claim.name: {*"-".join(claim.ids).split("-")} for claim in unit.tests}
    columns = [run for run in RUNS if any(run in on for on in ran.values())]
    if len(columns) < SEVERAL:
        return ""
    rows = {
        html.escape(sentence(name)): [PASSED if run in on else "" for run in columns]
        for name, on in ran.items()
        if on.intersection(columns)
    }
    return draw.matrix("What the tests ran on", columns, rows)


def attacks(unit: Unit) -> str:
    """Tell the attacks that the tests carried out."""
    return "\n".join(
        draw.attack(sentence(claim.name), claim.attack)
        for claim in unit.tests
        if claim.attack
    )


def timelines(unit: Unit) -> str:
    """Draw the timelines that the tests recorded."""
    return "\n".join(
        draw.timeline(sentence(claim.name), claim.timeline)
        for claim in unit.tests
        if claim.timeline
    )


def checkers(paths: Iterable[str], found: Sequence[Diagnostic], ledger: Ledger) -> str:
    """Tell what each type checker said of each file of a rule.

    Args:
        paths: The rule's files.
        found: What was reported of its counterexample.
        ledger: What is proven.

    Returns:
        A table.
    """
    revealed = [each for v in ledger.tools.values() for each in v.revealed]
    rows: dict[str, list[str]] = {}
    for path in paths:
        row: list[str] = []
        for tool in CHECKERS:
            said = {
                "refuses": sum((e.path, e.tool) == (path, tool) for e in found),
                "reveals": sum((e.path, e.tool) == (path, tool) for e in revealed),
            }
            told = [f"{what} {number}" for what, number in said.items() if number]
            row.append(", ".join(told) or "accepts")
        rows[f"<code>{PurePath(path).name}</code>"] = row
    return draw.matrix("What each checker says", CHECKERS, rows)
