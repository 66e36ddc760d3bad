"""Each rule says when it last changed in substance, and what replaced it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from proof.exports.export import export
from proof.fragments.project_fragments import Fragments
from proof.sources.changes import CHANGES
from proof.sources.history import first_committed
from proof.sources.lint import lint
from tests.proof.conftest import FILES, RULES, TITLE, Planted
from tests.proof.site.test_build import ledger
from tests.proof.sources.test_lint import with_another_rule

FORM = "[[change]] has date = YYYY-MM-DD, rule = an id, what = one sentence"
CHANGE = """[[change]]
date = 2026-01-01
rule = "cart-add-item"
what = "Takes `None` <again>."
"""
RULE, LOG = "cart/add-item/rule.md", "changes.md"
ATOM = "{http://www.w3.org/2005/Atom}"
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date()  # in every time zone


def made(planted: Planted) -> dict[str, str]:
    return Fragments(planted.project, ledger(planted)).texts


def found(planted: Planted) -> list[str]:
    return [str(each) for each in lint(planted.project)]


def test_a_rule_says_when_it_was_published(planted: Planted) -> None:
    planted.commit()
    planted.append("docs/cart/add-item.md", "- Later\n")
    assert made(planted)[RULE].endswith(
        '<div class="history" markdown="span">'
        "Published [<time>2026-01-01</time>](../changes.md#2026-01-01).</div>\n"
    )


def test_a_rule_says_when_it_last_changed_and_what(planted: Planted) -> None:
    older = CHANGE.replace("2026-01-01", "2025-12-24").replace("again", "for once")
    planted.write(CHANGES, older + CHANGE)
    planted.commit()
    assert made(planted)[RULE].endswith(
        '<div class="history" markdown="span">'
        "Changed [<time>2026-01-01</time>](../changes.md#2026-01-01): "
        "Takes `None` <again>.</div>\n"
    )


def test_a_rule_that_was_never_committed_says_nothing(planted: Planted) -> None:
    assert "history" not in made(planted)[RULE]
    assert made(planted)[LOG] == "Nothing is committed yet.\n"


def test_a_history_that_is_cut_off_dates_nothing(
    planted: Planted, tmp_path: Path
) -> None:
    planted.commit()
    planted.append("README.md", "Later.\n")
    planted.commit()
    assert first_committed(planted.root, "docs/*/*.md").keys() == {
        "docs/cart/add-item.md",
        "docs/cart/index.md",
        "docs/reference/cart.md",
    }
    clone = tmp_path / "clone"
    planted.git("clone", "--quiet", "--depth=1", f"file://{planted.root}", str(clone))
    assert first_committed(clone, "docs/*/*.md") == {}


def test_the_changelog_lists_each_day_once_the_newest_first(planted: Planted) -> None:
    with_another_rule(planted)
    older = CHANGE.replace("2026-01-01", "2025-12-24")
    planted.write(CHANGES, older + CHANGE)
    planted.commit()
    assert made(planted)[LOG].splitlines() == [
        "## 2026-01-01",
        "",
        f"- [{TITLE}](cart/add-item.md): Takes `None` <again>.",
        "- [Cart](cart/index.md), 2 rules published:",
        f"    - [{TITLE}](cart/add-item.md)",
        "    - [Pay](cart/pay.md)",
        "",
        "## 2025-12-24",
        "",
        f"- [{TITLE}](cart/add-item.md): Takes `None` <again>.",
    ]


def test_the_feed_has_an_entry_for_each_change(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/python")
    planted.write(CHANGES, CHANGE)
    planted.commit()
    known = ledger(planted)
    site = planted.root / "built"
    export(planted.project, known, Fragments(planted.project, known), site)
    feed = ET.fromstring((site / "feed.xml").read_bytes())  # noqa: S314 - our own
    assert feed.findtext(f"{ATOM}updated") == "2026-01-01T00:00:00Z"
    entries = [
        [entry.findtext(ATOM + tag) for tag in ("title", "id", "updated", "content")]
        for entry in feed.iter(f"{ATOM}entry")
    ]
    cart = "https://example.org/python/cart/"
    assert entries == [
        [
            f"cart-add-item: {TITLE}",
            f"{cart}add-item/#changed-2026-01-01",
            "2026-01-01T00:00:00Z",
            "<p>Takes <code>None</code> &lt;again&gt;.</p>",
        ],
        [
            "Cart: 1 rule published",
            f"{cart}#published-2026-01-01",
            "2026-01-01T00:00:00Z",
            f'<ul><li><a href="{cart}add-item/">{TITLE}</a></li></ul>',
        ],
    ]
    links = [each.get("href") for each in feed.iter(f"{ATOM}link")]
    assert links[0] == "https://example.org/python/feed.xml"
    assert links[-2:] == [f"{cart}add-item/", cart]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cart-add-item", "cart-pay", "3: no rule has the id 'cart-pay'"),
        ("2026-01-01", '"2026-01-01"', f"2: Input should be a valid date: {FORM}"),
        (
            "2026-01-01",
            "2026-01-01T10:00:00",
            f"2: Input should be a valid date: {FORM}",
        ),
        (
            "2026-01-01",
            "1.1.2026",
            (
                "2: not TOML: Expected newline or end of document after a statement "
                f"(at line 2, column 11): {FORM}"
            ),
        ),
        (
            "2026-01-01",
            str(TOMORROW),
            f"2: {TOMORROW} is in the future: this was written on ",
        ),
        ("again>.", "again>", "4: say in one sentence, on one line, what changed"),
        ("what =", "why =", f"4: Extra inputs are not permitted: {FORM}"),
        ("[[change]]", "[change]", f" Input should be a valid list: {FORM}"),
    ],
)
def test_a_change_at_fault_is_named_with_its_line(
    planted: Planted, old: str, new: str, message: str
) -> None:
    planted.write(CHANGES, CHANGE.replace(old, new))
    assert f"{CHANGES}:{message}" in "\n".join(found(planted))


def test_a_date_after_its_commit_is_in_the_future(planted: Planted) -> None:
    planted.write(CHANGES, CHANGE.replace("01-01", "01-02"))
    assert found(planted) == []  # written today, which is later
    planted.commit()
    assert found(planted) == [
        f"{CHANGES}:2: 2026-01-02 is in the future: this was written on 2026-01-01"
    ]


def test_a_second_change_of_a_day_is_named(planted: Planted) -> None:
    planted.write(CHANGES, CHANGE + CHANGE)
    said = "cart-add-item changed twice on 2026-01-01: say it in one sentence"
    assert found(planted) == [f"{CHANGES}:7: {said}"]


def replaced(planted: Planted, by: str) -> None:
    with_another_rule(planted)
    table = FILES[RULES].replace(" }", f', replaced = "{by}" }}')
    planted.write(RULES, f'{table}pay = {{ strength = "must", title = "Pay" }}\n')


def test_a_rule_that_was_turned_round_names_the_rule_to_follow(
    planted: Planted,
) -> None:
    replaced(planted, "cart-pay")
    assert found(planted) == []
    assert made(planted)[RULE].startswith(
        '<div class="replaced" role="note" markdown="span">'
        "**This rule was turned round.** Follow [Pay](../cart/pay.md) instead.</div>\n"
    )


def test_a_rule_that_was_turned_round_may_say_it_in_a_sentence(
    planted: Planted,
) -> None:
    replaced(planted, "Since 3.13 carts start empty by themselves.")
    assert found(planted) == []
    said = "**This rule was turned round.** Since 3.13 carts start empty by themselves."
    assert said in made(planted)[RULE]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("cart-gone", "cart-add-item is replaced by 'cart-gone', which is no rule"),
        ("cart-add-item", "cart-add-item can't be replaced by itself"),
    ],
)
def test_a_rule_is_replaced_by_another_that_exists(
    planted: Planted, by: str, message: str
) -> None:
    replaced(planted, by)
    assert found(planted) == [f"{RULES}:2: {message}"]
