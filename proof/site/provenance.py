"""Reads the built site, and refuses every block of code that nobody proved."""

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

from proof.faults import Fault
from proof.sources.blocks import PARSERS, block_text, blocks
from proof.sources.project import Project
from proof.sources.rendered import texts

INDEX = "search/search_index.json"
PLAIN = (  # kinds of files that show no code
    *(".css", ".gz", ".ico", ".inv", ".js", ".map", ".png", ".svg", ".webp"),
    *(".woff2", ".xml"),
)
VENDORED = "assets/pyodide/"  # Python itself, held to the lock's hashes
SIGNS = (".nojekyll", "CNAME")  # to the host


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
        if block.is_python or block.language in PARSERS
    }


def _shown(site: Path) -> Iterator[tuple[str, str]]:
    """Yield each page's address and the text of each of its blocks.

    A file of a kind that nobody knows how to read counts as one block.
    """
    for path in sorted(each for each in site.glob("**/*") if each.is_file()):
        address = path.relative_to(site).as_posix()
        if address.startswith(VENDORED) or path.suffix in PLAIN or path.name in SIGNS:
            continue
        if path.suffix == ".zip":
            yield from _packed(address, path)
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from _of_file(address, text)


def _packed(address: str, path: Path) -> Iterator[tuple[str, str]]:
    with ZipFile(path) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8", errors="replace")
            yield from _of_file(f"{address}/{name}", text)


def _of_file(address: str, text: str) -> Iterator[tuple[str, str]]:
    suffix = Path(address).suffix
    if address == INDEX:
        yield from _indexed(text)
    elif suffix == ".html":
        yield from ((address, each) for each in texts(text))
    elif suffix in {".md", ".txt"}:
        yield from ((address, each.text) for each in blocks(address, text))
    else:
        yield address, text


def _indexed(text: str) -> Iterator[tuple[str, str]]:
    for entry in json.loads(text)["docs"]:
        address = entry["location"].partition("#")[0] + "index.html"
        yield from ((address, each) for each in texts(entry["text"]))


def _place(project: Project, address: str, text: str) -> tuple[str, int]:
    """Find where a page's block is written: the source's line, or the page itself."""
    if (project.root / f"docs/{address}").is_file():
        return f"docs/{address}", 0
    folder = address.removesuffix("index.html")
    for path in (f"docs/{folder.removesuffix('/')}.md", f"docs/{folder}index.md"):
        if (project.root / path).is_file():
            first = text.strip().partition("\n")[0].strip()
            lines = project.read(path).splitlines()
            found = (at for at, line in enumerate(lines, start=1) if first in line)
            return path, next(found, 0)
    return address, 0


def _message(text: str) -> str:
    first = text.strip().partition("\n")[0][:60]
    return (
        f"this block is not proven: {first!r}. Make it a snippet of a rule, or a fence "
        f"spelled ```python or one of {', '.join(PARSERS)}"
    )
