"""Finds the codes that a rule's page names and a test of it confirms.

A counterexample shows its own codes; these are reported of code that is elsewhere. What
confirms one is the tool: an ignore of it in the rule's test file, which that tool would
report if it were not needed, or its own words, which a test recorded as evidence.
"""

import io
import re
import tokenize
from collections.abc import Iterator, Mapping

from proof.ledger.records import Ledger
from proof.sources.project import Project, Rule
from proof.verdicts.codes import is_code
from proof.verdicts.tools import TOOLS

WORDS = {"ruff": r"\b([A-Z]+[0-9]+)\b", "pyright": r"\b(report[A-Z]\w+)\b"}
IN_OUTPUT = WORDS | {"mypy": r"\[([a-z-]+)\]"}
# `index` is a word of Python as well: one of mypy is written `[index]`
IN_PROSE = WORDS | {"mypy": r"""[`"](\[[a-z-]+\]|[a-z]+(?:-[a-z]+)+)[`"]"""}
IN_IGNORES = {
    "ruff": r"# noqa: ([A-Z]+[0-9]+)",
    "mypy": r"# type: ignore\[([\w-]+)\]",
    "pyright": r"# pyright: ignore\[(\w+)\]",
}
REFERENCES = "\n## References\n"


def related(project: Project, ledger: Ledger, rule: Rule) -> set[tuple[str, str]]:
    """List the codes that a rule's page names and a test of it confirms.

    Args:
        project: The project.
        ledger: What is proven.
        rule: A rule that is.

    Returns:
        Tools and codes; those of the counterexample may be among them.
    """
    named = {*_codes(IN_PROSE, project.read(rule.page).partition(REFERENCES)[0])}
    confirmed = {*_codes(IN_IGNORES, _comments(project.read(rule.tests)))}
    for claim in ledger.units[rule.tests].tests:
        for exhibit in claim.evidence:
            confirmed |= {*_codes(IN_OUTPUT, exhibit.text)}
    tools = {tool.name: tool for tool in TOOLS}
    return {
        (name, code) for name, code in named & confirmed if is_code(tools[name], code)
    }


def _codes(forms: Mapping[str, str], text: str) -> Iterator[tuple[str, str]]:
    """Give what may be codes, each with the tool that it would be of."""
    for tool, form in forms.items():
        for code in re.findall(form, text):
            yield tool, code.strip("[]")


def _comments(text: str) -> str:
    """Give a module's comments; those in its strings are of other modules."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(each.string for each in tokens if each.type == tokenize.COMMENT)
