"""Make an offer from what two services answer in time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

PATIENCE = 0.5  # seconds

type Ask = Callable[[str], Awaitable[int]]


async def within[T](seconds: float, answer: Awaitable[T], otherwise: T) -> T:
    """Await an answer, and do without it if it takes too long.

    Args:
        seconds: How long to wait.
        answer: A coroutine, a task, a future. It is cancelled if it takes longer.
        otherwise: What to return then.

    Returns:
        The answer, or ``otherwise``.

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


async def together[T](*questions: Coroutine[Any, Any, T]) -> list[T]:
    """Ask several questions at once; if one fails, the others are cancelled.

    Args:
        questions: Coroutines that nobody has started: each becomes a task.

    Returns:
        The answers, in the order of the questions.

    Raises:
        ExceptionGroup: If a question fails.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(question) for question in questions]
    return [task.result() for task in tasks]


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

    Returns:
        What was answered in time.

    Raises:
        ExceptionGroup: If a service fails.
    """
    cents, left = await together(
        within(PATIENCE, price(sku), None), within(PATIENCE, stock(sku), None)
    )
    return Offer(cents, left)
