"""Reads what changed in substance.

docs/changes.toml is kept by hand. That a rule was published is derived: it is the day
on which its page was first committed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from proof.faults import Fault, FaultsError
from proof.sources.history import day_of, first_committed
from proof.sources.project import Project, Rule, parse_toml

CHANGES = "docs/changes.toml"
FORM = "[[change]] has date = YYYY-MM-DD, rule = an id, what = one sentence"
HEAD = re.compile(r"\s*\[\[\s*change\s*\]\]")


class Entry(BaseModel):
    """What changes.toml says of one change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: Annotated[date, Strict()]
    rule: str
    what: str


class Entries(BaseModel):
    """What changes.toml holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: list[Entry] = []


@dataclass(frozen=True, slots=True)
class Change:
    """A change in substance.

    Attributes:
        day: When.
        rule: Of which rule.
        what: What changed, in one sentence of Markdown; empty where it was published.
    """

    day: date
    rule: Rule
    what: str


def changes(project: Project) -> list[Change]:
    """List all changes.

    Args:
        project: The project.

    Returns:
        The newest first; of one day what the list says, then what was published.

    Raises:
        FaultsError: If the list can't be read, or an entry isn't of its form.
    """
    rules = {rule.id: rule for rule in project.rules}
    days = first_committed(project.root, "docs/*/*.md")
    found = [
        *(
            Change(each.date, rules[each.rule], each.what)
            for each in _entries(project)
            if each.rule in rules
        ),
        *(
            Change(days[rule.page], rule, "")
            for rule in project.rules
            if rule.page in days
        ),
    ]
    return sorted(found, key=lambda change: change.day, reverse=True)


def change_faults(project: Project) -> Iterator[Fault]:
    """Hold the list of changes to its form.

    Args:
        project: The project.

    Yields:
        The faults.
    """
    try:
        entries = _entries(project)
    except FaultsError as error:
        yield from error.faults
        return
    ids = {rule.id for rule in project.rules}
    limit = day_of(project.root, CHANGES)
    seen: set[tuple[str, date]] = set()
    for number, each in enumerate(entries):
        if each.rule not in ids:
            said = f"no rule has the id {each.rule!r}"
            yield Fault(CHANGES, _line(project, number, "rule"), said)
        if each.date > limit:
            said = f"{each.date} is in the future: this was written on {limit}"
            yield Fault(CHANGES, _line(project, number, "date"), said)
        if (each.rule, each.date) in seen:
            said = f"{each.rule} changed twice on {each.date}: say it in one sentence"
            yield Fault(CHANGES, _line(project, number, "rule"), said)
        seen.add((each.rule, each.date))
        if not each.what.endswith(".") or "\n" in each.what:
            said = "say in one sentence, on one line, what changed"
            yield Fault(CHANGES, _line(project, number, "what"), said)


def _entries(project: Project) -> list[Entry]:
    if not (project.root / CHANGES).is_file():
        return []
    try:
        listed = parse_toml(CHANGES, project.read(CHANGES), FORM)
        return Entries.model_validate(listed).change
    except ValidationError as error:
        raise FaultsError(
            Fault(CHANGES, _place(project, part["loc"]), f"{part['msg']}: {FORM}")
            for part in error.errors()
        ) from None


def _place(project: Project, loc: tuple[int | str, ...]) -> int:
    """Find the line of what pydantic names: ``change``, its number, its key."""
    match loc:
        case ("change", int(number), *keys):
            return _line(project, number, str(keys[0]) if keys else "")
        case _:
            return 0


def _line(project: Project, number: int, key: str) -> int:
    """Find the line of an entry's key, or of its head where it hasn't that key."""
    heads = -1
    head = 0
    for at, line in enumerate(project.read(CHANGES).splitlines(), start=1):
        if HEAD.match(line):
            heads += 1
            if heads == number:
                head = at
        elif heads == number and line.partition("=")[0].strip() == key:
            return at
    return head
