"""The built site, served on loopback, and a real browser that looks at it."""

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import override
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, sync_playwright
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proof.fragments.facts import site_address
from proof.site.build import BUILT
from proof.site.lighthouse import find_browser
from proof.testing.basics import lacking

ROOT = Path(__file__).parents[2]
HOME = urlsplit(site_address()).path  # where a host has the site; ends with a slash
# axe names each violated rule, and for each element that violates it what to do.
RUN_AXE = """async (part, options = {}) =>
    (await axe.run(part, {resultTypes: ["violations"], preload: false, ...options}))
    .violations
    .flatMap(({id, nodes}) => nodes.map(n => `${id}: ${n.html} ${n.failureSummary}`))"""
NEAR = 3  # elements, from one to what it stands in
NO_KIND = {"class", "href", "id", "title"}  # these don't tell an element's kind
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)


class Handler(SimpleHTTPRequestHandler):
    """Serves files without a word, over connections and for caches that are kept.

    An address that is not there gets the page that says so, as on a static host.

    Attributes:
        home: The path that the folder is at; nothing is anywhere else.
    """

    protocol_version = "HTTP/1.1"
    home: str

    def __init__(self, *args: object, folder: Path, home: str) -> None:
        self.home = home
        super().__init__(*args, directory=folder)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - passed on as they come

    @override
    def translate_path(self, path: str) -> str:
        if not path.startswith(self.home):
            return str(Path(self.directory, "elsewhere"))
        return super().translate_path(path.removeprefix(self.home))

    @override
    def log_message(self, format: str, *args: object) -> None: ...

    @override
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    @override
    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        page = Path(self.directory, "404.html").read_bytes()
        self.send_response(code, message)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)


@pytest.fixture(scope="session")
def site() -> Path:
    """Give the folder of the site that was just built."""
    return ROOT / BUILT


@contextmanager
def serve(
    folder: Path, home: str = HOME, handler: type[Handler] = Handler
) -> Generator[str]:
    """Serve a folder on loopback, at a path; the address ends with a slash."""
    serving = partial(handler, folder=folder, home=home)
    server = ThreadingHTTPServer(("127.0.0.1", 0), serving)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{home}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Serve the site on loopback, at the path that it is published at."""
    with serve(site) as address:
        yield address


def find_or_lack() -> str:
    """Find the browser of this machine; where there is none, end the test so."""
    return find_browser() or lacking("a browser (chromium)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser of this machine, without a window."""
    found = find_or_lack()
    # Chromium's sandbox refuses to run as root; the pages are our own.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=[*QUIET, *sandbox]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Find axe-core's script in the package that ships it."""
    spec = find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("axe.min.js"))


def kinds(tree: LexborHTMLParser) -> set[tuple[str, ...]]:
    """List the elements of a page by what they are, and what they stand in."""
    found: set[tuple[str, ...]] = set()
    for node in tree.css("body *"):
        trail: list[str] = []
        at: LexborNode | None = node
        while at is not None and len(trail) < NEAR:
            attributes = sorted(at.attributes.keys() - NO_KIND)
            classes = at.attributes.get("class") or ""
            trail.append(f"{at.tag}.{classes} {attributes}")
            at = at.parent
        found.add(tuple(trail))
    return found


@cache
def parsed(site: Path) -> dict[str, LexborHTMLParser]:
    """Read all pages, by address, less those that lead to another one at once."""
    pages = {
        path.relative_to(site).as_posix().removesuffix("index.html"): LexborHTMLParser(
            path.read_text("utf-8")
        )
        for path in sorted(site.glob("**/*.html"))
    }
    return {
        each: tree
        for each, tree in pages.items()
        if not tree.css("head [http-equiv=refresh]")
    }


@cache
def sample(site: Path) -> list[str]:
    """Choose few pages that together have every kind of element that any page has."""
    of_pages = {each: kinds(tree) for each, tree in parsed(site).items()}
    left = set[tuple[str, ...]]().union(*of_pages.values())
    chosen: list[str] = []
    while left:
        best = max(of_pages, key=lambda each: len(of_pages[each] & left))
        chosen.append(best)
        left -= of_pages[best]
    return chosen
