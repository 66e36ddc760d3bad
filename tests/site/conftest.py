"""The built site, served on loopback, and a real browser that looks at it."""

import os
import shutil
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import override

import pytest
from playwright.sync_api import Browser, sync_playwright

from proof.site import BUILT
from proof.testing import lacking

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)


class Handler(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    @override
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="session")
def site() -> Path:
    """Give the folder of the site that was just built."""
    return ROOT / BUILT


@contextmanager
def serve(folder: Path) -> Generator[str]:
    """Serve a folder on loopback; the address ends with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Serve the site on loopback; the address ends with a slash."""
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser of this machine, without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        lacking("a browser (chromium)")
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
