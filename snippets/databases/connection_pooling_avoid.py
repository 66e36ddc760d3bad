"""Quote the shipping of orders, and run out of connections."""

from collections.abc import Awaitable, Callable

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

type Carrier = Callable[[str], Awaitable[int]]

READ = text("SELECT address FROM orders WHERE id = :id FOR UPDATE")
WRITE = text("UPDATE orders SET shipping = :cents WHERE id = :id")
NOTE = text("INSERT INTO notes VALUES (:id, 'quoted')")


async def quote_in_one_transaction(
    pool: AsyncEngine, order: int, carrier: Carrier
) -> int:
    # --8<-- [start:answer]
    async with pool.begin() as connection:
        found = await connection.execute(READ, {"id": order})
        # expect: test[two_that_wait_for_a_carrier_turn_away_who_only_wants_to_read]
        cents = await carrier(found.scalar_one())
        await connection.execute(WRITE, {"id": order, "cents": cents})
    # --8<-- [end:answer]
    return cents


async def save_with_a_note(pool: AsyncEngine, order: int, cents: int) -> None:
    async with pool.begin() as connection:
        await connection.execute(WRITE, {"id": order, "cents": cents})
        # expect: test[each_holds_one_connection_and_waits_for_a_second]
        async with pool.begin() as other:  # the note stays if the rest is rolled back
            await other.execute(NOTE, {"id": order})


def open_pool_by_default(url: URL, *, connections: int) -> AsyncEngine:
    # expect: test[the_default_opens_ten_more_connections_than_its_size]
    # expect: test[the_default_lends_a_connection_that_died_in_the_pool]
    return create_async_engine(url, pool_size=connections)


async def quote_in_a_pool_of_its_own(url: URL, order: int, carrier: Carrier) -> int:
    # expect: test[a_pool_for_each_request_leaves_a_connection_for_each_request]
    return await quote_in_one_transaction(create_async_engine(url), order, carrier)
