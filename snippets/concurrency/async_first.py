"""Quote a basket: wait for all prices together, then compute."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

type FetchPrice = Callable[[str], Coroutine[Any, Any, Decimal]]


class Line(NamedTuple):
    """An article in a basket.

    Attributes:
        sku: The article's number; a gift's begins with ``GIFT-``.
        quantity: How many of it.
    """

    sku: str
    quantity: int


def is_gift(line: Line) -> bool:
    """Tell whether a line is free of charge.

    Args:
        line: The line.

    Returns:
        Whether no price is needed for it.
    """
    return line.sku.startswith("GIFT-")


async def quote(lines: Sequence[Line], fetch_price: FetchPrice) -> Decimal:
    """Say what a basket costs today.

    Args:
        lines: The basket.
        fetch_price: Waits for the price of an article.

    Returns:
        The sum.

    Raises:
        ValueError: If a quantity is below 1.
        ExceptionGroup: If a price can't be fetched. The other waits are cancelled.
    """
    # --8<-- [start:answer]
    async with asyncio.TaskGroup() as group:
        fetched = {
            sku: group.create_task(fetch_price(sku))
            for sku in {line.sku for line in lines if not is_gift(line)}
        }
    return total(lines, {sku: task.result() for sku, task in fetched.items()})
    # --8<-- [end:answer]


def total(lines: Iterable[Line], prices: Mapping[str, Decimal]) -> Decimal:
    """Add up what a basket costs.

    Args:
        lines: The basket.
        prices: The price of each article in it that is no gift.

    Returns:
        The sum.

    Raises:
        ValueError: If a quantity is below 1.
        KeyError: If a price is missing.

    Examples:
        >>> from decimal import Decimal
        >>> total([Line("TEA", 3), Line("GIFT-CUP", 1)], {"TEA": Decimal("4.50")})
        Decimal('13.50')
    """
    cost = Decimal(0)
    for line in lines:
        if line.quantity < 1:
            raise ValueError(f"{line.quantity} of {line.sku}")
        if not is_gift(line):
            cost += line.quantity * prices[line.sku]
    return cost
