import json
from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError
from decimal import Decimal, FloatOperation, InvalidOperation, localcontext
from math import inf, isnan, nan

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from snippets.typesystem import mixed_operations_avoid as avoid
from snippets.typesystem.mixed_operations import (
    FormError,
    Line,
    freight,
    read_line,
    total,
)
from snippets.typesystem.mixed_operations_types import (
    a_sum_of_both_kinds,
    a_sum_without_a_start,
    a_text_and_an_int,
    an_int_and_a_decimal,
    an_int_where_a_float_is_asked,
    two_ints,
)

steady = settings(derandomize=True, database=None, deadline=None, max_examples=40)
GLOVES = {"quantity": "3", "price": "19.90"}
RATE = Decimal("1.25")


def test_a_line_holds_numbers_and_no_text() -> None:
    line = read_line(GLOVES | {"wrapping": "2.5"})
    assert line == Line(3, Decimal("19.90"), Decimal("2.50"))
    assert [type(each) for each in (line.quantity, line.price, line.wrapping)] == [
        int,
        Decimal,
        Decimal,
    ]


@pytest.mark.parametrize("form", [GLOVES, GLOVES | {"wrapping": " "}])
def test_without_gift_paper_a_line_says_zero_and_not_none(
    form: Mapping[str, str],
) -> None:
    assert read_line(form) == Line(3, Decimal("19.90"), Decimal(0))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("quantity", "0"),
        ("quantity", "007"),
        ("quantity", "1_000"),
        ("quantity", "٣"),  # a digit to int()
        ("quantity", "-1"),
        ("quantity", "+1"),
        ("quantity", "2.0"),
        ("quantity", "1234567"),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", "1e3"),
        ("price", "19,90"),
        ("price", "19.905"),
        ("price", "19."),
        ("price", "1234567890"),
        ("wrapping", "free"),
    ],
)
def test_a_form_takes_less_than_int_and_decimal_would(name: str, text: str) -> None:
    with pytest.raises(FormError) as refused:
        read_line(GLOVES | {name: text})
    assert str(refused.value) == f"{name} can't be {text!r}"
    assert isinstance(refused.value, ValueError)


def test_of_a_long_field_twenty_characters_are_told() -> None:
    with pytest.raises(FormError) as refused:
        read_line(GLOVES | {"price": "9" * 1_000_000})
    assert str(refused.value) == f"price can't be {'9' * 20!r}"


@pytest.mark.parametrize("name", ["quantity", "price"])
def test_a_missing_number_is_named_and_not_taken_for_zero(name: str) -> None:
    with pytest.raises(FormError) as refused:
        read_line({other: text for other, text in GLOVES.items() if other != name})
    assert str(refused.value) == f"{name} can't be ''"


@pytest.mark.parametrize("price", ["0", "999999999.99", " 7.5 "])
@pytest.mark.parametrize("quantity", ["1", "999999"])
def test_the_largest_and_the_smallest_form_are_read(price: str, quantity: str) -> None:
    form = {"quantity": quantity, "price": price}
    assert read_line(form) == Line(int(quantity), Decimal(price.strip()), Decimal(0))


def test_a_line_is_a_value() -> None:
    line = read_line(GLOVES)
    with pytest.raises(FrozenInstanceError):
        # ignored because it is the claim: each checker reports the assignment
        line.quantity = 4  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(line, "__dict__")


@pytest.mark.parametrize(
    ("lines", "sum_of_all"),
    [
        ((), "0.00"),
        ((Line(3, Decimal("0.10"), Decimal(0)),), "0.30"),
        (
            (
                Line(2, Decimal("19.90"), Decimal("2.50")),
                Line(1, Decimal("0.05"), Decimal(0)),
            ),
            "42.35",
        ),
    ],
)
def test_a_total_is_exact(lines: tuple[Line, ...], sum_of_all: str) -> None:
    assert str(total(lines)) == sum_of_all


@pytest.mark.parametrize(
    ("weight_kg", "price"),
    [(0.1 + 0.2, "0.38"), (2.0, "2.50"), (2, "2.50"), (1000.0, "1250.00")],
)
def test_a_weight_is_priced_to_the_gram(weight_kg: float, price: str) -> None:
    assert str(freight(weight_kg, RATE)) == price


def test_half_a_cent_of_freight_goes_up_as_the_scales_say_it() -> None:
    assert freight(0.020, RATE) == Decimal("0.03")
    assert freight(0.0196, RATE) == freight(0.0204, RATE) == Decimal("0.03")


def test_less_than_half_a_cent_of_freight_goes_down() -> None:
    assert str(freight(1.003, RATE)) == "1.25"


@pytest.mark.parametrize("weight_kg", [0.001, 0.011])
def test_no_weight_is_carried_for_nothing(weight_kg: float) -> None:
    assert str(freight(weight_kg, RATE)) == "0.01"


@pytest.mark.parametrize(
    "weight_kg",
    [0.0, -0.0, -0.001, 0.0004, 0.0009, 1000.001, 10**400, -(10**400), inf, -inf, nan],
)
def test_what_is_no_weight_is_not_priced(weight_kg: float) -> None:
    with pytest.raises(ValueError, match=r"^no weight that we carry$"):
        freight(weight_kg, RATE)


@pytest.mark.parametrize(
    "per_kg", ["0", "-0", "-1.25", "10000.01", "1E+30", "Infinity", "NaN", "sNaN"]
)
def test_what_is_no_price_of_a_kilogram_is_refused(per_kg: str) -> None:
    with pytest.raises(ValueError, match=r"^no price of a kilogram$"):
        freight(1.0, Decimal(per_kg))


def test_the_dearest_kilogram_is_priced() -> None:
    assert str(freight(1000.0, Decimal(10_000))) == "10000000.00"


def test_a_narrower_context_of_the_caller_rounds_a_total() -> None:
    lines = (Line(1, Decimal("1000.05"), Decimal(0)),)
    assert str(total(lines)) == "1000.05"
    with localcontext(prec=4):
        assert str(total(lines)) == "1000"


@steady
@given(st.integers(1, 10**6))
@example(1)
@example(10**6)
def test_a_measured_number_of_grams_survives_its_float(grams: int) -> None:
    assert freight(grams / 1000, Decimal(1000)) == grams


@steady
@given(st.integers(-(10**9), 10**9), st.integers(-(10**11), 10**11))
def test_an_int_meets_a_decimal_without_loss(count: int, cents: int) -> None:
    product = an_int_and_a_decimal(count, Decimal(cents) / 100)
    assert product * 100 == count * cents


def test_numbers_are_at_run_time_what_the_checkers_say() -> None:
    assert type(an_int_and_a_decimal(3, Decimal("0.10"))) is Decimal
    assert two_ints(700, 7) == 100
    assert type(two_ints(700, 7)) is float
    assert a_text_and_an_int("3", 2) == "33"


def test_a_sum_of_nothing_is_the_int_it_starts_with() -> None:
    assert a_sum_without_a_start(())
    assert a_sum_of_both_kinds(())
    assert type(sum(list[Decimal]())) is int


def test_what_is_called_a_float_may_be_an_int() -> None:
    assert type(an_int_where_a_float_is_asked()) is int
    assert type(an_int_where_a_float_is_asked(2.0)) is float


def test_both_operands_of_an_addition_decline_before_python_raises() -> None:
    price, weight = Decimal("1.10"), 0.5
    assert vars(Decimal)["__add__"](price, weight) is NotImplemented
    assert vars(float)["__radd__"](weight, price) is NotImplemented


def test_a_comparison_takes_the_float_as_the_number_it_is() -> None:
    tenth = 0.1
    assert Decimal.__gt__(Decimal(tenth), Decimal("0.1"))
    assert Decimal("0.1") < tenth
    assert Decimal("0.5") == 1 / 2
    assert hash(Decimal("0.5")) == hash(1 / 2)


def test_the_trap_stops_conversion_and_order_but_not_equality() -> None:
    tenth = 0.1
    with localcontext() as strict:
        strict.traps[FloatOperation] = True
        with pytest.raises(FloatOperation):
            Decimal(tenth)
        with pytest.raises(FloatOperation):
            assert Decimal("0.1") < tenth
        assert Decimal("0.1") != tenth
        assert strict.flags[FloatOperation]


def test_int_and_decimal_read_more_than_a_form_means() -> None:
    assert (int("1_000"), int("٣"), int(" +7\n")) == (1000, 3, 7)
    assert [str(Decimal(each)) for each in ("1e3", "1_0.5", "-inf")] == [
        "1E+3",
        "10.5",
        "-Infinity",
    ]


def test_json_hands_its_digits_to_decimal_if_asked() -> None:
    row = json.loads('{"price": 19.90, "weight": NaN}', parse_float=Decimal)
    assert repr(row["price"]) == "Decimal('19.90')"
    assert isnan(row["weight"])


def test_a_start_makes_no_checker_ask_either() -> None:
    prices: Sequence[Decimal | float] = [Decimal("59.70"), 2.5]
    with pytest.raises(TypeError, match="unsupported operand"):
        sum(prices, start=Decimal("0.00"))


def test_text_and_a_number_do_not_add_up(observe: Observe) -> None:
    with pytest.raises(TypeError) as refused:
        avoid.with_spare("3")
    observe(refused.value)
    assert str(refused.value) == 'can only concatenate str (not "int") to str'


def test_a_decimal_and_a_float_do_not_add_up(observe: Observe) -> None:
    with pytest.raises(TypeError) as refused:
        avoid.with_freight(Decimal("59.70"), 2.5)
    observe(refused.value)
    assert str(refused.value) == (
        "unsupported operand type(s) for +: 'decimal.Decimal' and 'float'"
    )


def test_nothing_and_an_amount_do_not_add_up(observe: Observe) -> None:
    assert avoid.with_wrapping(Decimal("59.70"), Decimal("2.50")) == "62.20 EUR"
    with pytest.raises(TypeError) as refused:
        avoid.with_wrapping(Decimal("59.70"), None)
    observe(refused.value)
    assert str(refused.value) == (
        "unsupported operand type(s) for +: 'NoneType' and 'decimal.Decimal'"
    )


def test_a_sum_of_both_kinds_passes_both_checkers_and_raises(observe: Observe) -> None:
    assert avoid.total([Decimal("0.10"), Decimal("0.20")]) == Decimal("0.30")
    with pytest.raises(TypeError) as refused:
        avoid.total([Decimal("59.70"), 2.5])
    observe(refused.value)
    assert str(refused.value) == (
        "unsupported operand type(s) for +: 'decimal.Decimal' and 'float'"
    )


def test_text_times_a_number_repeats_the_text(observe: Observe) -> None:
    said = avoid.in_pairs("3")
    observe(f"3 pairs are {said}")
    assert said == "33 gloves"


def test_whoever_paid_to_the_cent_still_owes(observe: Observe) -> None:
    due, paid = Decimal("0.70"), 0.70
    observe(f"0.70 was due, and {Decimal(paid):.20f} came in")
    assert not avoid.is_paid(due, paid)
    assert avoid.is_paid(Decimal("0.50"), 0.50)


def test_an_amount_equals_no_text_whatever_it_says(observe: Observe) -> None:
    price = Decimal("0.00")
    observe(f'{price!r} == "0.00" is {avoid.is_free(price, "0.00")}')
    assert not avoid.is_free(price, str(price))


def test_a_decimal_made_of_a_float_literal_keeps_its_error(observe: Observe) -> None:
    price = avoid.with_discount(Decimal("19.90"))
    observe(f"19.90 less a tenth is {price}")
    assert price < Decimal("17.91")


def test_a_decimal_made_of_a_float_that_was_read_keeps_its_error(
    observe: Observe,
) -> None:
    price = avoid.read_price("19.90")
    observe(f"19.90 is read as {price:.20f}")
    assert price < Decimal("19.90")


def test_a_decimal_reads_nan_and_compares_it_only_for_equality() -> None:
    price = Decimal("NaN")
    assert price != price  # noqa: PLR0124 - the claim
    with pytest.raises(InvalidOperation):
        assert price < 1
