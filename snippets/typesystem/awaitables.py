"""Make an offer from what two services answer in time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

PATIENCE = 0.5  # seconds

type Ask = Callable[[str], Awaitable[int]]


# --8<-- [start:answer]
async def together[T](*questions: Coroutine[Any, Any, T]) -> list[T]:
    """Start each question as a task, and return the answers in their order.

    Raises:
        ExceptionGroup: If a question fails; the others are cancelled.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(question) for question in questions]
    return [task.result() for task in tasks]


# --8<-- [end:answer]
async def within[T](seconds: float, answer: Awaitable[T], otherwise: T) -> T:
    """Await an answer, and do without it if it takes too long.

    Args:
        seconds: How long to wait.
        answer: A coroutine, a task, a future. If it takes longer it is cancelled, and
            awaited until it has ended.
        otherwise: What to return then.

    Examples:
        >>> import asyncio
        >>> asyncio.run(within(1, asyncio.sleep(0, "in stock"), "unknown"))
        'in stock'
    """
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await answer
    except TimeoutError:
        if deadline.expired():
            return otherwise
        raise  # the answer's own


@dataclass(frozen=True)
class Offer:
    """What is known of an article.

    Attributes:
        cents: Its price; ``None`` if the service didn't answer in time.
        left: How many there are; ``None`` if the service didn't answer in time.
    """

    cents: int | None
    left: int | None


async def offer(sku: str, price: Ask, stock: Ask) -> Offer:
    """Ask for the price and the stock of an article.

    Args:
        sku: The article.
        price: Asks for its price.
        stock: Asks how many there are.

    Raises:
        ExceptionGroup: If a service fails while it is awaited. What it raises when it
            is called passes as it is.
    """
    cents, left = await together(
        within(PATIENCE, price(sku), None), within(PATIENCE, stock(sku), None)
    )
    return Offer(cents, left)
