"""What is known of each rule, in one form for everything but its page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from proof.fragments import Fragments
from proof.ledger import Ledger
from proof.older import Pythons
from proof.project import Project, Rule, Strength
from proof.related import related
from proof.rule_fragments import diagnostics_of, proofs_of, pythons_of
from proof.source import shown

type Kind = Literal["module", "types", "counterexample", "tests"]


class File(BaseModel):
    """A file of a rule, as a reader can download it.

    Attributes:
        kind: What it is to the rule.
        path: Its path in the repository.
        download: What it is called where a reader saves it.
        text: What is published of it: all but the expectations.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    path: str
    download: str
    text: str


class Facts(BaseModel):
    """A rule.

    Attributes:
        id: Its permanent id.
        chapter: The chapter's name.
        title: The title, in Markdown.
        lead: The lead, in Markdown, on one line.
        strength: How much weight it has in a review.
        address: Its page, relative to the site's address; ends with a slash.
        codes: The codes by which each tool reports its counterexample.
        related: The codes besides, that its page names and a test of it confirms.
        proofs: What its proof shows besides tests, such as ``timeline``.
        python: On which Pythons it holds, where that was found out.
        files: Its files, the recommended modules first.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    chapter: str
    title: str
    lead: str
    strength: Strength
    address: str
    codes: dict[str, list[str]]
    related: dict[str, list[str]]
    proofs: list[str]
    python: Pythons | None
    files: list[File]


@dataclass(frozen=True, slots=True)
class Source:
    """What exports are made of.

    Attributes:
        project: The project.
        ledger: What is proven.
        made: The fragments of the pages.
        rules: What is known of each rule, in reading order.
        address: The site's public address; ends with a slash.
        site: The folder of the pages that were built.
    """

    project: Project
    ledger: Ledger
    made: Fragments
    rules: list[Facts]
    address: str
    site: Path


def facts(project: Project, ledger: Ledger, rule: Rule) -> Facts:
    """Gather what is known of a rule.

    Args:
        project: The project.
        ledger: What is proven.
        rule: A rule that is.

    Returns:
        The facts.
    """
    codes = {(each.tool, each.code) for each in diagnostics_of(project, ledger, rule)}
    of_kind: list[tuple[Kind, list[str]]] = [
        ("module", project.recommended(rule)),
        ("types", project.types(rule)),
        ("counterexample", project.counterexamples(rule)),
        ("tests", [rule.tests]),
    ]
    return Facts(
        id=rule.id,
        chapter=rule.chapter,
        title=rule.title,
        lead=lead(project.read(rule.page)),
        strength=rule.strength,
        address=f"{rule.chapter}/{rule.name}/",
        codes=_by_tool(codes),
        related=_by_tool(related(project, ledger, rule) - codes),
        proofs=proofs_of(ledger.units[rule.tests]),
        python=pythons_of(project, ledger, rule),
        files=[
            File(
                kind=kind,
                path=path,
                download=rule.download(path),
                text=shown(project.read(path)),
            )
            for kind, paths in of_kind
            for path in paths
        ],
    )


def _by_tool(codes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    by_tool: dict[str, list[str]] = {}
    for tool, code in sorted(codes):
        by_tool.setdefault(tool, []).append(code)
    return by_tool


def lead(page: str) -> str:
    """Take the lead from a rule's page: the first paragraph below its chips.

    Args:
        page: The page's text.

    Returns:
        The paragraph on one line.
    """
    for block in re.split(r"\n\s*\n", page):
        if not block.lstrip().startswith(("#", "--8<--")):
            return " ".join(block.split())
    return ""
