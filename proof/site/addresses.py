"""Holds links: what was ever published stays, or its address leads on."""

from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from proof.faults import Fault
from proof.ground.files import write
from proof.sources.project import Project
from proof.sources.published import PUBLISHED, listed
from proof.sources.redirects import REDIRECTS, Redirect, redirects

SECTIONS = "article :is(h2, h3, h4, h5, h6)[id]"
DERIVED = ("/changes/",)  # whose sections follow from git
MOVED = "meta[http-equiv=refresh]"


def link_faults(project: Project, site: Path) -> Iterator[Fault]:
    """Hold the built site to the list and to the redirects.

    A redirect leads all sections of a page to one place, as only a script could tell
    them apart: to the section it names, else to a page that has the same sections.

    Args:
        project: The project.
        site: The folder of the built site, with its redirects.

    Yields:
        A fault for each page or section that is gone, and for each redirect that
        reaches nothing.
    """
    pages = _anchors(site, "[id]")
    moved = {each.old: each for each in redirects(project)}
    gone: set[str] = set()
    for each in moved.values():
        if not _reaches(each.new, pages):
            gone.add(each.old)
            yield Fault(REDIRECTS, each.line, _unreached(each))
    for at, line in enumerate(listed(project), start=1):
        page, _, anchor = line.partition("#")
        if page in gone or _reaches(line, pages):
            continue
        if page in moved:
            new = moved[page].new
            if not anchor or "#" in new or _reaches(f"{new}#{anchor}", pages):
                continue
            message = (
                f"{line} is gone, but links to it are out: {new}, to which its page "
                f"has moved, needs a section {{#{anchor}}}, or name one in {REDIRECTS}"
            )
        elif page in pages:
            message = (
                f"{line} is gone, but links to it are out: write {{#{anchor}}} behind "
                "the heading that took its place"
            )
        else:
            gone.add(page)
            message = (
                f"{page} is gone, but links to it are out: put the page back, or say "
                f"in {REDIRECTS} where it went"
            )
        yield Fault(PUBLISHED, at, message)


def unlisted(project: Project, site: Path) -> list[str]:
    """List what the built site has and the list has not, sorted.

    A page's title is no section of it: its link is the page's own.
    What a reference page says of a class or function follows from the code's names,
    and the days of the changelog follow from git.
    """
    found = {
        line
        for page, anchors in _anchors(site, SECTIONS).items()
        for line in [page, *_sections(page, anchors)]
    }
    return sorted(found - set(listed(project)))


def _sections(page: str, anchors: set[str]) -> list[str]:
    if page in DERIVED:
        return []
    return [f"{page}#{each}" for each in anchors if "." not in each]


def publish(project: Project, site: Path) -> list[str]:
    """Add to the list what the built site has.

    Args:
        project: The project.
        site: The folder of the built site.

    Returns:
        The lines that are new.
    """
    new = unlisted(project, site)
    if new:
        lines = sorted({*listed(project), *new})
        write(project.root / PUBLISHED, "\n".join(lines) + "\n")
    return new


def _reaches(link: str, pages: dict[str, set[str]]) -> bool:
    page, _, anchor = link.partition("#")
    return page in pages and (not anchor or anchor in pages[page])


def _unreached(redirect: Redirect) -> str:
    return f"{redirect.old} is redirected to {redirect.new}, which the site has not"


def _anchors(site: Path, which: str) -> dict[str, set[str]]:
    """Find the pages by address, and the ids in each of the elements asked for."""
    pages: dict[str, set[str]] = {}
    for path in sorted(site.glob("**/index.html")):
        tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
        if not tree.css(MOVED):
            folder = path.parent.relative_to(site).as_posix()
            address = "/" if folder == "." else f"/{folder}/"
            pages[address] = {
                id_ for node in tree.css(which) if (id_ := node.attributes["id"])
            }
    return pages
