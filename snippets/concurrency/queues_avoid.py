"""Book the orders of several shops, and never come to a good end."""

from asyncio import Queue, TaskGroup, create_task, timeout
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing

BOOK_SECONDS = 30

type Book = Callable[[str], Awaitable[None]]
type SetAside = Callable[[str, Exception], None]


async def book_all_until_it_raises(
    shops: Iterable[AsyncGenerator[str]],
    book: Book,
    set_aside: SetAside,
    *,
    workers: int = 4,
) -> None:
    async def consume() -> None:
        # --8<-- [start:answer]
        while True:
            # expect: test[an_idle_workers_shut_down_cancels_a_booking_half_way]
            order = await orders.get()
            await _book(order, book, set_aside)
        # --8<-- [end:answer]

    orders = Queue[str](maxsize=workers)
    async with TaskGroup() as consumers:
        for _ in range(workers):
            consumers.create_task(consume())
        async with TaskGroup() as producers:
            for shop in shops:
                producers.create_task(_produce(shop, orders))
        orders.shutdown()


async def book_all_with_a_sentinel(
    shops: Iterable[AsyncGenerator[str]],
    book: Book,
    set_aside: SetAside,
    *,
    workers: int = 4,
) -> None:
    async def consume() -> None:
        while (order := await orders.get()) is not None:
            await _book(order, book, set_aside)

    orders = Queue[str | None](maxsize=workers)
    async with TaskGroup() as consumers:
        for _ in range(workers):
            consumers.create_task(consume())
        async with TaskGroup() as producers:
            for shop in shops:
                producers.create_task(_produce(shop, orders))
        # expect: test[one_sentinel_ends_one_of_two_workers_and_the_group_waits_on]
        await orders.put(None)


async def book_all_and_join(
    shops: Iterable[AsyncGenerator[str]],
    book: Book,
    set_aside: SetAside,
    *,
    workers: int = 4,
) -> None:
    async def consume() -> None:
        while True:
            order = await orders.get()
            await _book(order, book, set_aside)
            orders.task_done()

    orders = Queue[str](maxsize=workers)
    consumers = [create_task(consume()) for _ in range(workers)]
    async with TaskGroup() as producers:
        for shop in shops:
            producers.create_task(_produce(shop, orders))
    # expect: test[join_waits_for_ever_for_a_worker_that_failed]
    await orders.join()
    for consumer in consumers:
        consumer.cancel()


async def _book(order: str, book: Book, set_aside: SetAside) -> None:
    try:
        async with timeout(BOOK_SECONDS):
            await book(order)
    except Exception as error:  # noqa: BLE001 - handed on with its order
        set_aside(order, error)


async def _produce[T](shop: AsyncGenerator[T], orders: Queue[T]) -> None:
    async with aclosing(shop):
        async for order in shop:
            await orders.put(order)
