"""The frame of each page: its policy, its palettes, its menu."""

import base64
import hashlib
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage
from selectolax.lexbor import LexborHTMLParser

from tests.site.conftest import HOME

RULE = "pitfalls/mutable-defaults/"
GROUND = "getComputedStyle(document.body).backgroundColor"


def test_a_page_holds_nothing_that_its_policy_forbids(site: Path) -> None:
    for path in site.glob("**/*.html"):
        text = path.read_text("utf-8")
        tree = LexborHTMLParser(text)
        (policy,) = tree.css("meta[http-equiv=Content-Security-Policy]")
        allowed = policy.attributes["content"] or ""
        for script in tree.css("script:not([src])"):
            digest = hashlib.sha256(script.text().encode()).digest()
            assert f"'sha256-{base64.b64encode(digest).decode()}'" in allowed, path
        assert "unsafe" not in allowed
        assert [each.html for each in tree.css("[style], style")] == [], path
        tags = [each.html or "" for each in tree.css("[onclick], [onload], [onerror]")]
        assert tags == [], path


def test_a_browser_has_nothing_to_complain_of(browser: Browser, address: str) -> None:
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    page = browser.new_page()
    page.on("console", note)
    for each in ("", RULE, "concurrency/backpressure/", "reference/pitfalls/"):
        page.goto(address + each)
    page.close()
    assert said == []


def test_the_reader_changes_the_palette_and_it_is_remembered(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(address)
    light = page.evaluate(GROUND)
    page.get_by_role("button", name="Change between light and dark").click()
    dark = page.evaluate(GROUND)
    page.goto(address + RULE)
    assert [light, dark, page.evaluate(GROUND)] == [
        "rgb(251, 250, 247)",
        "rgb(20, 23, 26)",
        "rgb(20, 23, 26)",
    ]
    page.get_by_role("button", name="Change between light and dark").click()
    assert page.evaluate(GROUND) == light
    context.close()


def test_the_palette_is_the_systems_without_scripts(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(color_scheme="dark", java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    scheme = page.locator("body").evaluate("b => getComputedStyle(b).backgroundColor")
    assert scheme == "rgb(20, 23, 26)"
    context.close()


def test_the_menu_of_a_narrow_page_opens_and_closes_by_keyboard(
    browser: Browser, address: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(address + RULE)
    chapter = page.get_by_role("navigation", name="Chapters").get_by_role(
        "link", name="Concurrency"
    )
    assert not chapter.is_visible()
    page.get_by_role("checkbox", name="Menu").press("Space")
    chapter.wait_for(state="visible")
    page.keyboard.press("Escape")
    chapter.wait_for(state="hidden")
    page.close()


def test_a_page_that_is_not_there_says_where_the_rules_are(site: Path) -> None:
    tree = LexborHTMLParser((site / "404.html").read_text("utf-8"))
    assert [each.text() for each in tree.css("h1")] == ["There is no such page"]
    links = [each.attributes["href"] for each in tree.css("article a")]
    assert f"{HOME}rules/" in links
