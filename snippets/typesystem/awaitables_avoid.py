"""Make an offer, and await too little, too much or the wrong thing."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any


async def price(sku: str) -> int:
    return await asyncio.sleep(0, 100 * len(sku))


async def stock(sku: str) -> int:
    return await asyncio.sleep(0, len(sku))


async def offer_unawaited(sku: str) -> str:
    # expect: mypy[comparison-overlap] pyright[reportUnnecessaryComparison]
    # expect: test[a_coroutine_is_never_zero_and_what_is_sold_out_is_offered]
    return "sold out" if stock(sku) == 0 else f"{await price(sku)} cents"


async def label_unawaited(sku: str) -> str:
    cents = await price(sku)
    # expect: test[an_f_string_takes_a_coroutine_as_well]
    return f"{cents} cents, {stock(sku)} left"


# expect: ruff[RUF029]
async def stock_twice_wrapped(sku: str) -> Awaitable[int]:
    # expect: test[an_async_function_that_returns_an_awaitable_has_to_be_awaited_twice]
    return stock(sku)


# --8<-- [start:answer]
async def together_of_anything(*questions: Awaitable[int]) -> list[int]:
    async with asyncio.TaskGroup() as group:
        # expect: mypy[arg-type]
        # expect: pyright[reportArgumentType] pyright[reportUnknownVariableType]
        # expect: test[a_task_group_refuses_a_future]
        tasks: list[asyncio.Task[int]] = [group.create_task(each) for each in questions]
    return [task.result() for task in tasks]


# --8<-- [end:answer]


async def within_narrowly(seconds: float, answer: Coroutine[Any, Any, int]) -> int:
    async with asyncio.timeout(seconds):
        return await answer


async def price_of_task(task: asyncio.Task[int]) -> int:
    # expect: mypy[arg-type] pyright[reportArgumentType]
    # expect: test[a_task_that_both_checkers_refuse_is_awaited_all_the_same]
    return await within_narrowly(2, task)


async def again[T](answer: Awaitable[T]) -> T:
    try:
        return await answer
    except ConnectionError:
        # expect: test[a_coroutine_can_not_be_awaited_again]
        return await answer
