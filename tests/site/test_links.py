"""What changed can be followed: on each rule's page, by day, and in a feed reader.

A page that moved is reached from its old address.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from selectolax.lexbor import LexborHTMLParser

from proof.exports.moved import SCRIPT, leads_on
from proof.sources.changes import changes
from proof.sources.project import Project
from proof.sources.redirects import Redirect
from tests.site.conftest import serve

ROOT = Path(__file__).parents[2]


def test_each_rule_links_its_last_change_to_that_day(site: Path) -> None:
    project = Project(ROOT)
    last = {each.rule.id: str(each.day) for each in reversed(changes(project))}
    told: dict[str, str] = {}
    for rule in project.rules:
        page = site / rule.chapter / rule.name / "index.html"
        tree = LexborHTMLParser(page.read_text("utf-8"))
        for link in tree.css(".history a[href^='../../changes/#']"):
            told[rule.id] = (link.attributes["href"] or "").partition("#")[2]
    assert told == last
    log = LexborHTMLParser((site / "changes/index.html").read_text("utf-8"))
    days = {node.attributes["id"] for node in log.css("h2[id]")}
    assert days == set(last.values())


def test_each_page_names_the_feed_in_its_head(site: Path) -> None:
    feed = site / "feed.xml"
    assert feed.is_file()
    for path in site.glob("**/index.html"):
        tree = LexborHTMLParser(path.read_text("utf-8"))
        if tree.css("head [http-equiv=refresh]"):
            continue  # it leads to a page that does
        (link,) = tree.css('head [type="application/atom+xml"]')
        address = path.parent / (link.attributes["href"] or "")
        assert address.resolve() == feed.resolve(), path


@pytest.fixture(scope="module")
def moved(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a site below a path in which a page moved: on and on, and to a section."""
    folder = tmp_path_factory.mktemp("moved")
    pages = {
        "cart/new/index.html": "<!doctype html><h2 id=avoid>Avoid</h2>",
        "old/index.html": leads_on(Redirect("/old/", "/cart/new/", 1), "https://x/"),
        "a/b/index.html": leads_on(
            Redirect("/a/b/", "/cart/new/#why", 1), "https://x/"
        ),
    }
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    script = SCRIPT.removeprefix("/")
    (folder / script).parent.mkdir()
    shutil.copy(site / script, folder / script)
    with serve(folder, "/shop/") as address:
        yield address


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("old/", "cart/new/"),
        ("old/#avoid", "cart/new/#avoid"),
        ("old/#avoid:4-5", "cart/new/#avoid:4-5"),
        ("old/?avoid=4-5#avoid", "cart/new/?avoid=4-5#avoid"),
        ("a/b/", "cart/new/#why"),
        ("a/b/#avoid", "cart/new/#why"),
    ],
)
def test_an_old_link_reaches_its_section_where_the_page_is_now(
    browser: Browser, moved: str, old: str, new: str, *, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    page.goto(moved + old)
    page.wait_for_url(f"{moved}cart/new/**")
    expected = new if scripts or old.startswith("a/") else "cart/new/"
    assert page.url == moved + expected
    assert [said for said in refused if "Security Policy" in said] == []
    context.close()
