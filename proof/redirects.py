"""Leads from the address of a page that moved to where it is now."""

import html
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from proof.facts import Source
from proof.faults import Fault, FaultsError
from proof.project import Project, parse_toml

REDIRECTS = "docs/redirects.toml"
FORM = 'write "/old/page/" = "/new/page/#anchor"'
OLD = re.compile(r"/([\w-]+/)+")
NEW = re.compile(r"/([\w-]+/)*(#\S+)?")
POLICY = "default-src 'none'; img-src 'self'; script-src 'self'"
SCRIPT = "/assets/moved.js"  # takes along what the old link has after its path
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Moved</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<script type="module" src="{script}"></script>
<noscript><meta http-equiv="refresh" content="0; url={link}"></noscript>
<link rel="canonical" href="{address}">
</head>
<body>
<main>
<h1>This page has moved</h1>
<p>It is now <a href="{link}">{address}</a>.</p>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A page that moved.

    Attributes:
        old: Its old address, from the site's root; begins and ends with a slash.
        new: Where it is now; may have an anchor.
        line: Where that is written.
    """

    old: str
    new: str
    line: int


def redirects(project: Project) -> list[Redirect]:
    """Read the list of pages that moved; none where there is no file.

    Args:
        project: The project.

    Returns:
        The redirects in their order.

    Raises:
        FaultsError: If the list can't be read, or an entry isn't of its form.
    """
    if not (project.root / REDIRECTS).is_file():
        return []
    text = project.read(REDIRECTS)
    try:
        listed = parse_toml(REDIRECTS, text, FORM)
        entries = TypeAdapter(dict[str, str]).validate_python(listed)
    except ValidationError as error:
        keys = [str(each["loc"][0]) for each in error.errors()]
        raise FaultsError(
            Fault(REDIRECTS, _line(text, key), f"{key}: {FORM}") for key in keys
        ) from None
    found = [Redirect(old, new, _line(text, old)) for old, new in entries.items()]
    if faults := [
        Fault(REDIRECTS, each.line, message)
        for each in found
        if (message := _wrong(each, entries))
    ]:
        raise FaultsError(faults)
    return found


def redirect_faults(project: Project) -> list[Fault]:
    """List what is wrong with the list of redirects by itself."""
    try:
        redirects(project)
    except FaultsError as error:
        return error.faults
    return []


def redirect_pages(source: Source) -> Iterable[tuple[str, str]]:
    """Write a page at each address that moved.

    Args:
        source: What exports are made of; its pages are built.

    Yields:
        The pages.

    Raises:
        FaultsError: If a page stands at that address.
    """
    for each in redirects(source.project):
        name = f"{each.old.removeprefix('/')}index.html"
        if (source.site / name).exists():
            message = f"{each.old} is a page of the site: remove it or this redirect"
            raise FaultsError([Fault(REDIRECTS, each.line, message)])
        yield name, leads_on(each, source.address)


def leads_on(redirect: Redirect, address: str) -> str:
    """Write a page that leads on, without a script as well.

    Args:
        redirect: From where, and to where.
        address: The site's public address; ends with a slash.

    Returns:
        HTML.
    """
    page, hash_, anchor = redirect.new.partition("#")
    up = posixpath.relpath(page, redirect.old) + "/"
    return PAGE.format(
        policy=POLICY,
        script=posixpath.relpath(SCRIPT, redirect.old),
        link=html.escape(f"{up}{hash_}{anchor}"),
        address=html.escape(f"{address}{redirect.new.removeprefix('/')}"),
    )


def _wrong(redirect: Redirect, entries: dict[str, str]) -> str:
    if not OLD.fullmatch(redirect.old) or not NEW.fullmatch(redirect.new):
        return f"{redirect.old}: {FORM}"
    if redirect.new.partition("#")[0] in entries:
        return f"{redirect.old} leads to {redirect.new}, which has moved: name the end"
    return ""


def _line(text: str, key: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((at for at, line in lines if line.strip(" \"'").startswith(key)), 0)
