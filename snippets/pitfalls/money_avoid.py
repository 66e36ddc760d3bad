"""Tax a bill and share it out, and miss by a cent."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")


def amount(text: str) -> float:
    return float(text)


# --8<-- [start:answer]
def vat(net: float) -> float:
    # expect: test[rounding_a_float_misses_a_cent_of_tax]
    return round(net * 0.21, 2)


def vat_from_a_float_rate(net: Decimal) -> Decimal:
    # expect: ruff[RUF032]
    # expect: test[a_decimal_made_of_a_float_misses_the_same_cent]
    return (net * Decimal(0.21)).quantize(CENT, rounding=ROUND_HALF_UP)


# --8<-- [end:answer]


def total(amounts: Iterable[float]) -> float:
    # expect: test[ten_cents_and_twenty_are_more_than_thirty]
    return sum(amounts)


def split(whole: float, weights: Sequence[int]) -> list[float]:
    # expect: test[rounding_every_part_alike_loses_a_cent]
    # expect: test[rounding_every_part_alike_can_invent_a_cent]
    return [round(whole * weight / sum(weights), 2) for weight in weights]
