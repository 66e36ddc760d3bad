import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request
from selectolax.lexbor import LexborHTMLParser

from tests.site.conftest import HOME

LIMIT = 60_000  # bytes of HTML, CSS and JavaScript together, compressed


def weight(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), mtime=0))


def test_every_page_is_light(site: Path) -> None:
    heavy: dict[str, int] = {}
    for page in site.glob("**/*.html"):
        tree = LexborHTMLParser(page.read_text("utf-8"))
        links = [
            each.attributes.get("href") or each.attributes.get("src") or ""
            for each in tree.css("link[rel=stylesheet], script[src]")
        ]
        parts = [
            site / link.removeprefix(HOME)
            if link.startswith("/")
            else page.parent / link
            for link in links
        ]
        total = sum(map(weight, [page, *parts]))
        if total > LIMIT:
            heavy[page.relative_to(site).as_posix()] = total
    assert heavy == {}


@pytest.mark.parametrize(
    "page", ["", "concurrency/", "concurrency/backpressure/", "reference/pitfalls/"]
)
def test_a_page_loads_what_it_links_and_asks_no_other_host(
    browser: Browser, address: str, page: str
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    opened = browser.new_page()
    opened.on("request", note)
    opened.goto(address + page)
    opened.close()
    assert [url for url in asked if not url.startswith(address)] == []
    assert [url for url in asked if "search" in url] == []
