"""Open a connection to every shard, and close them all on every way out."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

CLEAN_UP_SECONDS = 5.0


class Connection(Protocol):
    """What this module needs of a database connection."""

    async def execute(self, statement: str) -> None:
        """Run a statement."""

    async def close(self) -> None:
        """Give the connection back."""


type Connect = Callable[[str], Awaitable[Connection]]


@asynccontextmanager
async def connected(address: str, connect: Connect) -> AsyncGenerator[Connection]:
    """Hold a connection to one shard for as long as the block runs.

    Args:
        address: The shard's address.
        connect: Opens a connection.

    Yields:
        The open connection.
    """
    connection = await connect(address)
    try:
        yield connection
    finally:
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await connection.close()


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncGenerator[None]:
    """Keep what the block did if it ends well, and nothing of it otherwise.

    Args:
        connection: An open connection, in no transaction yet.

    Yields:
        Nothing; the block works with its connection.

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
    await connection.execute("BEGIN")
    try:
        yield
    except BaseException:  # a cancellation is no Exception, and must undo as well
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await connection.execute("ROLLBACK")
        raise
    else:
        await connection.execute("COMMIT")


@asynccontextmanager
async def shards(
    addresses: Iterable[str], connect: Connect
) -> AsyncGenerator[list[Connection]]:
    """Hold a connection to each of several shards for as long as the block runs.

    Args:
        addresses: The shards' addresses; how many there are is known at run time.
        connect: Opens a connection.

    Yields:
        The open connections, in the order of the addresses.
    """
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(connected(address, connect))
            for address in addresses
        ]
