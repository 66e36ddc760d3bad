"""Open a connection to every shard, and leave some of them open."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

log = logging.getLogger(__name__)

CLEAN_UP_SECONDS = 5.0


class Connection(Protocol):
    async def execute(self, statement: str) -> None: ...
    async def close(self) -> None: ...


type Connect = Callable[[str], Awaitable[Connection]]


@asynccontextmanager
async def connected_without_finally(
    address: str, connect: Connect
) -> AsyncGenerator[Connection]:
    # --8<-- [start:answer]
    connection = await connect(address)
    # expect: test[without_finally_only_a_block_that_ends_well_closes_its_connection]
    yield connection
    await _clean_up(connection.close())
    # --8<-- [end:answer]


@asynccontextmanager
async def shards_opened_before_try(
    addresses: Iterable[str], connect: Connect
) -> AsyncGenerator[list[Connection]]:
    # expect: test[a_connect_that_fails_leaves_the_shards_before_it_open]
    connections = [await connect(address) for address in addresses]
    try:
        yield connections
    finally:
        for connection in reversed(connections):
            await _clean_up(connection.close())


async def close_in_a_loop(connections: Sequence[Connection]) -> None:
    for connection in reversed(connections):
        # expect: test[a_close_that_fails_leaves_the_shards_after_it_open]
        await connection.close()


@asynccontextmanager
async def transaction_for_errors_only(connection: Connection) -> AsyncGenerator[None]:
    try:
        await connection.execute("BEGIN")
        yield
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await connection.execute("COMMIT")
    # expect: test[a_cancelled_transaction_is_neither_kept_nor_undone]
    except Exception:
        await _clean_up(connection.execute("ROLLBACK"))
        raise


@asynccontextmanager
async def transaction_without_undoing_its_commit(
    connection: Connection,
) -> AsyncGenerator[None]:
    await connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        await _clean_up(connection.execute("ROLLBACK"))
        raise
    else:
        # expect: test[a_commit_that_fails_leaves_its_transaction_open]
        await connection.execute("COMMIT")


async def _clean_up(step: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(CLEAN_UP_SECONDS):
            await step
    except Exception:
        log.exception("a shard's clean-up failed")
