"""Nothing moves under the reader's eyes while a page becomes complete."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.site.conftest import sample

SCREENS = 4  # per step of scrolling
LATE = 400  # milliseconds: a browser waits 100 for a font that is optional
RULE = "security/object-authorization/"
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
