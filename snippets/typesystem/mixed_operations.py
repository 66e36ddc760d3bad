"""Price an order form: text and measurements become amounts at the edge."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
LIGHTEST_KG: Final = 0.001
HEAVIEST_KG: Final = 1000.0
DEAREST: Final = Decimal(10_000)
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,5}")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")


class FormError(ValueError):
    """A field of the form can't be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order: no text, no float, no ``None``.

    Attributes:
        quantity: How many pieces.
        price: What one piece costs.
        wrapping: What the gift paper costs; 0 without any.
    """

    quantity: int
    price: Decimal
    wrapping: Decimal


def read_line(form: Mapping[str, str]) -> Line:
    """Read a line as a browser sends it.

    Args:
        form: The fields by name. Gift paper may be missing or left empty.

    Raises:
        FormError: If a field is missing or no number of its kind, or no piece is asked.

    Examples:
        >>> read_line({"quantity": "3", "price": "19.90"})
        Line(quantity=3, price=Decimal('19.90'), wrapping=Decimal('0'))
    """
    # --8<-- [start:answer]
    return Line(
        quantity=int(_field(form, "quantity", _WHOLE)),
        price=Decimal(_field(form, "price", _AMOUNT)),
        wrapping=Decimal(_field(form, "wrapping", _AMOUNT, default="0")),
    )
    # --8<-- [end:answer]


def total(lines: Iterable[Line]) -> Decimal:
    """Add up what is ordered; nothing costs 0.00.

    The sum is exact up to 28 digits, in Python's default decimal context.
    """
    return sum(
        (line.quantity * line.price + line.wrapping for line in lines),
        start=Decimal("0.00"),
    )


def freight(weight_kg: float, per_kg: Decimal) -> Decimal:
    """Price a measured weight, rounded once; the least price is a cent.

    Args:
        weight_kg: What the scales say; they are good to a gram.
        per_kg: What a kilogram costs.

    Raises:
        ValueError: If it is no weight that we carry, or no price of a kilogram.
    """
    if not LIGHTEST_KG <= weight_kg <= HEAVIEST_KG:  # NaN is neither
        raise ValueError("no weight that we carry")
    if not (per_kg.is_finite() and 0 < per_kg <= DEAREST):
        raise ValueError("no price of a kilogram")
    exact = Decimal(f"{weight_kg:.3f}")  # the digits that the scales vouch for
    return max(CENT, (exact * per_kg).quantize(CENT, rounding=ROUND_HALF_UP))


def _field(
    form: Mapping[str, str], name: str, kind: re.Pattern[str], *, default: str = ""
) -> str:
    """Give the text of a field, if it is of its kind."""
    text = form.get(name, "").strip() or default
    if not kind.fullmatch(text):
        raise FormError(f"{name} can't be {text[:20]!r}")
    return text
