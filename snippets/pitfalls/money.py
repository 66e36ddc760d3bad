"""Tax a bill and share it out to the cent."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

CENT: Final = Decimal("0.01")
VAT_RATE: Final = Decimal("0.21")


class AmountError(ValueError):
    """The text is no amount in whole cents."""


def amount(text: str) -> Decimal:
    """Read an amount as a person or another system wrote it.

    Args:
        text: Digits with at most two that count after the point, such as ``"12.5"``.

    Returns:
        The same amount with two places.

    Raises:
        AmountError: If it is no finite number, or finer than a cent.
    """
    try:
        value = Decimal(text)
        exact = value.quantize(CENT)
    except InvalidOperation:
        message = f"{text!r} is no amount"
        raise AmountError(message) from None
    if exact != value:  # NaN differs from everything, also from itself
        message = f"{text!r} is no whole number of cents"
        raise AmountError(message)
    return exact


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts; none at all make 0.00."""
    return sum(amounts, start=Decimal("0.00"))


def vat(net: Decimal) -> Decimal:
    """Compute the tax on a net amount.

    Args:
        net: The amount without tax; negative in a credit note.

    Returns:
        The tax, rounded once. Half a cent goes away from zero, so that a credit note
        cancels its invoice, and anyone with a pencil gets the same.

    Examples:
        >>> vat(amount("0.50")), vat(amount("-0.50"))
        (Decimal('0.11'), Decimal('-0.11'))
    """
    return (net * VAT_RATE).quantize(CENT, rounding=ROUND_HALF_UP)


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
        ValueError: If the weights say nothing, or the amount has parts of a cent.

    Examples:
        >>> split(amount("100.00"), [1, 1, 1])
        [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    """
    if not any(weights) or min(weights) < 0:
        message = f"weights must not be negative, nor all zero: {weights}"
        raise ValueError(message)
    cents, finer = divmod(abs(whole), CENT)
    if finer:
        message = f"not in whole cents: {whole}"
        raise ValueError(message)
    weight_of_all = sum(weights)
    shares = [divmod(int(cents) * weight, weight_of_all) for weight in weights]
    parts = [part for part, _ in shares]
    by_loss = sorted(range(len(shares)), key=lambda at: -shares[at][1])
    for at in by_loss[: int(cents) - sum(parts)]:
        parts[at] += 1
    sign = -1 if whole < 0 else 1
    return [sign * part * CENT for part in parts]
