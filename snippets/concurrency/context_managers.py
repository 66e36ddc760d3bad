"""Open a connection to each shard, and close all of them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

log = logging.getLogger(__name__)

CLEAN_UP_SECONDS = 5.0


class Connection(Protocol):
    """What this module needs of a database connection."""

    async def execute(self, statement: str) -> None:
        """Run a statement."""

    async def close(self) -> None:
        """Close the connection: the database undoes what was not committed."""


type Connect = Callable[[str], Awaitable[Connection]]


@asynccontextmanager
async def connected(address: str, connect: Connect) -> AsyncGenerator[Connection]:
    """Hold a connection to one shard for as long as the block runs.

    Args:
        address: The shard's address.
        connect: Opens a connection.

    Yields:
        The open connection. A close that fails is logged.

    Raises:
        Exception: If the connection can't be opened: that error.
    """
    # --8<-- [start:answer]
    connection = await connect(address)
    try:
        yield connection
    finally:
        await _clean_up(connection.close())
    # --8<-- [end:answer]


@asynccontextmanager
async def shards(
    addresses: Iterable[str], connect: Connect
) -> AsyncGenerator[list[Connection]]:
    """Hold a connection to each of several shards for as long as the block runs.

    Args:
        addresses: The shards' addresses; how many there are is known at run time.
        connect: Opens a connection.

    Yields:
        The open connections, in the order of the addresses. They are closed in
        reverse; a close that fails is logged.

    Raises:
        Exception: If a connection can't be opened: that error.
    """
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(connected(address, connect))
            for address in addresses
        ]


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncGenerator[None]:
    """Commit what the block did if it ends well, and roll back otherwise.

    A rollback that fails is logged; closing the connection undoes the rest. A COMMIT
    that fails may have reached the database: ask the database.

    Args:
        connection: An open connection, in no transaction yet.

    Yields:
        Nothing; the block works with its connection.

    Raises:
        TimeoutError: If COMMIT takes more than 5 seconds.
        Exception: If BEGIN or COMMIT fails: that error.

    Examples:
        >>> import asyncio
        >>> from unittest.mock import AsyncMock
        >>> async def ship(orders: AsyncMock) -> None:
        ...     async with transaction(orders):
        ...         await orders.execute("UPDATE …")
        >>> asyncio.run(ship(orders := AsyncMock()))
        >>> orders.mock_calls
        [call.execute('BEGIN'), call.execute('UPDATE …'), call.execute('COMMIT')]
    """
    try:
        await connection.execute("BEGIN")
        yield
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await connection.execute("COMMIT")
    except BaseException:  # a cancellation is no Exception, and must undo as well
        await _clean_up(connection.execute("ROLLBACK"))
        raise


async def _clean_up(step: Awaitable[None]) -> None:
    """Finish a step of the clean-up in time, or log why it did not finish."""
    try:
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await step
    except Exception:
        # raised from here, it would replace the error or cancellation under way
        log.exception("a shard's clean-up failed")
