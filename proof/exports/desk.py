"""Makes what the desk needs to find the rules for a tool's report."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from proof.exports.material import Material
from proof.fragments.known import diagnostics_of
from proof.verdicts.codes import ruff_names

RUFF_RULES = "https://docs.astral.sh/ruff/rules/"
type Codes = defaultdict[str, defaultdict[str, list[str]]]


def desk_json(source: Material) -> Iterable[tuple[str, str]]:
    """List the rules by the codes that their counterexamples were proven to trigger.

    After them come the rules whose pages name a code that a test of theirs confirms.
    With its preview on, ruff prints a rule's name for its code in all but JSON: the
    names are taken from the links in its own reports, where it made some.

    Args:
        source: What exports are made of.

    Yields:
        The one file: the rules in reading order, their ids by tool and code, and
        ruff's codes by name.
    """
    codes: Codes = defaultdict(lambda: defaultdict(list))
    for rule in source.rules:
        _add(codes, rule.id, rule.codes)
    for rule in source.rules:
        _add(codes, rule.id, rule.related)
    names = {
        each.url.removeprefix(RUFF_RULES).rstrip("/"): each.code
        for rule in source.project.rules
        for each in diagnostics_of(source.project, source.ledger, rule)
        if each.url.startswith(RUFF_RULES)
    }
    related = {code for each in source.rules for code in each.related.get("ruff", ())}
    if related:  # ruff is asked for no other
        names |= {name: code for name, code in ruff_names() if code in related}
    rules = [
        each.model_dump(include={"id", "title", "strength", "address"})
        for each in source.rules
    ]
    known = {"rules": rules, "codes": codes, "names": dict(sorted(names.items()))}
    yield "desk.json", json.dumps(known, indent=1) + "\n"


def _add(codes: Codes, rule: str, reported: Mapping[str, list[str]]) -> None:
    for tool, of_tool in reported.items():
        for code in of_tool:
            codes[tool][code].append(rule)
