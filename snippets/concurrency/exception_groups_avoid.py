"""Send the stock to every shop, and lose some of the failures."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol


class UnreachableError(Exception):
    def __init__(self, shop: str, message: str) -> None:
        super().__init__(f"{shop}: {message}")
        self.shop = shop


class Shop(Protocol):
    async def push(self, stock: int) -> None: ...


async def push_stock(shops: Iterable[Shop], stock: int) -> None:
    outcomes = await asyncio.gather(
        *(shop.push(stock) for shop in shops), return_exceptions=True
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors:
        message = f"{len(errors)} of {len(outcomes)} shops failed"
        raise BaseExceptionGroup(message, errors)


async def push_first_error(shops: Iterable[Shop], stock: int) -> None:
    outcomes = await asyncio.gather(
        *(shop.push(stock) for shop in shops), return_exceptions=True
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors:
        # expect: test[whoever_raises_the_first_error_hides_the_others]
        raise errors[0]


async def retry_by_plain_except(
    shops: Iterable[Shop], stock: int, retry: Callable[[list[str]], None]
) -> None:
    try:
        await push_stock(shops, stock)
    # expect: test[a_plain_except_does_not_look_into_the_group]
    except UnreachableError as error:
        retry([error.shop])


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
