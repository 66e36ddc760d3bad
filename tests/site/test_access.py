from typing import Literal

import pytest
from playwright.sync_api import Browser

# What axe looks at: of a long page only what no other has.
PAGES = {"": "html", "pitfalls/mutable-defaults/": "html"}
MORE = {
    "concurrency/": "html",
    "concurrency/backpressure/": "table.timeline, table.measured, figure",
    "reference/pitfalls/": "html",
    "rules/": "form, table",
    "desk/": "form",
}
REPORT = (  # some of one rule, of several, of none, and a line that is no finding
    "src/orders.py:4:38: B006 Do not use mutable data structures\n" * 21
    + "src/orders.py:12: error: Argument 1 has incompatible type  [arg-type]\n"
    + "src/orders.py:1:8: F401 `os` imported but unused\nDone, or not?\n"
)
SEES_MORE = {("light", 1280), ("dark", 390)}  # each palette and each width
UNFOLD = "document.querySelector('details')?.setAttribute('open', '')"
# axe names each violated rule, and for each element that violates it what to do.
RUN_AXE = """async (part) =>
    (await axe.run(part, {resultTypes: ["violations"], preload: false})).violations
    .flatMap(({id, nodes}) => nodes.map(n => `${id}: ${n.html} ${n.failureSummary}`))"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("palette", ["light", "dark"])
def test_axe_finds_nothing(
    browser: Browser,
    address: str,
    axe: str,
    palette: Literal["light", "dark"],
    width: int,
) -> None:
    pages = PAGES | (MORE if (palette, width) in SEES_MORE else {})
    context = browser.new_context(
        bypass_csp=True,  # axe is no script of the site
        color_scheme=palette,
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    found: list[str] = []
    for each, part in pages.items():
        page.goto(address + each)
        page.evaluate(UNFOLD)
        page.add_script_tag(path=axe)
        found += [f"{each} {violation}" for violation in page.evaluate(RUN_AXE, part)]
    context.close()
    assert found == []


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_axe_finds_nothing_where_lines_are_chosen_and_keys_listed(
    browser: Browser, address: str, axe: str, palette: Literal["light", "dark"]
) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme=palette)
    page = context.new_page()
    page.goto(f"{address}pitfalls/mutable-defaults/?avoid=3-6#avoid")
    page.locator("code.lit").first.wait_for()
    page.add_script_tag(path=axe)
    assert page.evaluate(RUN_AXE, "article") == []
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    assert page.evaluate(RUN_AXE, "dialog") == []
    context.close()


def test_a_keyboard_reaches_and_opens_a_test(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}pitfalls/mutable-defaults/#proof")
    summary = page.locator("details.test > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.test").first.get_attribute("open") is not None
    page.close()


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    wide: list[str] = []
    for each in PAGES | MORE:
        page.goto(address + each)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(each)
    page.close()
    assert wide == []


def test_a_rule_is_readable_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}pitfalls/mutable-defaults/")
    for anchor in ("do", "avoid", "why", "proof", "references"):
        assert page.locator(f"#{anchor}").is_visible()
    page.locator("details.test > summary").first.click()
    assert page.locator("details.test pre").first.is_visible()
    context.close()


@pytest.mark.parametrize(("palette", "width"), sorted(SEES_MORE))
def test_axe_finds_nothing_in_a_report_of_the_desk(
    browser: Browser,
    address: str,
    axe: str,
    palette: Literal["light", "dark"],
    width: int,
) -> None:
    context = browser.new_context(
        bypass_csp=True,
        color_scheme=palette,
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.goto(f"{address}desk/")
    page.locator("#desk-text").fill(REPORT)
    page.get_by_role("button", name="Show all").wait_for()
    page.add_script_tag(path=axe)
    assert page.evaluate(RUN_AXE, "html") == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()
