"""What calling gives, what awaiting gives, and what may be awaited."""

import asyncio
from collections.abc import Awaitable
from typing import assert_type, reveal_type

from snippets.typesystem.awaitables import Offer, offer, together, within


async def price(sku: str) -> int:
    """Find a price; what is declared is what ``await`` gives."""
    return await asyncio.sleep(0, 100 * len(sku))


async def called_and_awaited() -> None:
    """Call an ``async def``, then await it."""
    question = price("A1")
    # mypy reveals: Coroutine[Any, Any, int]
    # pyright reveals: CoroutineType[Any, Any, int]
    answer = await reveal_type(question)
    # reveals: int
    reveal_type(answer)
    assert_type(await offer("A1", price, price), Offer)


async def all_of_them_are_awaitable() -> None:
    """Pass a coroutine, a task, a future, and what only promises ``__await__``."""
    assert_type(await within(1, price("A1"), 0), int)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(price("A1"))
        # reveals: Task[int]
        assert_type(await within(1, reveal_type(task), 0), int)
        # reveals: Future[int]
        assert_type(await within(1, reveal_type(asyncio.shield(task)), 0), int)


async def a_task_wants_a_coroutine(answer: Awaitable[int]) -> None:
    """Make a coroutine of an awaitable by passing it to an ``async def``."""
    question = within(1, answer, None)
    # mypy reveals: Coroutine[Any, Any, int | None]
    # pyright reveals: CoroutineType[Any, Any, int | None]
    answers = await together(reveal_type(question))
    # reveals: list[int | None]
    reveal_type(answers)
