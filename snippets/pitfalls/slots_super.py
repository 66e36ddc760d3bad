"""Ledger entries with slots, whose subclasses add to the checks of their base."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import override


def masked[T](text: Callable[[T], str]) -> Callable[[T], str]:
    """Hide all but the last four digits in a method's text, however they are grouped.

    Args:
        text: The method whose text is shown to people.

    Returns:
        A method that gives the same text, masked.
    """

    @wraps(text)
    def shown(self: T) -> str:
        return re.sub(r"\d(?=(?:\D*\d){4})", "*", text(self))

    return shown


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement of money on an account.

    Attributes:
        account: The account's number.
        cents: The amount, greater than zero.
    """

    account: str
    cents: int

    def __post_init__(self) -> None:
        """Refuse an amount that moves nothing.

        Raises:
            ValueError: If the amount is not positive.
        """
        if self.cents <= 0:
            raise ValueError(f"{self.cents} cents: must be more than 0")

    @property
    def memo(self) -> str:
        """What the statement says about the entry."""
        return f"account {self.account}"


@dataclass(frozen=True, slots=True)
class Refund(Entry):
    """Money given back.

    Attributes:
        charged_cents: What the customer had paid.

    Examples:
        >>> Refund("20250017", cents=500, charged_cents=2000).memo
        'refund to account ****0017'
    """

    charged_cents: int

    @override
    def __post_init__(self) -> None:
        """Check against the charge, then as any entry.

        Raises:
            ValueError: If more is given back than was paid, or nothing at all.
        """
        # --8<-- [start:answer]
        if self.cents > self.charged_cents:
            raise ValueError(f"{self.cents} cents: only {self.charged_cents} were paid")
        # named, not `super()`: the cell behind that may hold the class without slots
        super(Refund, self).__post_init__()
        # --8<-- [end:answer]

    @property
    @masked
    @override
    def memo(self) -> str:
        """What the statement says, fit to be shown."""
        return f"refund to {super(Refund, self).memo}"
