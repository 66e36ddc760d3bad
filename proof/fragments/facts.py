"""What is known of each rule, in one form for everything but its page."""

import os
import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from proof.fragments.known import diagnostics_of, proofs_of, pythons_of
from proof.fragments.pythons import Pythons
from proof.ledger.records import Ledger
from proof.sources.comments import shown
from proof.sources.project import Project, Rule, Strength, Subject
from proof.verdicts.related import related

LOCAL = "http://127.0.0.1:8000/"
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


class Published(BaseModel):
    """What is published of a rule or a recipe.

    Attributes:
        id: Its permanent id.
        address: Its page, relative to the site's address; ends with a slash.
        files: Its files, the recommended modules first.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    address: str
    files: list[File]


class Facts(Published):
    """A rule.

    Attributes:
        chapter: The chapter's name.
        title: The title, in Markdown.
        lead: The lead, in Markdown, on one line.
        strength: How much weight it has in a review.
        codes: The codes by which each tool reports its counterexample.
        related: The codes besides, that its page names and a test of it confirms.
        proofs: What its proof shows besides tests, such as ``timeline``.
        python: On which Pythons it holds, where that was found out.
    """

    chapter: str
    title: str
    lead: str
    strength: Strength
    codes: dict[str, list[str]]
    related: dict[str, list[str]]
    proofs: list[str]
    python: Pythons | None


def site_address() -> str:
    """Give the site's public address; it ends with a slash."""
    return os.environ.get("SITE_URL", LOCAL).rstrip("/") + "/"


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
    return Facts(
        id=rule.id,
        chapter=rule.chapter,
        title=rule.title,
        lead=lead(project.read(rule.page)),
        strength=rule.strength,
        address=rule.address,
        codes=_by_tool(codes),
        related=_by_tool(related(project, ledger, rule) - codes),
        proofs=proofs_of(ledger.units[rule.tests]),
        python=pythons_of(project, ledger, rule),
        files=files_of(project, rule),
    )


def files_of(project: Project, subject: Subject) -> list[File]:
    """List the files of a rule or recipe as they are published."""
    of_kind: list[tuple[Kind, list[str]]] = [
        ("module", project.recommended(subject)),
        ("types", project.types(subject)),
        ("counterexample", project.counterexamples(subject)),
        ("tests", [subject.tests]),
    ]
    return [
        File(
            kind=kind,
            path=path,
            download=subject.download(path),
            text=shown(project.read(path)),
        )
        for kind, paths in of_kind
        for path in paths
    ]


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
