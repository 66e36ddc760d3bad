"""Who can use the site: by keyboard, by ear, in both palettes, on a phone, on paper."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.site.conftest import RUN_AXE, parsed, sample

RULE = "pitfalls/mutable-defaults/"
REPORT = (  # some of one rule, of several, of none, and a line that is no finding
    "src/orders.py:4:38: B006 Do not use mutable data structures\n" * 21
    + "src/orders.py:12: error: Argument 1 has incompatible type  [arg-type]\n"
    + "src/orders.py:1:8: F401 `os` imported but unused\nDone, or not?\n"
)
type Palette = Literal["light", "dark"]
LOOKS: tuple[tuple[Palette, int], ...] = (("light", 1280), ("dark", 390))
MOST_STOPS = 200
PHONE = 390  # pixels
# Unfolds all, and keeps one token of each class in each kind of block: they look alike.
THIN = """() => {
    for (const each of document.querySelectorAll("details")) each.open = true
    const kept = new Set()
    for (const token of document.querySelectorAll("pre > code span[class]")) {
        const block = token.closest(".highlight").parentElement.className
        const kind = `${block} ${token.className}`
        if (kept.has(kind)) token.replaceWith(...token.childNodes)
        kept.add(kind)
    }
}"""
# All rules but contrast, once what scrolls at this width can be scrolled by keyboard.
STRUCTURE = f"""async () => {{
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    const rules = {{"color-contrast": {{enabled: false}}}}
    return ({RUN_AXE})("html", {{rules}})
}}"""
# Marks one element for each way to show text that is not known yet, and names the way.
FRESH = """(known) => {
    const seen = new Set(known), fresh = [], grounds = new Map()
    const ground = (element) => {
        if (!element) return ""
        if (!grounds.has(element)) {
            const style = getComputedStyle(element)
            const own = [style.backgroundColor, style.backgroundImage, style.opacity]
            grounds.set(element, `${own}, ${ground(element.parentElement)}`)
        }
        return grounds.get(element)
    }
    for (const element of document.querySelectorAll("body *")) {
        const texts = [...element.childNodes].filter((node) => node.nodeType === 3)
        if (!texts.some((node) => node.data.trim())) continue
        if (!element.checkVisibility({visibilityProperty: true})) continue
        const {color, fontSize, fontWeight} = getComputedStyle(element)
        const look = `${color} ${fontSize} ${fontWeight}, ${ground(element)}`
        if (seen.has(look)) continue
        seen.add(look)
        fresh.push(look)
        element.dataset.fresh = ""
    }
    return fresh
}"""
# Contrast alone, of what is marked.
CONTRAST = f"""() =>
    ({RUN_AXE})({{include: "[data-fresh]"}}, {{runOnly: ["color-contrast"]}})"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """Open a page in which nothing moves and axe, which is no part of it, may run."""
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def set_up(page: Page, palette: Palette, width: int) -> None:
    """Look at a page in a palette and at a width."""
    page.emulate_media(color_scheme=palette)
    page.set_viewport_size({"width": width, "height": 900})


# Each run looks at about every fourth page, chosen so that each kind of element (by
# tag, classes and attributes, its own and those around it) stands on one of them: its
# text in both palettes, each at one width, and all else at a phone's width; the frame,
# which all pages share, at both. What depends on a page's words is looked at on every
# page: names and headings by a test below, its width by the one that copies all code.
# Contrast and the rest are tests of their own, since a busy machine takes its time.
@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark"])
def test_axe_finds_contrast_enough_in_any_kind_of_text(
    page: Page, address: str, site: Path, axe: str, look: tuple[Palette, int]
) -> None:
    known: list[str] = []
    found: list[str] = []
    set_up(page, *look)
    for each in sample(site):
        page.goto(address + each)
        page.evaluate(THIN)
        if fresh := page.evaluate(FRESH, known):
            known += fresh
            page.add_script_tag(path=axe)
            found += [f"{each}: {fault}" for fault in page.evaluate(CONTRAST)]
    assert len(known) > len(LOOKS)
    assert found == []


def test_axe_finds_nothing_else_in_any_kind_of_element(
    page: Page, address: str, site: Path, axe: str
) -> None:
    found: list[str] = []
    chosen = sample(site)
    for each in chosen:
        page.goto(address + each)
        page.evaluate(THIN)
        page.add_script_tag(path=axe)
        for width in (PHONE, 1280) if each in chosen[:3] else (PHONE,):
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{each}: {fault}" for fault in page.evaluate(STRUCTURE)]
    assert found == []


def test_every_page_has_one_title_headings_in_order_and_names_that_are_its_own(
    site: Path,
) -> None:
    wrong: list[str] = []
    for each, tree in parsed(site).items():
        levels = [
            at
            for node in tree.css("body *")
            for at in range(1, 7)
            if node.tag == f"h{at}"
        ]
        if levels.count(1) != 1:
            wrong.append(f"{each} has {levels.count(1)} titles")
        steps = itertools.pairwise(levels)
        wrong += [f"{each}: h{a}, then h{b}" for a, b in steps if b > a + 1]
        ids = Counter(node.attributes["id"] for node in tree.css("[id]"))
        wrong += [f"{each}: two elements #{id_}" for id_, n in ids.items() if n > 1]
        for link in tree.css("a[href], button, summary"):
            if not (link.text().strip() or link.attributes.get("aria-label")):
                wrong.append(f"{each}: {link.html} has no name")
    assert wrong == []


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_axe_finds_nothing_where_lines_are_chosen_and_keys_listed(
    browser: Browser, address: str, axe: str, palette: Palette
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


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_axe_finds_nothing_in_an_open_search_and_an_open_menu(
    page: Page, address: str, axe: str, palette: Palette
) -> None:
    set_up(page, palette, 390)
    page.goto(address + RULE)
    page.add_script_tag(path=axe)
    page.keyboard.press("/")
    page.keyboard.type("default")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(RUN_AXE, ".search") == []
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Menu").press("Space")
    page.get_by_role("link", name="Concurrency", exact=True).wait_for()
    assert page.evaluate(RUN_AXE, ".md-sidebar--primary") == []


def test_a_keyboard_reaches_and_opens_a_test(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}pitfalls/mutable-defaults/#proof")
    summary = page.locator("details.test > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.test").first.get_attribute("open") is not None
    page.close()


def test_a_rule_is_readable_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}pitfalls/mutable-defaults/")
    for anchor in ("do", "avoid", "why", "proof", "references"):
        assert page.locator(f"#{anchor}").is_visible()
    page.locator("details.test > summary").first.click()
    assert page.locator("details.test pre").first.is_visible()
    context.close()


@pytest.mark.parametrize(("palette", "width"), LOOKS)
def test_axe_finds_nothing_in_a_report_of_the_desk(
    browser: Browser,
    address: str,
    axe: str,
    palette: Palette,
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


# Of what is printed: what sticks out of the sheet, and what it is printed with.
ON_PAPER = """() => {
    const sheet = document.documentElement.clientWidth
    const sticks = (element) => {
        const {left, right, width} = element.getBoundingClientRect()
        return width > 1 && (left < -1 || right > sheet + 1)
    }
    const cut = (element) => element.scrollWidth > element.clientWidth + 1
        && getComputedStyle(element).overflowX !== "visible"
    const all = [...document.querySelectorAll("body *:not(.spoken)")]
    const shown = all.filter((each) => each.checkVisibility())
    const odd = shown.filter((each) => sticks(each) || cut(each))
    return odd.map((each) => each.outerHTML.slice(0, 90))
}"""


@pytest.mark.parametrize(
    "each", [RULE, "typesystem/variance/", "concurrency/backpressure/", "rules/"]
)
def test_a_page_is_printed_whole_and_says_where_it_is_from(
    browser: Browser, address: str, each: str
) -> None:
    page = browser.new_page(
        color_scheme="dark",
        reduced_motion="reduce",
        viewport={"width": 660, "height": 990},  # what A4 has within its margins
    )
    page.goto(address + each)
    page.emulate_media(media="print")
    page.evaluate("document.documentElement.dataset.scheme = 'dark'")
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(29, 33, 37)"]
    assert page.evaluate(ON_PAPER) == []
    for useless in ("button", "input", "nav", ".numbers", ".headerlink", ".run"):
        assert page.locator(f"{useless}:visible").count() == 0
    canonical = page.locator("link[rel=canonical]").get_attribute("href")
    expect(page.locator("p.printed")).to_contain_text(canonical or "/")
    expect(page.locator("p.printed")).to_be_visible()
    page.close()


def test_the_references_are_printed_with_their_addresses(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(address + RULE)
    page.emulate_media(media="print")
    link = page.locator("#references + ul a").first
    shown = link.evaluate("a => getComputedStyle(a, '::after').content")
    assert link.get_attribute("href") in shown.replace('"', "")
    page.close()


# Goes on by Tab, and tells of each stop what it is and whether a ring shows it.
RINGED = """() => {
    const at = document.activeElement
    const ring = at.closest(".menu") ?? at
    const {outlineStyle, outlineWidth} = getComputedStyle(ring)
    const {top, bottom} = ring.getBoundingClientRect()
    const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
        || at.matches(".numbers") && at.querySelector(".at") !== null
    const name = at.getAttribute("aria-label") ?? at.textContent.trim()
    return [name, seen && top < innerHeight && bottom > 0]
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_tab_goes_through_a_page_in_order_with_its_place_always_seen(
    browser: Browser, address: str, width: int
) -> None:
    page = browser.new_page(
        reduced_motion="reduce", viewport={"width": width, "height": 900}
    )
    page.goto(address + RULE)
    page.locator(".numbers").first.wait_for(state="attached")
    stops: list[str] = []
    unseen: list[str] = []
    while "Keys" not in stops and len(stops) < MOST_STOPS:
        page.keyboard.press("Tab")
        name, seen = page.evaluate(RINGED)
        stops.append(name)
        if not seen:
            unseen.append(name)
    assert unseen == []
    assert stops[0] == "Skip to content"
    file = "pitfalls-mutable-defaults"
    order = [
        *(["Menu"] if width == PHONE else []),
        *("Search", "Change between light and dark"),
        *(["Types", "When not"] if width != PHONE else []),
        *(f"Copy link to {each}" for each in ("Do", "Avoid", "Why", "Proof")),
        "Each call without a log starts a new one",
        "Keys",
    ]
    assert [each for each in stops if each in order][: len(order)] == order
    assert stops.index(f"Copy {file}.py") < stops.index(f"Copy {file}-avoid.py")
    page.close()


def test_the_skip_link_leads_past_all_navigation(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(address + RULE)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('article') !== null")
    page.close()


def test_a_dialog_keeps_the_focus_and_gives_it_back(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(address + RULE)
    opener = page.get_by_role("button", name="Keys")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.wait_for()
    for _ in range(4):
        page.keyboard.press("Tab")
        at = page.evaluate("document.activeElement.closest('dialog, body').tagName")
        outside = page.evaluate("document.activeElement === document.body")
        assert at == "DIALOG" or outside  # the browser's own controls
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.close()


def test_a_mistyped_address_leads_to_the_rule_that_was_meant(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}pitfall/mutable-default/")
    found = page.locator("#nearest a").first
    expect(found).to_have_text("Default to None, then test identity")
    found.click()
    page.wait_for_url(address + RULE)
    page.close()


@pytest.mark.parametrize("each", ["", RULE, "rules/", "typesystem/variance/"])
def test_nothing_scrolls_sideways_at_320_pixels_and_text_of_twice_the_size(
    browser: Browser, address: str, each: str
) -> None:
    context = browser.new_context(
        bypass_csp=True, viewport={"width": 320, "height": 640}
    )
    page = context.new_page()
    page.goto(address + each)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.documentElement.classList.add('twice')")
    page.add_style_tag(content=".twice { font-size: 250% !important }")
    assert not page.evaluate(wide)
    context.close()
