"""The snippets that run on their pages. One page loads Python once, for all tests."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from selectolax.lexbor import LexborHTMLParser

from proof.exports.browser.pyodide import ASSETS, FACTS, PARTS, WHEELS, WHY
from proof.sources.project import Project
from proof.sources.runnable import runnable
from proof.testing.basics import lacking
from tests.site.conftest import ROOT, RUN_AXE

RULE = "pitfalls/money/"
LOADED = 60_000  # milliseconds: a cold start on a busy machine
FOR_EVER = "while True:\n    pass"
SETTLED = "Promise.all(document.getAnimations().map(each => each.finished))"


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a window whose clock a test can put forward."""
    context = browser.new_context(bypass_csp=False)
    context.clock.install()
    yield context
    context.close()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Gather what the page asks for."""
    return []


@pytest.fixture(scope="module", autouse=True)
def version(site: Path) -> str:
    """Read which Python the site has for the browser, if this machine could get it."""
    facts = site / ASSETS / FACTS
    if not facts.is_file():
        lacking(f"Python for the browser, which npm and pip fetch (see {WHY})")
    return str(json.loads(facts.read_text("utf-8"))["python"])


@pytest.fixture(scope="module")
def page(context: BrowserContext, address: str, asked: list[str]) -> Page:
    """Open a rule's page and run its snippet."""
    page = context.new_page()
    context.on("request", lambda request: asked.append(request.url))
    page.goto(address + RULE)
    assert [url for url in asked if "pyodide" in url or "worker" in url] == []
    panel(page).get_by_role("button", name="Run").click()
    expect(state(page)).to_contain_text("gave what", timeout=LOADED)
    return page


def test_the_button_says_how_much_is_loaded(
    browser: Browser, address: str, site: Path
) -> None:
    def megabytes(*patterns: str) -> int:
        paths = [path for each in patterns for path in (site / ASSETS).glob(each)]
        return round(sum(len(gzip.compress(each.read_bytes())) for each in paths) / 1e6)

    least, most = megabytes(*PARTS), megabytes(*PARTS, "*.whl")
    page = browser.new_page()
    page.goto(address + RULE)
    expect(state(page)).to_have_text(
        f"in your browser: loads {least} to {most} MB once"
    )
    page.close()


def panel(page: Page) -> Locator:
    """Find where a snippet is run."""
    return page.locator("div.run")


def state(page: Page) -> Locator:
    """Find the words that tell how far it is."""
    return panel(page).locator(".state")


def use(page: Page, usage: str) -> None:
    """Type a usage and run it by keyboard."""
    box = panel(page).get_by_label("Run this instead")
    box.fill(usage)
    box.press("Control+Enter")


def edit(page: Page, source: str) -> Locator:
    """Put another text in the place of the module's."""
    module = panel(page).get_by_label("The module")
    if not module.is_visible():
        panel(page).get_by_role("button", name="Edit").click()
        expect(module).to_be_focused()
    module.fill(source)
    return module


def test_every_snippet_that_can_run_has_a_button_and_no_other(site: Path) -> None:
    project = Project(ROOT)
    for rule in project.subjects:
        path = site / rule.chapter / rule.name / "index.html"
        tree = LexborHTMLParser(path.read_text("utf-8"))
        panels = [each.attributes["data-module"] for each in tree.css("div.run")]
        expected = [rule.id.replace("-", "_")] if runnable(project, rule) else []
        assert panels == expected, rule.id


def test_each_page_with_a_button_and_no_other_names_the_python_that_tests_ran_it_on(
    site: Path, version: str
) -> None:
    for path in site.glob("*/*/index.html"):
        tree = LexborHTMLParser(path.read_text("utf-8"))
        told = [
            dt.next.text().partition(",")[0]
            for dt in tree.css("dl.facts dt")
            if dt.text() == "Examples also ran on" and dt.next
        ]
        offered = tree.css("div.run")
        assert told == [f"CPython {version} in WebAssembly"] * len(offered), path


def test_a_snippet_runs_with_its_examples_and_nothing_comes_from_elsewhere(
    page: Page, asked: list[str], address: str, version: str
) -> None:
    expect(state(page)).to_have_text(
        f"Each of 2 examples gave what the docstring says, on CPython {version}."
    )
    output = panel(page).get_by_role("log")
    expect(output).to_contain_text("(Decimal('0.11'), Decimal('-0.11'))")
    assert [url for url in asked if not url.startswith(address)] == []
    assert any(url.endswith("pyodide.asm.wasm") for url in asked)
    assert not any(url.endswith(".whl") for url in asked)


def test_a_usage_is_run_instead(page: Page) -> None:
    use(page, 'vat(amount("2.50"))')
    expect(state(page)).to_contain_text("Ran to its end")
    expect(panel(page).get_by_role("log")).to_have_text("Decimal('0.53')\n")


def test_edited_code_runs_and_is_told_from_the_proven(page: Page) -> None:
    run = panel(page)
    module = edit(page, "print('mine')\n")
    expect(run.get_by_text("no longer the proven code")).to_be_visible()
    use(page, "")
    expect(run.get_by_role("log")).to_have_text("mine\n")
    run.get_by_role("button", name="Restore the proven code").click()
    expect(run.get_by_text("no longer the proven code")).to_be_hidden()
    assert (
        module.input_value() == page.locator("#do ~ .highlight code").first.inner_text()
    )


def test_axe_finds_nothing_after_running_and_editing(page: Page, axe: str) -> None:
    edit(page, "print('mine')\n")
    use(page, "")
    expect(state(page)).to_contain_text("It has no example")
    page.evaluate(Path(axe).read_text("utf-8"))
    found: list[str] = []
    for palette, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme="dark" if palette == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SETTLED)
        found += page.evaluate(RUN_AXE, "div.run")
    panel(page).get_by_role("button", name="Restore the proven code").click()
    assert found == []


def test_a_wheel_is_loaded_where_it_is_needed_and_no_other_in_its_place(
    page: Page, asked: list[str]
) -> None:
    page.route("**/annotated_types*", lambda route: route.fulfill(body="another"))
    use(page, "import pydantic")
    refused = "Python could not be loaded. "
    expect(state(page)).to_contain_text(refused, timeout=LOADED)
    expect(state(page)).to_contain_text("annotated-types")
    page.unroute("**/annotated_types*")
    asked.clear()
    use(page, "import pydantic")
    expect(state(page)).to_contain_text("Ran to its end", timeout=LOADED)
    assert sum(url.endswith(".whl") for url in asked) == len(WHEELS)


def test_output_comes_before_the_end_and_the_reader_can_stop(page: Page) -> None:
    use(page, f"print('begun')\n{FOR_EVER}")
    expect(panel(page).get_by_role("log")).to_have_text("begun\n")
    panel(page).get_by_role("button", name="Stop").click()
    expect(state(page)).to_have_text("Stopped.")
    expect(panel(page).get_by_role("button", name="Run")).to_be_focused()


def test_what_runs_too_long_is_stopped_and_python_starts_anew(page: Page) -> None:
    use(page, f"print('begun')\n{FOR_EVER}")
    expect(panel(page).get_by_role("log")).to_have_text("begun\n", timeout=LOADED)
    page.clock.fast_forward(31_000)
    expect(state(page)).to_have_text("Stopped: it ran for 30 seconds.")


def test_a_failure_to_load_says_so_and_can_be_tried_again(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.route("**/run.json", lambda route: route.fulfill(status=404))
    page.goto(address + RULE)
    panel(page).get_by_role("button", name="Run").click()
    expect(state(page)).to_contain_text("Python could not be loaded. ")
    expect(panel(page).get_by_role("button", name="Run")).to_be_enabled()
    page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_button_moves_nothing(browser: Browser, address: str, width: int) -> None:
    below: set[float] = set()
    for scripts in (False, True):
        page = browser.new_page(
            java_script_enabled=scripts, viewport={"width": width, "height": 900}
        )
        page.goto(address + RULE, wait_until="networkidle")
        expect(panel(page).get_by_role("button")).to_have_count(int(scripts))
        box = page.locator("#avoid").bounding_box()
        assert box is not None
        below.add(box["y"])
        page.close()
    assert len(below) == 1
