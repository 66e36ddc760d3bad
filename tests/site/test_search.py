from playwright.sync_api import Browser, expect


def test_a_search_finds_a_rule_by_a_word_of_its_title(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("encoding")
    first = page.locator(".md-search-result__link").first
    expect(first).to_have_attribute(
        "href", f"{address}pitfalls/text-encoding/?h=encoding"
    )
    page.close()
