"""Archive a camera's frames, and hold no more of them than planned."""

from asyncio import Queue, QueueShutDown, TaskGroup
from collections.abc import AsyncIterable, Awaitable, Callable


async def archive[Frame](
    frames: AsyncIterable[Frame],
    store: Callable[[Frame], Awaitable[None]],
    *,
    ahead: int,
) -> None:
    """Store every frame, in order, while the next ones are read.

    In memory are at most ``ahead`` frames in the queue, the one that is being stored
    and the one that waits for room.

    Args:
        frames: The frames as they are read. Where storing fails they are not read to
            the end: hold a generator in ``aclosing``.
        store: Writes one frame.
        ahead: How many frames may wait for the store.

    Raises:
        ValueError: If ``ahead`` is below 1.
        ExceptionGroup: If reading or storing fails. The other side is cancelled.

    Examples:
        >>> import asyncio
        >>> from collections.abc import AsyncGenerator
        >>> async def camera() -> AsyncGenerator[str]:
        ...     for number in (1, 2, 3):
        ...         yield await asyncio.sleep(0, f"frame {number}")
        >>> stored: list[str] = []
        >>> async def store(frame: str) -> None:
        ...     stored.append(await asyncio.sleep(0, frame))
        >>> asyncio.run(archive(camera(), store, ahead=1))
        >>> stored
        ['frame 1', 'frame 2', 'frame 3']
    """
    if ahead < 1:  # to Queue, zero and less mean: no bound
        raise ValueError(f"ahead must be at least 1, not {ahead}")
    # --8<-- [start:answer]
    queue = Queue[Frame](maxsize=ahead)

    async def read_all() -> None:
        try:
            async for frame in frames:
                await queue.put(frame)  # reads no further until there is room
        finally:
            queue.shutdown()

    # --8<-- [end:answer]
    async with TaskGroup() as group:
        reading = group.create_task(read_all())
        await _store_all(queue, store)
    reading.result()  # a group is silent about a task that ended cancelled


async def _store_all[Frame](
    queue: Queue[Frame], store: Callable[[Frame], Awaitable[None]]
) -> None:
    """Store what is queued until the queue is shut down and empty."""
    while True:
        try:
            frame = await queue.get()
        except QueueShutDown:
            return
        await store(frame)
