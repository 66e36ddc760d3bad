"""Quote the shipping of orders over a few connections to PostgreSQL."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

type Carrier = Callable[[str], Awaitable[int]]

READ = text("SELECT address FROM orders WHERE id = :id")
WRITE = text(
    "UPDATE orders SET shipping = :cents WHERE id = :id AND address = :address"
)


class AddressChangedError(Exception):
    """An order's address changed while the carrier was asked: ask again."""


async def quote(pool: AsyncEngine, order: int, carrier: Carrier) -> int:
    """Ask a carrier what an order's shipping costs, and write it down.

    Args:
        pool: Where the orders are.
        order: The order's number.
        carrier: Tells the price for an address, in cents; may take its time.

    Returns:
        The price.

    Raises:
        AddressChangedError: If the price is for an address that is no longer true.
        SQLAlchemyError: If there is no such order, no connection came free in time, or
            the database is lost or can't take a value. If it was lost during the
            commit, the price may be written.
        TimeoutError: If connecting took too long.
        OSError: If the server can't be reached.
        Exception: What the carrier raised; nothing is written.
    """
    # --8<-- [start:answer]
    async with pool.connect() as connection:
        found = await connection.execute(READ, {"id": order})
        address: str = found.scalar_one()
    cents = await carrier(address)  # outside: no connection waits for a carrier
    async with pool.begin() as connection:
        values = {"id": order, "address": address, "cents": cents}
        if (await connection.execute(WRITE, values)).rowcount == 0:
            raise AddressChangedError(order)
    # --8<-- [end:answer]
    return cents


@asynccontextmanager
async def open_pool(
    url: URL, *, connections: int, patience: float = 2
) -> AsyncGenerator[AsyncEngine]:
    """Share a pool among all tasks of a process, and close it in the end.

    End the tasks that use it first: a connection that is lent at the end stays open,
    also when it is given back.

    Args:
        url: The database, for ``postgresql+asyncpg``.
        connections: The most that this process opens. What all processes may open,
            old and new ones during a deployment, has to fit into the server.
        patience: Seconds that a task waits for a connection while all are lent.

    Yields:
        The pool; it connects when it is first asked to, for five seconds at most.

    Raises:
        ValueError: If connections are fewer than one, or patience is negative.
        TypeError: If the URL is of a database that has no such pool.

    Examples:
        >>> import asyncio
        >>> from sqlalchemy import make_url
        >>> async def main() -> str:
        ...     url = make_url("postgresql+asyncpg://shop@db.internal/shop")
        ...     async with open_pool(url, connections=5) as pool:
        ...         return pool.pool.status().partition(" Current")[0]
        >>> asyncio.run(main())
        'Pool size: 5  Connections in pool: 0'
    """
    if connections < 1 or not patience >= 0:  # to SQLAlchemy, 0 is a pool without bound
        raise ValueError(f"connections={connections}, patience={patience}")
    pool = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,  # else ten more, opened and closed again with each rush
        pool_timeout=patience,
        pool_pre_ping=True,  # a connection that died in the pool is replaced
        connect_args={
            "timeout": 5,  # seconds to connect
            "server_settings": {
                "application_name": "shipping",  # whose it is, in pg_stat_activity
                "statement_timeout": "30s",
                "idle_in_transaction_session_timeout": "10s",  # ends a forgotten one
            },
        },
    )
    try:
        yield pool
    finally:
        await pool.dispose()
