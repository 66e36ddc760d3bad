"""Download an export, and neither wait for a dead sender nor for a slow one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

MOST_BYTES = 16 * 2**20

type Connection = AbstractAsyncContextManager[AsyncIterator[bytes]]
"""Connects on entry, gives the chunks of an export, and disconnects on exit."""


class OverdueError(Exception):
    """The export kept coming, but was not whole in time."""


class SilentError(Exception):
    """The sender sent nothing for too long."""


class TooLargeError(Exception):
    """The export has more than ``MOST_BYTES``."""


async def download(
    connection: Connection, *, total: float = 60, silence: float = 5
) -> bytes:
    r"""Receive a whole export inside two deadlines.

    Args:
        connection: Where the chunks come from; its clean-up has to let a
            cancellation through.
        total: Seconds for all of it: to connect, receive and disconnect.
        silence: Seconds that may pass without a chunk.

    Returns:
        The export.

    Raises:
        ValueError: If a number of seconds is not positive.
        OverflowError: If it is an integer beyond any float.
        OverdueError: If ``total`` has passed first.
        SilentError: If ``silence`` has passed first.
        TooLargeError: If more comes than ``MOST_BYTES``.
        Exception: What the connection raises, a ``TimeoutError`` of its own included.

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
    if not (total > 0 and silence > 0):  # false for NaN, too
        raise ValueError(f"seconds must be positive, not {total} and {silence}")
    received, now = bytearray(), asyncio.get_running_loop().time
    cause: TimeoutError | None = None
    # --8<-- [start:answer]
    overdue, silent = asyncio.timeout(total), asyncio.timeout(silence)
    try:
        async with overdue, silent, connection as chunks:
            async for chunk in chunks:
                if overdue.expired() or silent.expired():
                    break  # the stream went on after its cancellation
                silent.reschedule(now() + silence)
                _append(received, chunk)
    except TimeoutError as error:
        if not (overdue.expired() or silent.expired()):
            raise  # the connection's own, such as ETIMEDOUT
        cause = error
    # --8<-- [end:answer]
    # Asked without an exception, too: a stream may take its cancellation for its end.
    if overdue.expired():
        message = f"not whole after {total} s: {len(received)} bytes"
        raise OverdueError(message) from cause
    if silent.expired():
        message = f"nothing for {silence} s after {len(received)} bytes"
        raise SilentError(message) from cause
    return bytes(received)


def _append(received: bytearray, chunk: bytes) -> None:
    """Keep a chunk, or refuse what gets too large."""
    if len(received) + len(chunk) > MOST_BYTES:
        raise TooLargeError(f"more than {MOST_BYTES} bytes")
    received += chunk
