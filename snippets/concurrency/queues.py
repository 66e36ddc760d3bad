"""Book the orders of several shops with a few workers."""

from asyncio import Queue, QueueShutDown, TaskGroup, timeout
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing

BOOK_SECONDS = 30
MOST_WORKERS = 1000

type Book = Callable[[str], Awaitable[None]]
type SetAside = Callable[[str, Exception], None]


async def book_all(
    shops: Iterable[AsyncGenerator[str]],
    book: Book,
    set_aside: SetAside,
    *,
    workers: int = 4,
) -> None:
    """Book every order of every shop once.

    Args:
        shops: Each shop's orders as they come in; closed when read or given up.
        book: Books one order, in ``BOOK_SECONDS`` at most.
        set_aside: Told of each order whose booking failed, and why.
        workers: How many orders are booked at a time.

    Raises:
        ValueError: If the number of workers is not from 1 to ``MOST_WORKERS``.
        ExceptionGroup: If a shop or ``set_aside`` fails. The rest is cancelled first,
            and orders that a worker or the queue held are lost.

    Examples:
        >>> import asyncio
        >>> from collections.abc import AsyncGenerator
        >>> async def oslo() -> AsyncGenerator[str]:
        ...     for number in (1, 2):
        ...         yield await asyncio.sleep(0, f"Oslo {number}")
        >>> booked: list[str] = []
        >>> async def book(order: str) -> None:
        ...     booked.append(await asyncio.sleep(0, order))
        >>> asyncio.run(book_all([oslo()], book, set_aside=print))
        >>> booked
        ['Oslo 1', 'Oslo 2']
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers must be 1 to {MOST_WORKERS}, not {workers}")
    orders = Queue[str](maxsize=workers)
    async with TaskGroup() as consumers:
        for _ in range(workers):
            consumers.create_task(_consume(orders, book, set_aside))
        async with TaskGroup() as producers:
            for shop in shops:
                producers.create_task(_produce(shop, orders))
        orders.shutdown()  # the last producer is done; what is queued is handed out


async def _consume(orders: Queue[str], book: Book, set_aside: SetAside) -> None:
    """Book orders until the queue is shut down and empty."""
    # --8<-- [start:answer]
    while True:
        try:
            order = await orders.get()
        except QueueShutDown:
            return
        await _book(order, book, set_aside)
    # --8<-- [end:answer]


async def _book(order: str, book: Book, set_aside: SetAside) -> None:
    """Book an order, or set it aside: one bad order ends no worker."""
    try:
        async with timeout(BOOK_SECONDS):
            await book(order)
    except Exception as error:  # noqa: BLE001 - handed on with its order
        set_aside(order, error)


async def _produce(shop: AsyncGenerator[str], orders: Queue[str]) -> None:
    """Queue a shop's orders; wait while the queue is full."""
    async with aclosing(shop):
        async for order in shop:
            await orders.put(order)
