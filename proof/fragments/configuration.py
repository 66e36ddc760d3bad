"""Makes the configuration to copy: what has a tool report each rule that it can."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypedDict

from proof.sources.comments import FORMAT, expectations
from proof.sources.project import Project, Rule

RUFF = """[tool.ruff]
target-version = "py313"

[tool.ruff.lint]
preview = true
explicit-preview-rules = true # a preview rule counts only where its full code is named
select = [
{codes}
]
"""
CHECKERS = """
[tool.mypy]
strict = true
enable_error_code = [
{mypy}
]

[tool.pyright]
typeCheckingMode = "strict"
{pyright}
"""
OWN = "[tool.ruff.lint]\n"  # how a rule's own tables for ruff begin
PLACES = {"pythonVersion", "typeCheckingMode", "include", "exclude"}  # not to copy


class Mypy(TypedDict):
    """What mypy is told, as far as it is read here."""

    enable_error_code: list[str]


class Tools(TypedDict):
    """The part of pyproject.toml that is read here."""

    mypy: Mypy
    pyright: dict[str, str | bool | list[str]]


def configuration(project: Project, rules: Iterable[Rule]) -> str:
    """Write the tables for pyproject.toml that enforce some rules.

    The codes of ruff are those that the rules' counterexamples are proven to trigger,
    and those that a rule's own tables select: they ban names, and stand here too. What
    the checkers are told is what this project tells them: its proofs prove it.

    Args:
        project: The project.
        rules: The rules to enforce.

    Returns:
        TOML.
    """
    return selection(project, rules) + checkers(project)


def selection(project: Project, rules: Iterable[Rule]) -> str:
    """Write ruff's table that enforces some rules.

    Args:
        project: The project.
        rules: The rules to enforce.

    Returns:
        TOML; a selection of nothing where ruff can enforce none of them.
    """
    enforced = defaultdict[str, list[str]](list)
    tables: list[str] = []
    for rule in rules:
        own = own_tables(project, rule)
        for code in codes_of(project, rule) | own_codes(own):
            enforced[code].append(rule.id)
        tables += (f"\n# {rule.id}\n{each}" for each in _settings(own))
    listed = [
        f'    "{code}", # {", ".join(ids)}' for code, ids in sorted(enforced.items())
    ]
    return RUFF.format(codes="\n".join(listed)) + "".join(tables)


def checkers(project: Project) -> str:
    """Write the type checkers' tables."""
    tools: Tools = tomllib.loads(project.read("pyproject.toml"))["tool"]
    mypy = "\n".join(f'    "{code}",' for code in tools["mypy"]["enable_error_code"])
    pyright = "\n".join(
        f"{name} = {str(value).lower()}"
        for name, value in tools["pyright"].items()
        if name not in PLACES
    )
    return CHECKERS.format(mypy=mypy, pyright=pyright)


def codes_of(project: Project, rule: Rule) -> set[str]:
    """List the codes by which ruff must report a rule's counterexample."""
    return {
        each.code
        for path in project.counterexamples(rule)
        for each in expectations(path, project.read(path))[0]
        if each.tool == "ruff" and each.code != FORMAT
    }


def own_tables(project: Project, rule: Rule) -> str:
    """Give the tables for ruff that a rule has beside its code; empty if none."""
    path = f"{rule.module}.toml"
    text = project.read(path) if project.files(path) else ""
    return text if text.startswith(OWN) else ""


def own_codes(tables: str) -> set[str]:
    """List what a rule's own tables have ruff report."""
    if not tables:
        return set()
    selected: list[str] = tomllib.loads(tables)["tool"]["ruff"]["lint"]["extend-select"]
    return set(selected)


def _settings(tables: str) -> Iterator[str]:
    """Cut a rule's own tables; the first one's codes stand in the one selection."""
    yield from re.split(r"^(?=\[)", tables, flags=re.MULTILINE)[2:]
