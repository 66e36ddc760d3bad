"""Download an export, and neither wait for a dead sender nor for a slow one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

type Connection = AbstractAsyncContextManager[AsyncIterator[bytes]]
"""Connects on entry, gives the chunks of an export, and disconnects on exit."""


class OverdueError(Exception):
    """The export kept coming, but was not whole in time."""


class SilentError(Exception):
    """The sender sent nothing for too long."""


async def download(
    connection: Connection, *, total: float = 60, silence: float = 5
) -> bytes:
    r"""Receive a whole export inside two deadlines.

    Args:
        connection: Where the chunks come from.
        total: Seconds for all of it: to connect, receive and disconnect.
        silence: Seconds that may pass without a chunk.

    Returns:
        The export.

    Raises:
        OverdueError: If ``total`` has passed first.
        SilentError: If ``silence`` has passed first.

    Examples:
        >>> import asyncio
        >>> from collections.abc import AsyncGenerator
        >>> from contextlib import aclosing
        >>> async def orders() -> AsyncGenerator[bytes]:
        ...     yield await asyncio.sleep(0, b"id,total\n")
        ...     yield b"7,12.50\n"
        >>> asyncio.run(download(aclosing(orders()), total=1))
        b'id,total\n7,12.50\n'
    """
    now = asyncio.get_running_loop().time
    received = bytearray()
    # made before the try, to be asked after it
    overdue, silent = asyncio.timeout(total), asyncio.timeout(silence)
    try:
        async with overdue, silent, connection as chunks:
            async for chunk in chunks:
                silent.reschedule(now() + silence)
                received += chunk
    except TimeoutError as error:
        if overdue.expired():
            message = f"not whole after {total} s: {len(received)} bytes"
            raise OverdueError(message) from error
        if silent.expired():
            message = f"nothing for {silence} s after {len(received)} bytes"
            raise SilentError(message) from error
        raise  # not ours: the connection's own, such as ETIMEDOUT
    return bytes(received)
