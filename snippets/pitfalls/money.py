"""Tax a bill and share it out to the cent."""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import reduce
from typing import Final

CENT: Final = Decimal("0.01")
VAT_RATE: Final = Decimal("0.21")
LIMIT: Final = Decimal(10) ** 12  # no amount is as large

# Of our own: the current context is the caller's, and may have four digits.
MONEY: Final = Context(prec=50, rounding=ROUND_HALF_EVEN)

_AMOUNT: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")


class AmountError(ValueError):
    """A text or a number is no amount in whole cents."""


def amount(text: str) -> Decimal:
    """Read an amount as another system wrote it.

    Args:
        text: At most twelve digits, then a point and one or two digits or nothing.
            ``1.000`` is refused: to some people it is a thousand.

    Returns:
        The same amount with two places.

    Raises:
        AmountError: If the text has another form.
    """
    if _AMOUNT.fullmatch(text) is None:
        raise AmountError(f"{text[:40]!r} is no amount")
    return _exact(Decimal(text))


def _exact(value: Decimal) -> Decimal:
    """Give a value two places; refuse what is finer, not finite or too large."""
    if value.is_finite() and -LIMIT < value < LIMIT:
        exact = MONEY.plus(MONEY.quantize(value, CENT))  # plus: -0.00 becomes 0.00
        if exact == value:
            return exact
    raise AmountError(f"{str(value)[:40]} is no whole number of cents")


def vat(net: Decimal) -> Decimal:
    """Compute the tax on a net amount.

    Args:
        net: The amount without tax; negative in a credit note.

    Returns:
        The tax, rounded once. Half a cent goes away from zero, so that a credit note
        cancels its invoice, and anyone with a pencil gets the same.

    Raises:
        AmountError: If the net is no amount in whole cents.

    Examples:
        >>> vat(amount("0.50")), vat(amount("-0.50"))
        (Decimal('0.11'), Decimal('-0.11'))
    """
    # --8<-- [start:answer]
    tax = MONEY.multiply(_exact(net), VAT_RATE)
    return MONEY.plus(tax.quantize(CENT, rounding=ROUND_HALF_UP, context=MONEY))
    # --8<-- [end:answer]


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts; none at all make 0.00.

    Raises:
        AmountError: If one of them is no amount in whole cents.
    """
    return reduce(MONEY.add, map(_exact, amounts), Decimal("0.00"))


def split(whole: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Share an amount out in proportion, losing and inventing nothing.

    Each part is rounded down; the cents left over go to the parts that lost most, the
    earlier one first where they lost the same.

    Args:
        whole: An amount in whole cents; negative in a credit note.
        weights: What each part is in proportion to: none negative, some positive.

    Returns:
        The parts in the order of the weights; their sum is the whole.

    Raises:
        AmountError: If the whole is no amount in whole cents.
        ValueError: If the weights say nothing.

    Examples:
        >>> split(amount("100.00"), [1, 1, 1])
        [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    """
    if not any(weights) or min(weights) < 0:
        raise ValueError("weights must not be negative, nor all zero")
    signed = int(MONEY.divide(_exact(whole), CENT))
    cents, weight_of_all = abs(signed), sum(weights)
    shares = [divmod(cents * weight, weight_of_all) for weight in weights]
    parts = [part for part, _ in shares]
    by_loss = sorted(range(len(shares)), key=lambda at: -shares[at][1])
    for at in by_loss[: cents - sum(parts)]:
        parts[at] += 1
    sign = -1 if signed < 0 else 1
    return [MONEY.multiply(Decimal(sign * part), CENT) for part in parts]
