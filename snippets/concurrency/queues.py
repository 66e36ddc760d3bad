"""Book the orders of several shops with a few workers."""

from asyncio import Queue, QueueShutDown, TaskGroup
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

type Book = Callable[[str], Awaitable[None]]


async def book_all(
    shops: Iterable[AsyncIterable[str]], book: Book, *, workers: int = 4
) -> None:
    """Book every order of every shop once.

    Args:
        shops: Each shop's orders as they come in.
        book: Books one order.
        workers: How many orders are booked at a time.

    Raises:
        ValueError: If there would be nobody to book an order.
        ExceptionGroup: If a shop or a booking fails. The rest is cancelled first.

    Examples:
        >>> import asyncio
        >>> from collections.abc import AsyncGenerator
        >>> async def oslo() -> AsyncGenerator[str]:
        ...     for number in (1, 2):
        ...         yield await asyncio.sleep(0, f"Oslo {number}")
        >>> booked: list[str] = []
        >>> async def book(order: str) -> None:
        ...     booked.append(await asyncio.sleep(0, order))
        >>> asyncio.run(book_all([oslo()], book))
        >>> booked
        ['Oslo 1', 'Oslo 2']
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    orders = Queue[str](maxsize=workers)
    async with TaskGroup() as consumers:
        for _ in range(workers):
            consumers.create_task(_consume(orders, book))
        async with TaskGroup() as producers:
            for shop in shops:
                producers.create_task(_produce(shop, orders))
        orders.shutdown()  # the last producer is done; what is queued is handed out


async def _produce(shop: AsyncIterable[str], orders: Queue[str]) -> None:
    """Queue a shop's orders; wait while the queue is full."""
    async for order in shop:
        await orders.put(order)


async def _consume(orders: Queue[str], book: Book) -> None:
    """Book orders until the queue is shut down and empty."""
    while True:
        try:
            order = await orders.get()
        except QueueShutDown:
            return
        await book(order)  # not in the try: it may use a queue of its own
