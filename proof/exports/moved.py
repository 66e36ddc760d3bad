"""Leads from the address of a page that moved to where it is now."""

import html
import posixpath
from collections.abc import Iterable

from proof.exports.material import Material
from proof.faults import Fault, FaultsError
from proof.sources.redirects import REDIRECTS, Redirect, redirects

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


def redirect_pages(source: Material) -> Iterable[tuple[str, str]]:
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
