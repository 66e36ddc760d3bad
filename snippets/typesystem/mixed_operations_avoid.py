"""Price an order form in whatever type each value happens to have."""

from collections.abc import Sequence
from decimal import Decimal


# --8<-- [start:answer]
def with_spare(quantity: str) -> str:
    # expect: mypy[operator] pyright[reportOperatorIssue]
    # expect: test[text_and_a_number_do_not_add_up]
    return f"{quantity + 1} gloves"


def with_freight(total: Decimal, freight: float) -> str:
    # expect: mypy[operator] pyright[reportOperatorIssue]
    # expect: test[a_decimal_and_a_float_do_not_add_up]
    return f"{total + freight} EUR"


# --8<-- [end:answer]


def with_wrapping(total: Decimal, wrapping: Decimal | None) -> str:
    # expect: mypy[operator] pyright[reportOptionalOperand]
    # expect: test[nothing_and_an_amount_do_not_add_up]
    return f"{wrapping + total} EUR"


def total(prices: Sequence[Decimal | float]) -> Decimal | float:
    # expect: test[a_sum_of_both_kinds_passes_both_checkers_and_raises]
    return sum(prices)


def in_pairs(quantity: str) -> str:
    # expect: test[text_times_a_number_repeats_the_text]
    return f"{quantity * 2} gloves"


def is_paid(due: Decimal, paid: float) -> bool:
    # expect: test[whoever_paid_to_the_cent_still_owes]
    return paid >= due


def is_free(price: Decimal, text: str) -> bool:
    # expect: test[an_amount_equals_no_text_whatever_it_says]
    return price == text


def with_discount(total: Decimal) -> Decimal:
    # expect: ruff[RUF032]
    # expect: test[a_decimal_made_of_a_float_literal_keeps_its_error]
    return total - total * Decimal(0.1)


def read_price(text: str) -> Decimal:
    # expect: test[a_decimal_made_of_a_float_that_was_read_keeps_its_error]
    return Decimal(float(text))
