"""A code besides the counterexample's: named by the page, and confirmed by a test."""

import json

import pytest

from proof.exports.desk import desk_json
from proof.exports.rules_json import rules_json
from proof.ledger.records import Exhibit
from proof.verdicts.related import related
from tests.proof.conftest import PAGE, TESTS, Planted
from tests.proof.fragments.test_copying import source
from tests.proof.site.test_build import ledger


def found(planted: Planted, prose: str, test: str = "", said: str = "") -> list[str]:
    """Add words to the page, a line to the tests and evidence; list what is related."""
    text = planted.read(PAGE)
    planted.write(PAGE, text.replace("\n## Why\n", f"\n## Why\n\n{prose}\n"))
    planted.write(TESTS, f"{planted.read(TESTS)}\n{test}\n")
    known = ledger(planted)
    unit = known.units[TESTS]
    shown = {"evidence": [Exhibit(title="What it said", text=said)]}
    tests = [unit.tests[0].model_copy(update=shown), *unit.tests[1:]]
    units = {TESTS: unit.model_copy(update={"tests": tests})}
    (rule,) = planted.project.rules
    codes = related(planted.project, known.model_copy(update={"units": units}), rule)
    return [f"{tool} {code}" for tool, code in sorted(codes)]


@pytest.mark.parametrize(
    ("prose", "test", "said", "code"),
    [
        ("E711 finds it.", "x == None  # noqa: E711 - asked", "", "ruff E711"),
        ("[E711](https://x.y) does.", "", "a.py:1:6: E711 Compare", "ruff E711"),
        ("`[index]`", "x[0]  # type: ignore[index]", "", "mypy index"),
        ("`no-any-return`", "", "error: No [no-any-return]", "mypy no-any-return"),
        (
            "`reportIndexIssue`",
            "x[0]  # pyright: ignore[reportIndexIssue]",
            "",
            "pyright reportIndexIssue",
        ),
    ],
)
def test_an_ignore_that_is_needed_and_the_tools_own_words_confirm_a_code(
    planted: Planted, prose: str, test: str, said: str, code: str
) -> None:
    assert found(planted, prose, test, said) == [code]


@pytest.mark.parametrize(
    ("prose", "test", "said"),
    [
        ("E711 finds it.", "", ""),
        ("Nothing finds it.", "x == None  # noqa: E711", "E711 Compare"),
        ("E711 finds it.", 'TEXT = "x == None  # noqa: E711"', ""),
        ("Take `index` or `find`.", "x[0]  # type: ignore[index]", ""),
        ("The plan of AES256 is B999.", "", "AES256 B999"),
    ],
    ids=["only named", "only confirmed", "in a string", "a word", "no code"],
)
def test_nothing_less_does(planted: Planted, prose: str, test: str, said: str) -> None:
    assert found(planted, prose, test, said) == []


def test_a_reference_alone_names_no_code(planted: Planted) -> None:
    planted.write(PAGE, f"{planted.read(PAGE)}\n- none-comparison (E711), Ruff\n")
    assert planted.read(PAGE).count("## References") == 1
    assert found(planted, "", "x == None  # noqa: E711 - asked") == []


def test_programs_and_the_desk_are_told_of_them_apart_from_the_counterexamples(
    planted: Planted,
) -> None:
    text = planted.read(PAGE)
    planted.write(PAGE, text.replace("\n## Why\n", "\n## Why\n\nB006 and E711.\n"))
    ignored = "x = []  # noqa: B006 - asked\nx == None  # noqa: E711 - asked\n"
    planted.write(TESTS, f"{planted.read(TESTS)}\n{ignored}")
    made = source(planted)
    (_, listed), _ = rules_json(made)
    (rule,) = json.loads(listed)["rules"]
    assert rule["related"] == {"ruff": ["E711"]}
    assert "E711" not in rule["codes"]["ruff"]  # B006 is, and isn't told twice
    ((_, desk),) = desk_json(made)
    known = json.loads(desk)
    assert known["codes"]["ruff"]["E711"] == ["cart-add-item"]
    assert known["codes"]["ruff"]["B006"] == ["cart-add-item"]
    assert known["names"]["none-comparison"] == "E711"
