"""Reads the built site, and refuses every block of code that nobody proved."""

import json
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proof.blocks import PARSERS, block_text, blocks
from proof.faults import Fault
from proof.project import Project

INDEX = "search/search_index.json"


def check_site(project: Project, site: Path, code: set[str]) -> list[Fault]:
    """Check all that the site shows.

    Args:
        project: The project.
        site: The folder of the built site.
        code: The texts of proven code.

    Returns:
        A fault for each block that is not proven, at the page it comes from.
    """
    known = code | _in_prose(project)
    return [
        Fault(*_place(project, page, text), _message(text))
        for page, text in _shown(site)
        if text.strip("\n") not in known
    ]


def _in_prose(project: Project) -> set[str]:
    """Take the texts of blocks that the pages hold themselves.

    They are known because other steps refuse every one that isn't run or parsed.
    """
    return {
        block_text(project, block).strip("\n")
        for path in project.files("docs/**/*.md")
        for block in blocks(path, project.read(path))
        if block.is_python or block.info.partition(" ")[0] in PARSERS
    }


def _shown(site: Path) -> Iterator[tuple[str, str]]:
    """Yield each page's address and the text of each of its blocks."""
    for path in sorted(site.glob("**/*.html")):
        address = path.relative_to(site).as_posix()
        for text in texts(path.read_text(encoding="utf-8")):
            yield address, text
    if (site / INDEX).exists():
        for entry in json.loads((site / INDEX).read_text(encoding="utf-8"))["docs"]:
            address = entry["location"].partition("#")[0] + "index.html"
            for text in texts(entry["text"]):
                yield address, text


def texts(markup: str) -> Iterator[str]:
    """Find what a page shows as a block of code.

    Args:
        markup: HTML.

    Yields:
        The text of each block: of any element that keeps its white space, and of any
        code that has several lines.
    """
    tree = LexborHTMLParser(markup)
    for node in tree.css("pre, textarea, listing, plaintext, xmp"):
        if not _inside_pre(node):
            yield node.text()
    for node in tree.css("code, samp, kbd"):
        if "\n" in node.text().strip("\n") and not _inside_pre(node):
            yield node.text()


def _inside_pre(node: LexborNode) -> bool:
    parent = node.parent
    return parent is not None and (parent.tag == "pre" or _inside_pre(parent))


def _place(project: Project, address: str, text: str) -> tuple[str, int]:
    """Find where a page's block is written: the source's line, or the page itself."""
    folder = address.removesuffix("index.html").strip("/")
    for path in (f"docs/{folder}.md", f"docs/{folder}/index.md", "docs/index.md"):
        if (project.root / path).is_file():
            first = text.strip().partition("\n")[0].strip()
            lines = project.read(path).splitlines()
            found = (at for at, line in enumerate(lines, start=1) if first in line)
            return path, next(found, 0)
    return address, 0


def _message(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return (
        f"this block is not proven: {first!r}. Make it a snippet of a rule, or a fence "
        f"spelled ```python or one of {', '.join(PARSERS)}"
    )
