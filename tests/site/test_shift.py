"""Nothing moves under the reader's eyes while a page becomes complete."""

import re
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar, override

import pytest
from playwright.sync_api import Browser, Route

from tests.site.conftest import Handler, sample, serve

SCREENS = 4  # per step of scrolling
PIECES = 12  # in which a page comes
LATE = 400  # milliseconds: a browser waits 100 for a font that is optional
RULE = "security/object-authorization/"
DRAWN = """() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(done)))"""
# Scrolls through the page and gives each shift, with what moved.
SHIFTS = """async (step) => {
    const seen = []
    const note = (entries) => seen.push(...entries.map(({value, sources}) =>
        `${value}: ${sources.map(({node}) => node?.parentElement?.outerHTML)}`))
    const watched = new PerformanceObserver((list) => note(list.getEntries()))
    watched.observe({type: "layout-shift", buffered: true})
    const drawn = () => new Promise(requestAnimationFrame)
    for (let y = 0; y < document.body.scrollHeight; y += step * innerHeight) {
        scrollTo(0, y)
        await drawn()
    }
    scrollTo(0, document.body.scrollHeight)
    await drawn()
    await drawn()
    note(watched.takeRecords())
    return seen
}"""


# What shifts is a kind of element, or the frame: each kind stands on one of these.
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_shifts(browser: Browser, address: str, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    shifted: dict[str, list[str]] = {}
    for name in sample(site):
        page.goto(address + name)
        if seen := page.evaluate(SHIFTS, SCREENS):
            shifted[name] = seen
    page.close()
    assert shifted == {}


class Piecemeal(Handler):
    """Sends a page in pieces, as over a slow line, each once it is called for."""

    called: ClassVar = SimpleQueue[None]()

    @override
    def do_GET(self) -> None:
        if not self.path.endswith("/"):
            super().do_GET()
            return
        whole = Path(self.translate_path(self.path), "index.html").read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        for first, last in pairwise([0, *cuts(whole), len(whole)]):
            self.wfile.write(whole[first:last])
            if last < len(whole):
                self.called.get()


def cuts(whole: bytes) -> list[int]:
    """Choose where to cut a page: evenly, and in the head of each table."""
    begin = whole.index(b"<article")  # nothing is drawn before the body begins
    evenly = range(begin, len(whole), (len(whole) - begin) // PIECES)
    in_heads = (each.end() for each in re.finditer(rb"</th>(?=\s*<th)", whole))
    return sorted({*evenly, *in_heads} - {len(whole)})


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["", "concurrency/", RULE, "rules/", "desk/"])
def test_a_page_that_comes_in_pieces_moves_nothing(
    browser: Browser, site: Path, name: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    with serve(site, handler=Piecemeal) as address:
        page.goto(address + name, wait_until="commit")
        for _ in cuts((site / name / "index.html").read_bytes()):
            page.evaluate(DRAWN)
            Piecemeal.called.put(None)
        page.wait_for_load_state("load")
        seen = page.evaluate(SHIFTS, SCREENS)
        page.close()
    assert seen == []


@pytest.mark.parametrize("name", ["", RULE, "rules/", "desk/"])
def test_a_font_that_comes_late_moves_nothing(
    browser: Browser, address: str, name: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route("**/*.woff2", hold)
    page.goto(address + name, wait_until="commit")
    page.locator("footer").wait_for()
    page.wait_for_timeout(LATE)
    for each in late:
        each.continue_()
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => null)")
    seen = page.evaluate(SHIFTS, SCREENS)
    page.close()
    assert len(late) == 3
    assert seen == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_search_stands_where_it_stays_before_the_rest_is_parsed(
    browser: Browser, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address + RULE)
    search = page.get_by_role("search")
    whole = search.bounding_box()
    page.evaluate("document.getElementById('scheme').remove()")
    assert search.bounding_box() == whole
    page.close()
