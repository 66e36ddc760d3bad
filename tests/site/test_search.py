"""The search, by what a reader knows of a rule."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

FIRST, NEXT = 300, 100  # milliseconds
# The time from a key to the results, within the page.
TIMED = """async ([query, find]) => {
    const began = performance.now()
    const {find: found} = await import(find)
    const results = found(query)
    return [performance.now() - began, results.map(({id}) => id)]
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Open a page and turn to its search."""
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("/")
    yield page
    page.close()


def first(page: Page, address: str, queries: list[str]) -> list[str]:
    """Give the address of the first result of each query."""
    found: list[str] = page.evaluate(
        """async ([queries, search]) => {
            const {find} = await import(search)
            return queries.map((query) => find(query)[0]?.id ?? "")
        }""",
        [queries, f"{address}assets/search.js"],
    )
    return found


def rules(site: Path) -> list[dict[str, str]]:
    """List what is looked through of each rule."""
    pages: list[dict[str, str]] = json.loads((site / "search.json").read_text("utf-8"))
    return [each for each in pages if "rule" in each]


@pytest.mark.parametrize("by", ["rule", "title"])
def test_a_rule_comes_first_for_its_id_and_for_its_title(
    page: Page, address: str, site: Path, by: str
) -> None:
    listed = rules(site)
    found = first(page, address, [each[by] for each in listed])
    assert found == [each["address"] for each in listed]


def test_a_code_finds_the_rules_that_it_reports(
    page: Page, address: str, site: Path
) -> None:
    listed = rules(site)
    for code in sorted({code for each in listed for code in each["codes"].split()}):
        (found,) = first(page, address, [code])
        assert found in {
            each["address"] for each in listed if code in each["codes"].split()
        }


def test_an_identifier_that_one_rule_alone_has_finds_it(
    page: Page, address: str, site: Path
) -> None:
    listed = rules(site)
    known = " ".join(f"{each['codes']} {each['title']}".lower() for each in listed)
    having: dict[str, list[str]] = {}
    for each in listed:
        for name in each["names"].split():
            having.setdefault(name.lower(), []).append(each["address"])
    single = {
        name: where[0]
        for name, where in having.items()
        if len(where) == 1 and name not in known
    }
    found = first(page, address, list(single))
    assert dict(zip(single, found, strict=True)) == single


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("QueueShutDown", "concurrency/queues/"),
        ("ROUND_HALF_UP", "pitfalls/money/"),
        ("mutable default", "pitfalls/mutable-defaults/"),
        ("uvlop", "concurrency/uvloop/"),
    ],
)
def test_an_identifier_a_word_or_a_slip_finds_the_rule(
    page: Page, address: str, query: str, found: str
) -> None:
    assert first(page, address, [query]) == [found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Kuwaiti", "pitfalls/money/"),
        ("LexborHTMLParser", "security/output-encoding/"),
    ],
)
def test_words_that_are_loaded_after_the_names_find_a_page_too(
    browser: Browser, address: str, query: str, found: str
) -> None:
    page = browser.new_page()
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route("**/search-words.json", hold)
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("money")
    expect(page.get_by_role("option").first).to_contain_text("pitfalls-money")
    page.get_by_role("combobox", name="Search").fill(query)
    expect(page.get_by_role("option")).to_have_count(0)
    late[0].continue_()
    option = page.get_by_role("option").first
    expect(option).to_have_attribute("data-address", f"{address}{found}")
    page.close()


def test_the_first_answer_takes_a_moment_and_the_next_ones_none(
    browser: Browser, address: str
) -> None:
    took: list[float] = []
    page = browser.new_page()
    page.goto(address)
    for query in ("cancellation", "encoding", "B006"):
        milliseconds, _ = page.evaluate(TIMED, [query, f"{address}assets/search.js"])
        took.append(milliseconds)
    page.close()
    assert took[0] <= FIRST
    assert max(took[1:]) <= NEXT


def test_the_search_is_used_by_keyboard_and_heard(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}pitfalls/money/")
    page.keyboard.press("/")
    page.keyboard.type("text encoding")
    box = page.get_by_role("combobox", name="Search")
    expect(page.get_by_role("option").first).to_contain_text("Name the encoding")
    expect(page.get_by_role("status")).to_contain_text("pages found")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "found-0")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Pages found")).to_be_hidden()
    page.keyboard.type("s")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}pitfalls/text-encoding/")
    page.close()
