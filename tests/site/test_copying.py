"""What a reader copies: code to the byte, and links for a review."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from selectolax.lexbor import LexborHTMLParser

from proof.fragments.facts import files_of
from proof.sources.project import Project

ROOT = Path(__file__).parents[2]
RULE = "pitfalls/mutable-defaults/"
ID = "pitfalls-mutable-defaults"
TITLE = "Default to None, then test identity"
CLIPBOARD = "navigator.clipboard.readText()"
# Presses every button that copies code, and gives what each one copied.
# What is told of a copy is told once its text is on the clipboard.
COPY_ALL = """async () => {
    const toast = document.querySelector("p.toast")
    const copied = []
    const buttons = document.querySelectorAll("article button.copy:not([hidden])")
    for (const button of buttons) {
        const told = new Promise((resume) => {
            new MutationObserver((_, seen) => (seen.disconnect(), resume()))
                .observe(toast, {childList: true})
        })
        button.click()
        await told
        const text = await navigator.clipboard.readText()
        copied.push([button.getAttribute("aria-label"), text])
    }
    return copied
}"""

WIDE = "document.documentElement.scrollWidth > innerWidth"
# From which line of each piece how many are highlighted.
PARTS_LIT = """(all) => all.map(({style}) =>
    [style.getPropertyValue("--from"), style.getPropertyValue("--lit")])"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """Open a page that may read the clipboard."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def canonical(site: Path, page: str) -> str:
    """Give a page's public address."""
    tree = LexborHTMLParser((site / page / "index.html").read_text("utf-8"))
    (link,) = tree.css("link[rel=canonical]")
    return link.attributes["href"] or ""


def label(tree: LexborHTMLParser) -> str:
    """Give what a page is cited by: a rule's id, or another page's title."""
    if rule := tree.css_first("ul.rule"):
        return rule.attributes["data-rule"] or ""
    (title,) = tree.css("h1")
    return title.text(deep=False).strip()


def digests(site: Path) -> set[str]:
    """Give the digests of all files that were proven: of the rules, and of recipes."""
    project = Project(ROOT)
    listed = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    texts = [file.text for each in project.recipes for file in files_of(project, each)]
    return {
        *(file["sha256"] for rule in listed for file in rule["files"]),
        *(hashlib.sha256(text.encode()).hexdigest() for text in texts),
    }


def opened(page: Page, address: str) -> Page:
    """Open a page whose scripts are all there."""
    page.goto("about:blank")
    page.goto(address)
    page.locator(".numbers").first.wait_for(state="attached")
    return page


def test_every_block_is_copied_to_the_byte_and_no_page_is_wider_than_a_phone(
    page: Page, address: str, site: Path
) -> None:
    proven = digests(site)
    modules: set[str] = set()
    page.set_viewport_size({"width": 390, "height": 800})
    for path in sorted(site.glob("**/index.html")):
        tree = LexborHTMLParser(path.read_text("utf-8"))
        folder = path.parent
        here = folder.relative_to(site).as_posix() + "/"
        bars = tree.css("p.bar")
        headed = "p.bar + .highlight code, .avoid pre > code, .types pre > code"
        blocks = len(tree.css("pre > code")) - len(tree.css(headed))
        if 'http-equiv="refresh"' in path.read_text("utf-8"):
            continue
        page.goto(address + here, wait_until="domcontentloaded")
        assert not page.evaluate(WIDE), here
        if not blocks + len(bars):
            continue
        page.locator("button.copy").first.wait_for(state="attached")
        copied = page.evaluate(COPY_ALL)
        assert len(copied) == 2 * len(bars) + blocks, here
        texts = [code.text() for code in tree.css("pre > code")]
        for name, text in copied:
            if name == "Copy this block":
                assert text in texts, here
                assert not text.endswith("\n\n")
                continue
            file = folder / name.split()[-1]
            expected = file.read_bytes().decode()
            if name.startswith("Copy with link"):
                comment = f"# {label(tree)}: {canonical(site, here)}\n"
                expected = comment + expected
            else:
                modules.add(hashlib.sha256(text.encode()).hexdigest())
            assert text == expected, file
    assert modules <= proven
    assert len(modules) > len(Project(ROOT).subjects)


def test_every_file_to_download_is_the_proven_one(site: Path) -> None:
    proven = digests(site)
    linked: set[str] = set()
    for path in site.glob("**/*.html"):
        for link in LexborHTMLParser(path.read_text("utf-8")).css(
            "p a[download][href$='.py']"
        ):
            content = (path.parent / (link.attributes["href"] or "")).read_bytes()
            linked.add(hashlib.sha256(content).hexdigest())
    assert linked == proven


def test_y_copies_the_rules_link_and_says_so(
    page: Page, address: str, site: Path
) -> None:
    opened(page, address + RULE).keyboard.press("y")
    expect(page.get_by_role("status")).to_have_text(f"Copied a link to {ID}")
    assert page.evaluate(CLIPBOARD) == f"[{ID}: {TITLE}]({canonical(site, RULE)})"


def test_the_mark_beside_a_heading_copies_its_link_and_leads_there(
    page: Page, address: str, site: Path
) -> None:
    opened(page, address + RULE)
    page.get_by_role("link", name="Copy link to Avoid").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Copied a link to Avoid")
    link = f"[{ID}: {TITLE} (Avoid)]({canonical(site, RULE)}#avoid)"
    assert page.evaluate(CLIPBOARD) == link
    assert page.url == f"{address}{RULE}#avoid"
    page.get_by_role("link", name=f"Copy link to {TITLE}").click()
    expect(page.get_by_role("status")).to_have_text(f"Copied a link to {ID}")
    assert page.evaluate(CLIPBOARD) == f"[{ID}: {TITLE}]({canonical(site, RULE)})"


def test_markup_in_a_title_is_no_markup_in_the_link(page: Page, address: str) -> None:
    opened(page, f"{address}concurrency/exception-groups/").keyboard.press("y")
    expect(page.get_by_role("status")).to_have_text(
        "Copied a link to concurrency-exception-groups"
    )
    assert r" handle them with except\*](" in page.evaluate(CLIPBOARD)


@pytest.mark.parametrize("typed", ["?avoid=4-5#avoid", "#avoid:4-5", "#avoid:5-4"])
def test_a_link_to_lines_shows_them_across_what_was_remarked(
    page: Page, address: str, typed: str
) -> None:
    opened(page, address + RULE + typed)
    expect(page.get_by_role("status")).to_have_text("lines 4-5 of Avoid")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert chosen.all_text_contents() == ["4", "5"]
    expect(chosen.first).to_be_in_viewport()
    lit = page.locator("code.lit")
    assert lit.evaluate_all(PARTS_LIT) == [["3", "1"], ["0", "1"]]


def test_a_link_to_lines_is_followed_within_the_page_and_unfolds_it(
    page: Page, address: str
) -> None:
    opened(page, address + RULE)
    page.evaluate(
        """() => {
            const avoid = document.querySelector(".avoid")
            const folded = document.createElement("details")
            avoid.before(folded)
            folded.append(avoid)
            location.hash = "avoid:9"
        }"""
    )
    expect(page.locator("#line-avoid-9")).to_be_in_viewport()
    expect(page.get_by_role("status")).to_have_text("line 9 of Avoid")


def test_a_link_to_a_test_unfolds_it(page: Page, address: str) -> None:
    name = "test-each-call-without-a-log-starts-a-new-one"
    opened(page, f"{address}{RULE}#{name}")
    test = page.locator(f"#{name}")
    expect(test).to_have_attribute("open", "")
    expect(test).to_be_in_viewport()


def test_a_link_to_lines_reaches_its_section_without_scripts(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{RULE}?avoid=4-5#avoid")
    expect(page.locator("h2#avoid")).to_be_in_viewport()
    context.close()


def test_lines_are_linked_to_by_keyboard(page: Page, address: str, site: Path) -> None:
    opened(page, address + RULE)
    page.get_by_role("listbox", name=f"Lines of {ID}-avoid.py").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_have_text(
        "lines 4-5 chosen: Enter or l copies the link"
    )
    assert page.url == f"{address}{RULE}?avoid=4-5#avoid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Copied a link to Avoid, lines 4-5")
    link = f"{canonical(site, RULE)}?avoid=4-5#avoid"
    assert page.evaluate(CLIPBOARD) == f"[{ID}: {TITLE} (Avoid, lines 4-5)]({link})"
    page.keyboard.press("Escape")
    assert page.url == f"{address}{RULE}#avoid"
    expect(page.locator("code.lit")).to_have_count(0)


def test_lines_are_linked_to_by_their_numbers(
    page: Page, address: str, site: Path
) -> None:
    opened(page, address + RULE)
    page.locator("#line-do-22").click()
    page.get_by_role("button", name="Link to 22").click()
    expect(page.get_by_role("status")).to_have_text("Copied a link to Do, line 22")
    assert f"({canonical(site, RULE)}?do=22#do)" in page.evaluate(CLIPBOARD)
    page.locator("#line-do-24").click(modifiers=["Shift"])
    page.keyboard.press("l")
    expect(page.get_by_role("status")).to_have_text("Copied a link to Do, lines 22-24")
    page.locator("#line-avoid-4").click()
    chosen = page.locator("[role=option][aria-selected=true]")
    assert chosen.evaluate_all("all => all.map(({id}) => id)") == ["line-avoid-4"]


def test_lines_are_linked_to_by_selecting_their_text(page: Page, address: str) -> None:
    opened(page, address + RULE)
    page.evaluate(
        """() => {
            const [first, second] = document.querySelectorAll(".avoid pre > code")
            const range = new Range()
            range.setStart(first, first.childNodes.length - 2)
            range.setEnd(second, 1)
            getSelection().addRange(range)
        }"""
    )
    expect(page.get_by_role("button", name="Link to 4-5")).to_be_visible()


def test_lines_that_are_not_there_are_named(page: Page, address: str) -> None:
    opened(page, f"{address}{RULE}?avoid=7-99#avoid")
    expect(page.get_by_role("status")).to_have_text(
        "There is no line 99: Avoid has 12 lines"
    )


def test_a_number_stands_beside_its_line(page: Page, address: str) -> None:
    opened(page, f"{address}concurrency/backpressure/")
    off: list[float] = page.evaluate(
        """[...document.querySelectorAll(".numbers")].map((numbers) => {
            const code = numbers.parentElement.querySelector("code")
            const {paddingTop, paddingBottom} = getComputedStyle(code)
            const padding = parseFloat(paddingTop) + parseFloat(paddingBottom)
            const inside = code.clientHeight - padding
            const top = numbers.firstChild.getBoundingClientRect().top
            const height = numbers.lastChild.getBoundingClientRect().bottom - top
            return Math.abs(height - inside)
        })"""
    )
    assert max(off) < 1


def test_a_key_that_is_held_with_another_is_left_to_the_browser(
    page: Page, address: str
) -> None:
    opened(page, address + RULE)
    page.evaluate("navigator.clipboard.writeText('before')")
    page.keyboard.press("Control+y")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    assert page.evaluate(CLIPBOARD) == "before"


def test_all_keys_are_listed_and_can_be_turned_off(page: Page, address: str) -> None:
    opened(page, address + RULE).keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    keys = dialog.get_by_role("term").all_text_contents()
    assert {"/", "y", "l", "?"} <= set(keys)
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.evaluate("navigator.clipboard.writeText('before')")
    page.keyboard.press("y")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    assert page.evaluate(CLIPBOARD) == "before"
    page.get_by_role("button", name="Keys").click()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(dialog).to_be_visible()


def test_what_is_added_by_scripts_moves_nothing(page: Page, address: str) -> None:
    opened(page, address + RULE)
    shift = page.evaluate(
        """() => new Promise((done) => {
            let sum = 0
            const seen = new PerformanceObserver((list) => {
                for (const {value} of list.getEntries()) sum += value
            })
            seen.observe({type: "layout-shift", buffered: true})
            setTimeout(() => done(sum), 100)
        })"""
    )
    assert shift < 0.01
