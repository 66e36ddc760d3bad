"""What an operation on numbers gives, and what of it is a surprise."""

from collections.abc import Sequence
from decimal import Decimal
from typing import reveal_type


def an_int_and_a_decimal(quantity: int, price: Decimal) -> Decimal:
    """An `int` goes into a `Decimal` without loss, so that they may mix."""
    # reveals: Decimal
    return reveal_type(quantity * price)


def two_ints(cents: int, people: int) -> float:
    """`/` gives a `float`, also where the result is whole."""
    # reveals: float
    return reveal_type(cents / people)


def a_sum_without_a_start(prices: Sequence[Decimal]) -> bool:
    """The sum of nothing is what `sum` starts with, an `int`."""
    # reveals: Decimal | Literal[0]
    return reveal_type(sum(prices)) == 0


def a_sum_of_both_kinds(prices: Sequence[Decimal | float]) -> bool:
    """Each item adds to the `int` at the start; nobody asks whether they add up."""
    # reveals: Decimal | float | Literal[0]
    return reveal_type(sum(prices)) == 0


def a_text_and_an_int(quantity: str, factor: int) -> str:
    """`*` is defined for text as well, and repeats it."""
    # reveals: str
    return reveal_type(quantity * factor)


def an_int_where_a_float_is_asked(weight_kg: float = 2) -> float:
    """A checker takes an `int` for a `float`; a `Decimal` it doesn't."""
    # reveals: float
    return reveal_type(weight_kg)
