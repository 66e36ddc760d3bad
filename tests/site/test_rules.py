"""The table of all rules."""

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

ROW = "table.rules tbody tr"


def test_every_rule_is_listed_without_scripts(
    browser: Browser, address: str, site: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}rules/")
    listed = page.locator(f"{ROW} th > code").all_text_contents()
    known = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    assert listed == [each["id"] for each in known]
    context.close()


def test_the_table_is_filtered_by_the_oldest_python(
    browser: Browser, address: str, site: Path
) -> None:
    known = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    fitting = [
        each["id"] for each in known if each["python"]["oldest"] in {"3.10", "3.11"}
    ]
    assert 0 < len(fitting) < len(known)
    page = browser.new_page()
    page.goto(f"{address}rules/")
    box = page.get_by_role("combobox", name="Holds on Python")
    assert box.locator("option").all_text_contents() == [
        *("any", "3.10", "3.11", "3.12", "3.13")
    ]
    box.select_option("3.11")
    assert page.locator(f"{ROW}:visible th > code").all_text_contents() == fitting
    page.close()


def test_the_table_is_filtered_by_keyboard_and_the_address_keeps_it(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}rules/")
    page.get_by_role("combobox", name="Chapter").focus()
    page.keyboard.type("pitfalls")
    page.get_by_role("combobox", name="Reported by").select_option("ruff")
    ids = page.locator(f"{ROW}:visible th > code").all_text_contents()
    assert "pitfalls-money" in ids
    assert all(each.startswith("pitfalls-") for each in ids)
    expect(page.get_by_role("status").last).to_contain_text(f"{len(ids)} of ")
    page.goto(page.url)
    assert page.locator(f"{ROW}:visible th > code").all_text_contents() == ids
    page.get_by_role("combobox", name="Reported by").select_option("-")
    assert "pitfalls-money" not in page.locator(f"{ROW}:visible").all_text_contents()
    page.close()
