import pytest
from selectolax.lexbor import LexborHTMLParser

from proof.fragments import FOLDER, Fragments, names
from proof.ledger import Diagnostic, Event, Ledger, Row
from tests.proof import test_site
from tests.proof.conftest import AVOID, SNIPPET, TESTS, Planted

MESSAGE = "Do not use `list` here <ever>"


def ledger(planted: Planted) -> Ledger:
    """Give a ledger in which the rule is proven and nothing was reported of it."""
    known = test_site.ledger(planted)
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
    last = {"observed": ["['tea', <b>]"], "timeline": events, "rows": rows}
    tests = [*unit.tests[:-1], unit.tests[-1].model_copy(update=last)]
    units = {TESTS: unit.model_copy(update={"tests": tests})}
    return known.model_copy(update={"units": units})


def test_what_is_recommended_is_shown_whole(planted: Planted) -> None:
    made = Fragments(planted.project, ledger(planted))
    text = planted.read(SNIPPET)
    assert made.texts["cart/add-item/do.md"] == f"```python\n{text}```\n"
    assert text.strip("\n") in made.code


def test_a_region_is_a_fragment_of_its_name_without_its_marks(planted: Planted) -> None:
    planted.replace(
        SNIPPET,
        "    cart.append(item)\n",
        "    # --8<-- [start:put]\n    cart.append(item)\n    # --8<-- [end:put]\n",
    )
    made = Fragments(planted.project, ledger(planted))
    assert made.texts["cart/add-item/put.md"] == "```python\ncart.append(item)\n```\n"
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


def test_timelines_and_figures_are_fragments_where_a_test_recorded_some(
    planted: Planted,
) -> None:
    with_none = Fragments(planted.project, ledger(planted)).texts
    with_some = Fragments(planted.project, recorded(planted)).texts
    assert {*with_some} - {*with_none} == {
        "cart/add-item/timeline.md",
        "cart/add-item/measured.md",
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
