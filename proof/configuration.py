"""Makes the configuration to copy: what has a tool report each rule that it can."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from typing import TypedDict

from proof.project import Project, Rule
from proof.source import FORMAT, expectations

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

    The codes of ruff are those that the rules' counterexamples are proven to trigger.
    What the checkers are told is what this project tells them: its proofs prove it.

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
    for rule in rules:
        for code in codes_of(project, rule):
            enforced[code].append(rule.id)
    listed = [
        f'    "{code}", # {", ".join(ids)}' for code, ids in sorted(enforced.items())
    ]
    return RUFF.format(codes="\n".join(listed))


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
