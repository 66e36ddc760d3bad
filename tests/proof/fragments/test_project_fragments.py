from datetime import date

import pytest
from selectolax.lexbor import LexborHTMLParser

from proof.fragments.markup import sentence
from proof.fragments.project_fragments import FOLDER, Fragments
from proof.fragments.recorded import recorded_faults
from proof.ground.digests import sha256
from proof.ledger.records import (
    Claim,
    Diagnostic,
    Event,
    Exhibit,
    Ledger,
    Older,
    Revealed,
    Row,
    Step,
    Unit,
)
from proof.sources.includes import names
from proof.sources.runnable import TESTS as IN_BROWSER
from proof.sources.runnable import case_of
from tests.proof.conftest import AVOID, PAGE, SNIPPET, TESTS, Planted
from tests.proof.site import test_build

TYPES = "snippets/cart/add_item_types.py"
SHOWN = '''from typing import assert_type, reveal_type


def show(cart: list[str]) -> None:
    """Show it."""
    # reveals: list[str]
    reveal_type(cart)
    # mypy reveals: <mypy>
    # pyright reveals: <pyright>
    reveal_type(cart.append)
    assert_type(cart, list[str])
    assert_type(cart[0], str)
'''
PYODIDE = "CPython 3.99.1 in WebAssembly, by Pyodide 9"
MESSAGE = "Do not use `list` here <ever>"


def ledger(planted: Planted) -> Ledger:
    """Give a ledger in which the rule is proven and nothing was reported of it."""
    known = test_build.ledger(planted)
    tools = {
        name: verdict.model_copy(update={"diagnostics": []})
        for name, verdict in known.tools.items()
    }
    return known.model_copy(update={"tools": tools})


def reported(planted: Planted) -> Ledger:
    """Give a ledger with a report of ruff on the counterexample's first function."""
    known = ledger(planted)
    at = planted.line(AVOID, "def add_item_for_all")
    report = Diagnostic(
        path=AVOID,
        line=at,
        tool="ruff",
        code="B006",
        message=MESSAGE,
        url="https://x.y",
    )
    ruff = known.tools["ruff"].model_copy(update={"diagnostics": [report]})
    return known.model_copy(update={"tools": known.tools | {"ruff": ruff}})


def recorded(planted: Planted) -> Ledger:
    """Give a ledger in which the first test kept something of every kind."""
    known = reported(planted)
    unit = known.units[TESTS]
    events = [Event(lane="ada", what="starts", word="")]
    rows = [Row(name="Peak", unit="", values={"one": 1})]
    steps = [Step(what="sent", text="<b>"), Step(what="now", text="refused")]
    last = {
        "observed": ["['tea', <b>]"],
        "timeline": events,
        "rows": rows,
        "attack": steps,
        "evidence": [Exhibit(title="Plan <1>", text="Seq Scan\n  Filter: ```")],
        "servers": ["PostgreSQL 18.4"],
    }
    tests = [*unit.tests[:-1], unit.tests[-1].model_copy(update=last)]
    units = {TESTS: unit.model_copy(update={"tests": tests})}
    return known.model_copy(update={"units": units})


def ran_in_browser(planted: Planted, missing: list[str] | None = None) -> Ledger:
    """Give a ledger in which the snippet also ran on the Python for browsers."""
    known = ledger(planted)
    case = case_of("cart_add_item", sha256(planted.root, SNIPPET))
    claim = Claim(name="test_it", cases=1, observed=[], lines={}, ids=[case])
    claim = claim.model_copy(update={"servers": [PYODIDE]})
    unit = Unit(key="", sha256="", tests=[claim], missing=missing or [])
    return known.model_copy(update={"units": known.units | {IN_BROWSER: unit}})


def also_ran_on(planted: Planted, known: Ledger) -> list[str | None]:
    """Read what the rule's page says, and the one that tells what all ran on."""
    texts = Fragments(planted.project, known).texts
    facts = LexborHTMLParser(texts["cart/add-item/proof.md"] + texts["machine.md"])
    said = {each.text(): each.next for each in facts.css("dl.facts dt")}
    found = [said.get("Examples also ran on"), said.get("In the browser")]
    return [each.text() if each else None for each in found]


def test_what_is_recommended_is_shown_whole(planted: Planted) -> None:
    made = Fragments(planted.project, ledger(planted))
    text = planted.read(SNIPPET)
    assert f"\n```python\n{text}```\n" in made.texts["cart/add-item/do.md"]
    assert text.strip("\n") in made.code


@pytest.mark.parametrize(("needs", "offered"), [("decimal", 1), ("threading", 0)])
def test_a_snippet_is_offered_to_be_run_where_it_can_be(
    planted: Planted, needs: str, offered: int
) -> None:
    planted.write(SNIPPET, f"import {needs}\n{planted.read(SNIPPET)}")
    made = Fragments(planted.project, ledger(planted))
    for name in ("do", "whole"):
        panel = '<div class="run" data-module="cart_add_item"></div>'
        assert made.texts[f"cart/add-item/{name}.md"].count(panel) == offered


def test_a_page_says_on_what_else_its_examples_ran_where_they_did(
    planted: Planted,
) -> None:
    ran = ran_in_browser(planted)
    assert also_ran_on(planted, ran) == [PYODIDE, PYODIDE]
    assert also_ran_on(planted, ledger(planted)) == [None, None]
    lacking = ran_in_browser(planted, missing=["npm"])
    assert also_ran_on(planted, lacking) == [None, None]
    planted.write(SNIPPET, f"import math\n{planted.read(SNIPPET)}")
    edited = ledger(planted)
    edited = edited.model_copy(update={"units": ran.units | edited.units})
    assert also_ran_on(planted, edited) == [None, PYODIDE]


def test_older_pythons_are_told_on_the_page_and_in_the_table(planted: Planted) -> None:
    known = ledger(planted)
    unit = known.units[TESTS]
    first, second, *_ = [claim.name for claim in unit.tests]
    tests = [
        claim.model_copy(
            update={"lines": {SNIPPET: [9]} if claim.name == first else {}}
        )
        for claim in unit.tests
    ]
    verdict = Older(
        day=date(2026, 2, 3),
        files={},
        by=["mypy 1", "CPython 3.12.1"],
        accepted=["3.12", "3.11"],
        refused="3.10: mypy says <no>",
        ran={"3.12.1": [second], "3.11.7": [first]},
        lacking={"3.12.1": ["test_new"]},
    )
    units = {TESTS: unit.model_copy(update={"tests": tests})}
    known = known.model_copy(update={"units": units, "older": {TESTS: verdict}})
    texts = Fragments(planted.project, known).texts
    facts = LexborHTMLParser(texts["cart/add-item/proof.md"]).css("dl.facts div")
    told = {each.css("dt")[0].text(): each.css("dd")[0].text() for each in facts}
    assert told["Both checkers accept it"] == (
        "for Python 3.11 and newer; on 3.10: mypy says <no>"
    )
    assert told["Tests passed on"] == "CPython 3.12.1"
    assert told["Found out on"] == "2026-02-03, with mypy 1, CPython 3.12.1"
    assert told["Tests fail on"] == f"CPython 3.11.7: {sentence(first)}"
    assert told["Tests can't run on"] == "CPython 3.12.1: New"
    assert told["Python differs on"] == f"CPython 3.12.1: {sentence(second)}"
    assert ">Python 3.12</a> and newer" in texts["cart/add-item/do.md"]
    assert ' data-python="3.12 3.13">' in texts["all-rules.md"]


def test_a_rule_of_which_nothing_older_is_known_holds_on_the_newest(
    planted: Planted,
) -> None:
    texts = Fragments(planted.project, ledger(planted)).texts
    assert ">Python 3.13</a> and newer" in texts["cart/add-item/do.md"]
    assert ' data-python="3.13">' in texts["all-rules.md"]
    assert "checkers accept" not in texts["cart/add-item/proof.md"]


def test_a_region_is_a_fragment_of_its_name_without_its_marks(planted: Planted) -> None:
    planted.replace(
        SNIPPET,
        "    cart.append(item)\n",
        "    # --8<-- [start:put]\n    cart.append(item)\n    # --8<-- [end:put]\n",
    )
    made = Fragments(planted.project, ledger(planted))
    put = made.texts["cart/add-item/put.md"]
    assert put.endswith("\n```python\ncart.append(item)\n```\n")
    assert "--8<--" not in made.texts["cart/add-item/do.md"]


def test_a_report_stands_below_its_line_in_the_tools_own_words(
    planted: Planted,
) -> None:
    avoid = Fragments(planted.project, reported(planted)).texts[
        "cart/add-item/avoid.md"
    ]
    before, _, after = avoid.partition("\n```\n")
    assert before.endswith(
        "def add_item_for_all(item: str, cart: list[str] = []):"
    ) or ("cart: list[str] = []) -> list[str]:" in before.splitlines()[-1])
    remark = LexborHTMLParser(after.partition("```python")[0])
    assert [each.text() for each in remark.css("li")] == [
        "ruff B006 Do not use list here <ever>"
    ]
    assert [each.attributes["href"] for each in remark.css("a")] == ["https://x.y"]
    assert [each.text() for each in remark.css("li > code")] == ["list"]


def test_a_harm_stands_below_its_line_with_what_the_test_observed(
    planted: Planted,
) -> None:
    avoid = Fragments(planted.project, recorded(planted)).texts[
        "cart/add-item/avoid.md"
    ]
    _, _, after = avoid.partition("    cart.append(item)\n```\n")
    remark = LexborHTMLParser(after.partition("```python")[0])
    assert [each.text() for each in remark.css("li")] == [
        "run A shared default is everybodys cart. ['tea', <b>]"
    ]
    assert [each.text() for each in remark.css("samp")] == ["['tea', <b>]"]


@pytest.mark.parametrize(
    ("code", "first", "shown"),
    [
        ("x = print(\n    1,\n)\n", "x = print(", ")"),
        ("x = print(\n    1,\n    2,\n)\n", "    1,", "    1,"),
        (
            "def buy(\n    a: int,\n) -> None:\n\n    # Why\n    a = 1\n",
            "def buy",
            ") ->",
        ),
        (
            "class Cart(\n    dict,\n):\n    @property\n    def a(self): ...\n",
            "class Cart",
            "):",
        ),
        ("match len(\n    X\n):\n    case 1:\n        pass\n", "match", "):"),
        ("if X: pass\nprint(X)\n", "if X", "if X: pass"),
    ],
    ids=["call", "within it", "function", "class", "match", "one line"],
)
def test_what_is_said_of_the_first_line_of_a_statement_stands_below_its_end(
    planted: Planted, code: str, first: str, shown: str
) -> None:
    planted.append(AVOID, f"\n{code}")
    known = reported(planted)
    at = planted.line(AVOID, first)
    (diagnostic,) = known.tools["ruff"].diagnostics
    moved = diagnostic.model_copy(update={"line": at})
    ruff = known.tools["ruff"].model_copy(update={"diagnostics": [moved]})
    known = known.model_copy(update={"tools": known.tools | {"ruff": ruff}})
    avoid = Fragments(planted.project, known).texts["cart/add-item/avoid.md"]
    before, _, _ = avoid.partition(
        '<ul class="remarks" aria-label="At this line"><li class="tool"'
    )
    assert before.rpartition("\n```")[0].splitlines()[-1].startswith(shown)


def test_a_counterexample_shows_no_expectation_and_all_its_code(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, recorded(planted))
    avoid = made.texts["cart/add-item/avoid.md"]
    blocks = [part.partition("\n```")[0] for part in avoid.split("```python\n")[1:]]
    shown = [line for block in blocks for line in block.splitlines() if line]
    assert shown == [
        line
        for line in planted.read(AVOID).splitlines()
        if line and "# expect:" not in line
    ]
    assert {block.strip("\n") for block in blocks} <= made.code


def test_a_code_that_reports_the_rule_is_named_under_its_title(
    planted: Planted,
) -> None:
    rule = Fragments(planted.project, reported(planted)).texts["cart/add-item/rule.md"]
    items = [each.text() for each in LexborHTMLParser(rule).css("li")]
    assert items == ["must", "cart-add-item", "reported by ruff B006"]


def test_a_proof_holds_each_test_as_a_sentence_with_its_source(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, ledger(planted))
    proof = made.texts["cart/add-item/proof.md"]
    assert "<summary>A cart starts empty</summary>" in proof
    source = (
        'def test_a_given_cart_grows() -> None:\n    assert add_item("milk", ["tea"])'
    )
    assert source in proof
    assert any(text.startswith(source) for text in made.code)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["asyncio", "trio"], "2 cases: asyncio, trio"),
        (["x" * 40, "y" * 40], "2 cases"),
    ],
)
def test_a_proof_names_the_cases_that_a_test_ran_on(
    planted: Planted, ids: list[str], told: str
) -> None:
    known = ledger(planted)
    unit = known.units[TESTS]
    several = unit.tests[0].model_copy(update={"cases": 2, "ids": ids})
    units = {TESTS: unit.model_copy(update={"tests": [several, *unit.tests[1:]]})}
    made = Fragments(planted.project, known.model_copy(update={"units": units}))
    proof = LexborHTMLParser(made.texts["cart/add-item/proof.md"])
    assert [each.text() for each in proof.css("summary small")] == [told]


def test_an_attack_is_told_as_what_was_sent_and_what_became_of_it(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, recorded(planted))
    told = LexborHTMLParser(made.texts["cart/add-item/attack.md"])
    assert [each.text() for each in told.css("p, dt, dd")] == [
        "A shared default is everybodys cart",
        "What was sent",
        "<b>",
        "What happens now",
        "refused",
    ]


def test_evidence_is_quoted_in_a_fence_that_the_site_knows_as_proven(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, recorded(planted))
    quoted = made.texts["cart/add-item/evidence.md"]
    assert '<p class="exhibit">Plan &lt;1&gt;</p>' in quoted
    assert "````text\nSeq Scan\n  Filter: ```\n````\n" in quoted
    assert "Seq Scan\n  Filter: ```" in made.code


def test_a_proof_names_the_servers_that_it_ran_against(planted: Planted) -> None:
    made = Fragments(planted.project, recorded(planted))
    proof = LexborHTMLParser(made.texts["cart/add-item/proof.md"])
    assert proof.css("dl.facts dd")[-1].text().endswith(", PostgreSQL 18.4")


def test_tests_of_several_runs_are_told_in_a_matrix(planted: Planted) -> None:
    known = ledger(planted)
    unit = known.units[TESTS]
    both = unit.tests[0].model_copy(update={"ids": ["SQLite-1", "PostgreSQL-1"]})
    one = unit.tests[1].model_copy(update={"ids": ["PostgreSQL"]})
    tests = [both, one, *unit.tests[2:]]
    units = {TESTS: unit.model_copy(update={"tests": tests})}
    made = Fragments(planted.project, known.model_copy(update={"units": units}))
    proof = LexborHTMLParser(made.texts["cart/add-item/proof.md"])
    assert [
        each.text(separator="|", strip=True) for each in proof.css("table.matrix tr")
    ] == [
        "SQLite|PostgreSQL",
        "A cart starts empty|passed|passed",
        "A given cart grows|passed",
    ]
    (row,) = [each for each in proof.css("tbody tr") if "grows" in each.text()]
    assert [each.text() for each in row.css("td")] == ["", "passed"]


def typed(planted: Planted) -> Ledger:
    """Give a ledger in which mypy alone refuses a line, and both reveal a type."""
    planted.write(TYPES, SHOWN)
    known = ledger(planted)
    root = planted.root
    digest = sha256(root, TYPES)
    unit = known.units[TESTS]
    shown = unit.snippets[SNIPPET].model_copy(update={"sha256": digest})
    units = {
        TESTS: unit.model_copy(update={"snippets": {**unit.snippets, TYPES: shown}})
    }
    at = planted.line(AVOID, "def add_item_for_all")
    refused = Diagnostic(path=AVOID, line=at, tool="mypy", code="misc", message="No")
    tools = {
        name: verdict.model_copy(
            update={
                "files": {**verdict.files, TYPES: digest},
                "diagnostics": [refused] if name == "mypy" else [],
                "revealed": [
                    Revealed(path=TYPES, line=7, tool=name, type="list[str]"),
                    Revealed(path=TYPES, line=10, tool=name, type=f"<{name}>"),
                ]
                if name in {"mypy", "pyright"}
                else [],
            }
        )
        for name, verdict in known.tools.items()
    }
    return known.model_copy(update={"tools": tools, "units": units})


def test_what_the_checkers_infer_stands_below_each_line(planted: Planted) -> None:
    made = Fragments(planted.project, typed(planted))
    shown = made.texts["cart/add-item/types.md"]
    lines = [
        line
        for line in LexborHTMLParser(shown).text().splitlines()[1:]
        if line and not line.startswith("```")
    ]
    assert lines == [
        "from typing import assert_type, reveal_type",
        "def show(cart: list[str]) -> None:",
        '    """Show it."""',
        "    reveal_type(cart)",
        "mypy, pyright list[str]",
        "    reveal_type(cart.append)",
        "mypy <mypy>pyright <pyright>",
        "    assert_type(cart, list[str])",
        "    assert_type(cart[0], str)",
        "mypy, pyright agree",
    ]


def test_a_checker_that_accepts_what_the_other_refuses_is_named(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, typed(planted))
    avoid = LexborHTMLParser(made.texts["cart/add-item/avoid.md"])
    assert [each.text() for each in avoid.css("li.silent")] == [
        "pyright accepts this line.",
        "mypy and pyright accept this line.",
    ]


def test_what_each_checker_says_of_each_file_is_told_in_a_matrix(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, typed(planted))
    proof = LexborHTMLParser(made.texts["cart/add-item/proof.md"])
    assert [
        each.text(separator="|", strip=True) for each in proof.css("table.matrix tr")
    ] == [
        "mypy|pyright",
        "add_item.py|accepts|accepts",
        "add_item_types.py|reveals 2|reveals 2",
        "add_item_avoid.py|refuses 1|accepts",
    ]


def test_timelines_and_figures_are_fragments_where_a_test_recorded_some(
    planted: Planted,
) -> None:
    with_none = Fragments(planted.project, ledger(planted)).texts
    with_some = Fragments(planted.project, recorded(planted)).texts
    assert {*with_some} - {*with_none} == {
        "cart/add-item/attack.md",
        "cart/add-item/evidence.md",
        "cart/add-item/measured.md",
        "cart/add-item/timeline.md",
    }


@pytest.mark.parametrize("path", [SNIPPET, AVOID, TESTS])
def test_a_rule_changed_after_its_proof_has_no_code_and_says_why(
    planted: Planted, path: str
) -> None:
    known = ledger(planted)
    planted.append(path, "# changed\n")
    made = Fragments(planted.project, known)
    assert made.unproven == {"cart-add-item": f"{path} was changed after it was proven"}
    note = (
        '<p class="unproven" role="note">cart-add-item: not proven since the last edit'
    )
    assert made.texts["cart/add-item/do.md"].startswith(note)
    assert planted.read(path).strip("\n") not in made.code


@pytest.mark.parametrize("tool", ["ruff format", "ruff", "mypy", "pyright"])
def test_a_rule_that_one_tool_did_not_accept_is_not_proven(
    planted: Planted, tool: str
) -> None:
    known = ledger(planted)
    tools = {name: each for name, each in known.tools.items() if name != tool}
    made = Fragments(planted.project, known.model_copy(update={"tools": tools}))
    why = f"{SNIPPET} is not accepted by {tool} as it is now"
    assert made.unproven == {"cart-add-item": why}


def test_the_figures_count_what_is_proven(planted: Planted) -> None:
    figures = Fragments(planted.project, reported(planted)).texts["figures.md"]
    listed = LexborHTMLParser(figures).css("dl > div")
    assert [each.text(separator=" ") for each in listed] == [
        "rules 1",
        "snippets 2",
        "tests 3",
        "lines executed 10",
        "diagnostics verified 1",
        "skipped 0",
    ]


def test_what_is_the_same_is_not_written_again_and_what_is_gone_goes(
    planted: Planted,
) -> None:
    folder = planted.root / FOLDER
    made = Fragments(planted.project, ledger(planted))
    made.write()
    before = (folder / "cart/add-item/do.md").stat().st_mtime_ns
    (folder / "cart/gone.md").write_text("x", "utf-8")
    made.write()
    assert (folder / "cart/add-item/do.md").stat().st_mtime_ns == before
    assert not (folder / "cart/gone.md").exists()


def test_every_fragment_that_is_made_may_be_included(planted: Planted) -> None:
    made = Fragments(planted.project, recorded(planted))
    assert {*made.texts} <= {*names(planted.project)}


def test_what_a_test_recorded_must_be_shown_and_nothing_else_can_be(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, recorded(planted))
    with_none = Fragments(planted.project, ledger(planted))
    fragments = [
        f"cart/add-item/{name}.md"
        for name in ("timeline", "measured", "attack", "evidence")
    ]
    assert [str(each) for each in recorded_faults(planted.project, made)] == [
        f'{PAGE}: a test recorded it: include --8<-- "{each}"' for each in fragments
    ]
    at = planted.append(PAGE, "".join(f'--8<-- "{each}"\n' for each in fragments))
    assert list(recorded_faults(planted.project, made)) == []
    first = next(iter(recorded_faults(planted.project, with_none)))
    assert str(first) == f"{PAGE}:{at}: no test of {TESTS} recorded a 'timeline'"
