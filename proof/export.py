"""Adds to the built site what programs read of it."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from proof.facts import Facts, facts
from proof.fragments import Fragments
from proof.ledger import Ledger
from proof.project import Project

LOCAL = "http://127.0.0.1:8000/"
WITH_FENCES = {".md", ".txt"}  # whose blocks are checked one by one


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


type Export = Callable[[Source], Iterable[tuple[str, str | bytes]]]


def rules_json(source: Source) -> Iterable[tuple[str, str]]:
    """List the rules for programs."""
    listed = [
        each.model_dump(include={"id", "chapter", "title", "lead", "strength"})
        | {"link": source.address + each.address, "codes": each.codes}
        | {
            "files": [
                {
                    "kind": file.kind,
                    "path": file.path,
                    "sha256": hashlib.sha256(file.text.encode()).hexdigest(),
                }
                for file in each.files
            ]
        }
        for each in source.rules
    ]
    yield "rules.json", json.dumps({"version": 1, "rules": listed}, indent=1) + "\n"


EXPORTS: tuple[Export, ...] = (rules_json,)


def export(project: Project, ledger: Ledger, made: Fragments, site: Path) -> set[str]:
    """Write every export into the built site.

    Args:
        project: The project.
        ledger: What is proven.
        made: The fragments of the pages.
        site: The folder of the pages that were built.

    Returns:
        The texts, written without fences, that were made of what is proven.
    """
    rules = [
        facts(project, ledger, rule)
        for rule in project.rules
        if rule.id not in made.unproven
    ]
    address = os.environ.get("SITE_URL", LOCAL).rstrip("/") + "/"
    source = Source(project, ledger, made, rules, address, site)
    texts = {file.text.strip("\n") for rule in rules for file in rule.files}
    for each in EXPORTS:
        for name, content in each(source):
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
                continue
            path.write_text(content, encoding="utf-8")
            if path.suffix not in WITH_FENCES:
                texts.add(content.strip("\n"))
    return texts
