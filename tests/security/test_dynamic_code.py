import ast
import inspect
import operator
import sys
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security.dynamic_code import FormulaError, evaluate
from snippets.security.dynamic_code_avoid import FormulaError as AvoidFormulaError
from snippets.security.dynamic_code_avoid import (
    compile_formula,
    evaluate_without_builtins,
    evaluate_without_underscores,
)

NAMES = {"kg": Decimal(12), "base": Decimal("4.90")}
FORMULA = "base + 0.35 * (kg - 2)"
ESCAPE = (
    "[c for c in ().__class__.__base__.__subclasses__()"
    " if c.__name__ == 'catch_warnings'][0]()"
    "._module.__builtins__['open']('pwned', 'w').close()"
)
DISGUISED = ESCAPE.replace("__", "_\N{FULLWIDTH LOW LINE}")
LINE_BREAK = "0\nopen('pwned', 'w').close()"

steady = settings(derandomize=True, database=None, deadline=None, max_examples=25)

type Sum = tuple[str, Decimal]
"""A formula, and its value by Python's own operators."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, in which an attacker's file would appear."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pwned() -> bool:
    """Tell whether the attacker's code ran."""
    return Path("pwned").exists()


def join(operation: Callable[[Any, Any], Decimal], sign: str) -> Callable[..., Sum]:
    def joined(left: Sum, right: Sum) -> Sum:
        return f"({left[0]} {sign} {right[0]})", operation(left[1], right[1])

    return joined


def larger(sums: st.SearchStrategy[Sum]) -> st.SearchStrategy[Sum]:
    return st.one_of(
        st.builds(join(operator.add, "+"), sums, sums),
        st.builds(join(operator.sub, "-"), sums, sums),
        st.builds(join(operator.mul, "*"), sums, sums),
        sums.map(lambda one: (f"-{one[0]}", -one[1])),
    )


prices: st.SearchStrategy[Sum] = st.decimals(0, 99, places=2).map(
    lambda price: (str(price), price)
)
sums = st.recursive(prices, larger, max_leaves=4).filter(lambda one: len(one[0]) < 200)


@given(sums)
@steady
def test_a_formula_has_the_value_that_decimals_have_in_python(one: Sum) -> None:
    formula, value = one
    assert evaluate(formula, {}) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (FORMULA, "8.40"),
        ("kg", "12"),
        ("kg / 8", "1.5"),
        ("-kg - -1", "-11"),
        ("2 + 3 * 4", "14"),
        ("7 - 2 - 1", "4"),
        ("0.1 + 0.2", "0.3"),
        ("0.10", "0.10"),
        ("1_000", "1000"),
        ("(1 +\n 2)", "3"),
        ("1.00000000000000000001", "1.00000000000000000001"),
    ],
)
def test_a_formula_is_worked_out_exactly(formula: str, value: str) -> None:
    assert str(evaluate(formula, NAMES)) == value


@pytest.mark.parametrize(
    "part",
    [
        "kg ** 9",
        "kg // 2",
        "kg % 2",
        "+kg",
        "not kg",
        "kg < 2",
        "kg and base",
        "1 if kg else 2",
        "kg.real",
        "kg[0]",
        "[kg][0]",
        "print(kg)",
        "__import__('os')",
        "lambda: kg",
        "[x for x in kg]",
        "f'{kg}'",
        "'kg'",
        "None",
        "1j",
        "weight",
        "__builtins__",
        ESCAPE,
    ],
)
def test_what_is_not_on_the_list_is_named_and_refused(part: str) -> None:
    with pytest.raises(FormulaError) as refused:
        evaluate(part, NAMES)
    assert str(refused.value) == f"not allowed in a formula: {part}"
    assert not pwned()


def test_a_part_deep_in_a_formula_is_refused_as_well() -> None:
    with pytest.raises(FormulaError, match=r"^not allowed in a formula: abs\(kg\)$"):
        evaluate("base + 2 * -(kg - abs(kg))", NAMES)


@pytest.mark.parametrize(
    ("formula", "error"),
    [
        ("", "SyntaxError"),
        ("kg +", "SyntaxError"),
        ("kg; base", "SyntaxError"),
        ("kg = 1", "SyntaxError"),
        ("import os", "SyntaxError"),
        (LINE_BREAK, "SyntaxError"),
        ("1\0", "SyntaxError"),
        ("(" * 200, "SyntaxError"),
        ("\ud800", "UnicodeEncodeError"),
        ("kg / 0", "DivisionByZero"),
        ("0 / 0", "InvalidOperation"),
        ("True", "InvalidOperation"),
        ("0x10", "InvalidOperation"),
        ("1e999999 * 10", "Overflow"),
        ("1e9999999999", "Overflow"),
    ],
)
def test_what_has_no_value_is_a_formula_error_and_nothing_else(
    formula: str, error: str
) -> None:
    with pytest.raises(FormulaError, match=f"^{error} in the formula$") as refused:
        evaluate(formula, NAMES)
    assert type(refused.value.__cause__).__name__ == error
    assert not pwned()


def test_the_longest_formula_may_be_as_deep_as_it_is_long() -> None:
    assert evaluate("-" * 199 + "1", {}) == -1
    with pytest.raises(
        FormulaError, match=r"^a formula of 201 characters is too long$"
    ):
        evaluate("-" * 200 + "1", {})


def test_the_callers_decimal_context_changes_nothing() -> None:
    with localcontext(Context(prec=4, traps=[])):
        assert str(evaluate("1 / 3 * 3", {})) == "0." + 28 * "9"
        assert evaluate("kg * 1.00001", NAMES) == Decimal("12.00012")
        with pytest.raises(FormulaError, match=r"^DivisionByZero in the formula$"):
            evaluate("kg / 0", NAMES)


@pytest.mark.parametrize(
    ("kg", "why"),
    [
        ("Infinity", "the formula is Infinity"),
        ("-Infinity", "the formula is -Infinity"),
        ("NaN", "the formula is NaN"),
        ("sNaN", "InvalidOperation in the formula"),
    ],
)
def test_a_value_that_is_not_finite_is_a_formula_error(kg: str, why: str) -> None:
    with pytest.raises(FormulaError) as refused:
        evaluate("kg + 1", {"kg": Decimal(kg)})
    assert str(refused.value) == why


def test_a_caller_who_is_deep_in_a_recursion_gets_a_formula_error() -> None:
    def deeper(levels: int) -> Decimal:
        return deeper(levels - 1) if levels else evaluate("-" * 199 + "1", {})

    room = sys.getrecursionlimit() - len(inspect.stack())
    with pytest.raises(FormulaError, match=r"^RecursionError in the formula$"):
        deeper(room - 100)


def test_without_a_bound_depth_alone_stops_the_parser() -> None:
    with pytest.raises((RecursionError, MemoryError)):
        ast.parse("-" * 100_000 + "1", mode="eval")


@pytest.mark.parametrize("code", [ESCAPE, DISGUISED, LINE_BREAK])
def test_parsing_runs_nothing(code: str) -> None:
    assert list(ast.walk(ast.parse(code)))
    assert not pwned()


def test_the_parser_normalises_identifiers() -> None:
    tree = ast.parse("().\N{MATHEMATICAL BOLD SMALL C}lass_\N{FULLWIDTH LOW LINE}")
    assert ast.unparse(tree) == "().class__"


@pytest.mark.parametrize("text", ["1 + 1", "kg", "print(1)", "[x for x in ()]", ESCAPE])
def test_literal_eval_takes_literals_and_nothing_that_computes(text: str) -> None:
    assert ast.literal_eval("{'kg': [1, -2.5, None]}") == {"kg": [1, -2.5, None]}
    with pytest.raises(ValueError, match=r"^malformed node or string"):
        ast.literal_eval(text)


def test_each_of_them_works_in_the_demonstration() -> None:
    floats = {name: float(value) for name, value in NAMES.items()}
    assert evaluate_without_builtins(FORMULA, floats) == 8.4
    assert evaluate_without_underscores(FORMULA, floats) == 8.4
    assert compile_formula(FORMULA, *floats)(**floats) == 8.4


def test_an_empty_builtins_does_stop_the_attack_of_the_textbook() -> None:
    with pytest.raises(NameError, match="open"):
        evaluate_without_builtins("open('pwned', 'w')", {})


def test_an_empty_builtins_is_refilled_from_any_object_at_hand(
    attack: Attack, observe: Observe
) -> None:
    attack.sent(ESCAPE)
    evaluate_without_builtins(ESCAPE, {})
    assert pwned()
    observe("the formula called open('pwned', 'w')")
    attack.happened("the formula found open() and made a file")
    Path("pwned").unlink()
    with pytest.raises(FormulaError) as refused:
        evaluate(ESCAPE, {})
    assert not pwned()
    attack.now(str(refused.value)[:40] + "…")


def test_the_parser_makes_the_underscores_that_the_check_did_not_find(
    attack: Attack, observe: Observe
) -> None:
    with pytest.raises(AvoidFormulaError):
        evaluate_without_underscores(ESCAPE, {})
    attack.sent(f"{DISGUISED[12:50]}…, each second underscore U+FF3F")
    assert "__" not in DISGUISED
    evaluate_without_underscores(DISGUISED, {})
    assert pwned()
    observe("the formula called open('pwned', 'w')")
    attack.happened("the formula found open() and made a file")
    Path("pwned").unlink()
    with pytest.raises(FormulaError):
        evaluate(DISGUISED, {})
    assert not pwned()
    attack.now("FormulaError: not allowed in a formula")


def test_a_line_break_ends_the_function_and_the_rest_runs_at_once(
    observe: Observe,
) -> None:
    compile_formula(LINE_BREAK)
    assert pwned()
    observe("open('pwned', 'w') ran before anybody asked for a fee")
