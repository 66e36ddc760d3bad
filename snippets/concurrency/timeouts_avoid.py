"""Download an export, and wait for whatever the sender does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

MOST_BYTES = 16 * 2**20

type Connection = AbstractAsyncContextManager[AsyncIterator[bytes]]


class OverdueError(Exception):
    pass


class TooLargeError(Exception):
    pass


async def download_without_deadline(connection: Connection) -> bytes:
    received = bytearray()
    # --8<-- [start:answer]
    async with connection as chunks:
        # expect: test[a_dead_sender_is_awaited_for_a_week]
        async for chunk in chunks:
            _append(received, chunk)
    # --8<-- [end:answer]
    return bytes(received)


async def download_bounding_each_wait(
    connection: Connection, *, silence: float = 5
) -> bytes:
    received = bytearray()
    async with connection as chunks:
        while True:
            try:
                # expect: test[a_sender_that_drips_is_never_late]
                chunk = await asyncio.wait_for(anext(chunks), silence)
            except StopAsyncIteration:
                return bytes(received)
            _append(received, chunk)


async def download_blaming_itself(
    connection: Connection, *, total: float = 60
) -> bytes:
    received = bytearray()
    try:
        async with asyncio.timeout(total), connection as chunks:
            async for chunk in chunks:
                _append(received, chunk)
    # expect: test[a_dropped_connection_is_reported_as_a_missed_deadline]
    except TimeoutError as error:
        message = f"not whole after {total} s: {len(received)} bytes"
        raise OverdueError(message) from error
    return bytes(received)


def _append(received: bytearray, chunk: bytes) -> None:
    if len(received) + len(chunk) > MOST_BYTES:
        raise TooLargeError(f"more than {MOST_BYTES} bytes")
    received += chunk
