"""Archive a camera's frames, with all of them in memory or some of them lost."""

from asyncio import Queue, QueueFull, QueueShutDown, Semaphore, TaskGroup
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import suppress


async def archive_unbounded[Frame](
    frames: AsyncIterable[Frame], store: Callable[[Frame], Awaitable[None]]
) -> None:
    # --8<-- [start:answer]
    queue = Queue[Frame]()

    async def read_all() -> None:
        try:
            async for frame in frames:
                # expect: test[an_unbounded_queue_holds_all_before_the_first_is_stored]
                await queue.put(frame)
        finally:
            queue.shutdown()

    # --8<-- [end:answer]
    async with TaskGroup() as group:
        reading = group.create_task(read_all())
        await _store_all(queue, store)
    reading.result()


async def archive_in_tasks[Frame](
    frames: AsyncIterable[Frame],
    store: Callable[[Frame], Awaitable[None]],
    *,
    ahead: int,
) -> None:
    async def store_one(frame: Frame) -> None:
        async with slots:
            await store(frame)

    slots = Semaphore(ahead)
    async with TaskGroup() as group:
        async for frame in frames:
            # expect: test[tasks_that_wait_for_a_semaphore_are_an_unbounded_queue]
            group.create_task(store_one(frame))


async def archive_what_fits[Frame](
    frames: AsyncIterable[Frame],
    store: Callable[[Frame], Awaitable[None]],
    *,
    ahead: int,
) -> None:
    queue = Queue[Frame](maxsize=ahead)

    async def read_all() -> None:
        try:
            async for frame in frames:
                with suppress(QueueFull):
                    # expect: test[a_suppressed_queue_full_is_a_lost_frame]
                    queue.put_nowait(frame)
        finally:
            queue.shutdown()

    async with TaskGroup() as group:
        reading = group.create_task(read_all())
        await _store_all(queue, store)
    reading.result()


async def _store_all[Frame](
    queue: Queue[Frame], store: Callable[[Frame], Awaitable[None]]
) -> None:
    while True:
        try:
            frame = await queue.get()
        except QueueShutDown:
            return
        await store(frame)
