"""Freight: what an order weighs when it is packed, and what is charged for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Charge:
    """A line of the freight bill.

    Attributes:
        label: What it is for.
        cents: How much it is.
    """

    label: str
    cents: int


@dataclass(frozen=True, slots=True)
class Toll(Charge):
    """What a road costs.

    Attributes:
        road: The road's number.
    """

    road: str


# --8<-- [start:answer]
HANDLING = Charge("handling", 250)


def billed(charges: Sequence[Charge]) -> list[Charge]:
    """Add our own charge to the carrier's, in a list for the caller to keep."""
    return [*charges, HANDLING]


# --8<-- [end:answer]


def packed(kilos: Mapping[str, float], packaging: float) -> dict[str, float]:
    """Weigh articles with their packaging.

    Args:
        kilos: The bare weight of each article.
        packaging: What the packaging of one weighs, in kg.

    Returns:
        The gross weight of each article, in a dictionary of the caller's own.

    Raises:
        OverflowError: If a whole number of kg is too large for a float.

    Examples:
        >>> whole_kilos = {"anvil": 60, "bellows": 4}
        >>> packed(whole_kilos, 0.5)
        {'anvil': 60.5, 'bellows': 4.5}
        >>> whole_kilos
        {'anvil': 60, 'bellows': 4}
    """
    return {article: bare + packaging for article, bare in kilos.items()}


def heaviest[Article](kilos: Mapping[Article, float]) -> Article:
    """Find the article that needs the strongest crate.

    Args:
        kilos: The weight of each article, which is a number (a NaN has no order).

    Returns:
        The article, the first of equals.

    Raises:
        ValueError: If there is no article.
    """
    if not kilos:
        raise ValueError("no article to compare")
    return max(kilos, key=lambda article: kilos[article])
