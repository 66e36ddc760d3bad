"""Adds to the built site what programs read of it."""

from collections.abc import Callable, Iterable
from pathlib import Path

from proof.exports.browser.pyodide import pyodide
from proof.exports.desk import desk_json
from proof.exports.downloads import archive, downloads
from proof.exports.editors import jetbrains, vs_code
from proof.exports.feed import feed_xml
from proof.exports.material import Material
from proof.exports.moved import redirect_pages
from proof.exports.rules_json import rules_json
from proof.exports.search import search_json
from proof.exports.skill import skill
from proof.exports.twins import llms_txt, twins
from proof.fragments.facts import Published, facts, files_of, site_address
from proof.fragments.project_fragments import Fragments
from proof.ledger.records import Ledger
from proof.sources.project import Project

WITH_FENCES = {".md", ".txt"}  # whose blocks are checked one by one
type Export = Callable[[Material], Iterable[tuple[str, str | bytes]]]
EXPORTS: tuple[Export, ...] = (
    rules_json,
    search_json,
    feed_xml,
    redirect_pages,
    twins,
    llms_txt,
    skill,
    desk_json,
    downloads,
    archive,
    vs_code,
    jetbrains,
    pyodide,
)


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
    recipes = [
        Published(id=each.id, address=each.address, files=files_of(project, each))
        for each in project.recipes
        if each.id not in made.unproven
    ]
    source = Material(project, ledger, made, rules, site_address(), site, recipes)
    texts = {
        file.text.strip("\n") for each in [*rules, *recipes] for file in each.files
    }
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
