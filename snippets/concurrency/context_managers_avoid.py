"""Open a connection to every shard, and leave some of them open."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol


class Connection(Protocol):
    async def execute(self, statement: str) -> None: ...
    async def close(self) -> None: ...


type Connect = Callable[[str], Awaitable[Connection]]


@asynccontextmanager
async def connected_without_finally(
    address: str, connect: Connect
) -> AsyncGenerator[Connection]:
    connection = await connect(address)
    # expect: test[without_finally_only_a_block_that_ends_well_closes_its_connection]
    yield connection
    await connection.close()


@asynccontextmanager
async def transaction_for_errors_only(connection: Connection) -> AsyncGenerator[None]:
    await connection.execute("BEGIN")
    try:
        yield
    # expect: test[a_cancelled_transaction_is_neither_kept_nor_undone]
    except Exception:
        await connection.execute("ROLLBACK")
        raise
    else:
        await connection.execute("COMMIT")


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
            await connection.close()


async def close_in_a_loop(connections: Sequence[Connection]) -> None:
    for connection in reversed(connections):
        # expect: test[a_close_that_fails_leaves_the_shards_after_it_open]
        await connection.close()
