"""Send the stock to every shop, and sort the failures by what is to be done."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

log = logging.getLogger(__name__)

PUSH_SECONDS = 10


class ShopError(Exception):
    """A shop did not take the stock.

    Attributes:
        shop: The shop's name.
    """

    def __init__(self, shop: str, message: str) -> None:
        """Describe what happened.

        Args:
            shop: The shop's name.
            message: What the shop answered, if it did.
        """
        super().__init__(f"{shop}: {message}")
        self.shop = shop


class UnreachableError(ShopError):
    """The shop does not answer: it is tried again later."""


class RejectedError(ShopError):
    """The shop refuses the data: somebody has to look at it."""


class Shop(Protocol):
    """Somewhere the articles are sold."""

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        ...

    async def push(self, stock: int) -> None:
        """Tell the shop how many there are."""
        ...


async def push_stock(shops: Iterable[Shop], stock: int) -> None:
    """Tell every shop at once how many articles there are.

    Args:
        shops: Whom to tell; one that is silent for ``PUSH_SECONDS`` is unreachable.
        stock: How many there are.

    Raises:
        ValueError: If the number is negative.
        BaseExceptionGroup: If shops failed, once all were tried: every failure.
    """
    if stock < 0:
        raise ValueError(f"a stock of {stock} can't be")
    outcomes = await asyncio.gather(
        *(_push(shop, stock) for shop in shops), return_exceptions=True
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors:
        message = f"{len(errors)} of {len(outcomes)} shops failed"
        raise BaseExceptionGroup(message, errors)  # an ExceptionGroup if it can be


async def _push(shop: Shop, stock: int) -> None:
    """Tell one shop, and don't wait for ever."""
    try:
        async with asyncio.timeout(PUSH_SECONDS):
            await shop.push(stock)
    except TimeoutError as error:
        raise UnreachableError(shop.name, "no answer") from error


async def push_or_retry(
    shops: Iterable[Shop], stock: int, retry: Callable[[list[str]], None]
) -> None:
    """Tell every shop, and take care of the failures that are known.

    Args:
        shops: Whom to tell.
        stock: How many there are.
        retry: Takes the names of the shops that are to be tried again.

    Raises:
        ValueError: If the number is negative.
        BaseExceptionGroup: The failures of any other kind.
        Exception: What ``retry`` raises: alone, or in a group beside those failures.
    """
    # --8<-- [start:answer]
    try:
        await push_stock(shops, stock)
    except* UnreachableError as group:
        # Acted upon here: what no clause takes is raised when all of them have run.
        retry(list(shops_in(group)))
    except* RejectedError as group:
        log.warning("stock rejected by %s", ", ".join(shops_in(group)))
    # --8<-- [end:answer]


def shops_in(group: ExceptionGroup[ShopError]) -> Iterator[str]:
    """Name the shops that failed, also those in a group inside the group.

    Args:
        group: The failures.

    Yields:
        The shop of each failure, in the group's order.

    Raises:
        RecursionError: If groups are nested about a thousand deep.

    Examples:
        >>> bath = ShopError("bath", "no answer")
        >>> north = ExceptionGroup("north", [ShopError("york", "no answer")])
        >>> try:
        ...     raise ExceptionGroup("all", [bath, north])
        ... except* ShopError as failed:
        ...     print(list(shops_in(failed)))
        ['bath', 'york']
    """
    for error in group.exceptions:
        if isinstance(error, ShopError):
            yield error.shop
        else:
            yield from shops_in(error)
