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


HANDLING = Charge("handling", 250)


def packed(kilos: Mapping[str, float], packaging: float) -> dict[str, float]:
    """Weigh articles with their packaging.

    Args:
        kilos: The bare weight of each article.
        packaging: What the packaging of one weighs, in kg.

    Returns:
        The gross weight of each article, in a dictionary of the caller's own.

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
        kilos: The weight of each article, by whatever names an article.

    Returns:
        The article, the first of equals.

    Raises:
        ValueError: If there is none.
    """
    if not kilos:
        raise ValueError("no article to compare")
    return max(kilos, key=lambda article: kilos[article])


def billed(charges: Sequence[Charge]) -> list[Charge]:
    """Complete a bill.

    Args:
        charges: What the carrier asks for, in the bill's order.

    Returns:
        These and our own charge, for the caller to add to.
    """
    return [*charges, HANDLING]
