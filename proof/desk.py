"""Makes what the desk needs to find the rules for a tool's report."""

import json
from collections import defaultdict
from collections.abc import Iterable

from proof.facts import Source
from proof.rule_fragments import diagnostics_of

RUFF_RULES = "https://docs.astral.sh/ruff/rules/"


def desk_json(source: Source) -> Iterable[tuple[str, str]]:
    """List the rules by the codes that their counterexamples were proven to trigger.

    With its preview on, ruff prints a rule's name for its code in all but JSON: the
    names are taken from the links in its own reports.

    Args:
        source: What exports are made of.

    Yields:
        The one file: the rules in reading order, their ids by tool and code, and
        ruff's codes by name.
    """
    codes = defaultdict[str, defaultdict[str, list[str]]](lambda: defaultdict(list))
    for rule in source.rules:
        for tool, reported in rule.codes.items():
            for code in reported:
                codes[tool][code].append(rule.id)
    names = {
        each.url.removeprefix(RUFF_RULES).rstrip("/"): each.code
        for rule in source.project.rules
        for each in diagnostics_of(source.project, source.ledger, rule)
        if each.url.startswith(RUFF_RULES)
    }
    rules = [
        each.model_dump(include={"id", "title", "strength", "address"})
        for each in source.rules
    ]
    known = {"rules": rules, "codes": codes, "names": dict(sorted(names.items()))}
    yield "desk.json", json.dumps(known, indent=1) + "\n"
