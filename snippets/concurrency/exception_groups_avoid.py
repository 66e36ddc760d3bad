"""Send the stock to every shop, and lose some of the failures."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

log = logging.getLogger(__name__)

PUSH_SECONDS = 10


class ShopError(Exception):
    def __init__(self, shop: str, message: str) -> None:
        super().__init__(f"{shop}: {message}")
        self.shop = shop


class UnreachableError(ShopError):
    pass


class RejectedError(ShopError):
    pass


class Shop(Protocol):
    @property
    def name(self) -> str: ...

    async def push(self, stock: int) -> None: ...


async def push_stock(shops: Iterable[Shop], stock: int) -> None:
    errors = await _push_all(shops, stock)
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} shops failed", errors)


async def push_first_error(shops: Iterable[Shop], stock: int) -> None:
    errors = await _push_all(shops, stock)
    if errors:
        # expect: test[whoever_raises_the_first_error_hides_the_others]
        raise errors[0]


async def retry_by_plain_except(
    shops: Iterable[Shop], stock: int, retry: Callable[[list[str]], None]
) -> None:
    # --8<-- [start:answer]
    try:
        await push_stock(shops, stock)
    # expect: test[a_plain_except_does_not_look_into_the_group]
    except UnreachableError as error:
        retry([error.shop])
    except RejectedError as error:
        log.warning("stock rejected by %s", error.shop)
    # --8<-- [end:answer]


async def retry_by_hand(
    shops: Iterable[Shop], stock: int, retry: Callable[[list[str]], None]
) -> None:
    try:
        await push_stock(shops, stock)
    except ExceptionGroup as group:
        for error in group.exceptions:
            # expect: test[sorting_by_hand_swallows_what_it_did_not_expect]
            # expect: test[sorting_by_hand_misses_a_group_inside_the_group]
            if isinstance(error, UnreachableError):
                retry([error.shop])
            elif isinstance(error, RejectedError):
                log.warning("stock rejected by %s", error.shop)


async def _push_all(shops: Iterable[Shop], stock: int) -> list[BaseException]:
    if stock < 0:
        raise ValueError(f"a stock of {stock} can't be")
    outcomes = await asyncio.gather(
        *(_push(shop, stock) for shop in shops), return_exceptions=True
    )
    return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]


async def _push(shop: Shop, stock: int) -> None:
    try:
        async with asyncio.timeout(PUSH_SECONDS):
            await shop.push(stock)
    except TimeoutError as error:
        raise UnreachableError(shop.name, "no answer") from error
