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


@asynccontextmanager
async def open_pool(
    url: URL, *, connections: int, patience: float = 2
) -> AsyncGenerator[AsyncEngine]:
    """Share a pool among all tasks of a process, and close it in the end.

    Args:
        url: The database, for ``postgresql+asyncpg``.
        connections: The most that this process opens. What all processes may open,
            old and new ones during a deployment, has to fit into the server.
        patience: Seconds that a task waits for a connection while all are lent.

    Yields:
        The pool; it connects when it is first asked to.

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
    pool = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,  # else ten more, opened and closed again with each rush
        pool_timeout=patience,
        pool_pre_ping=True,  # a connection that died in the pool is replaced
        connect_args={
            "server_settings": {
                "application_name": "shipping",  # whose it is, in pg_stat_activity
                "idle_in_transaction_session_timeout": "10s",  # ends who holds one
            }
        },
    )
    try:
        yield pool
    finally:
        await pool.dispose()


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
    """
    async with pool.connect() as connection:
        found = await connection.execute(READ, {"id": order})
        address: str = found.scalar_one()
    cents = await carrier(address)  # outside: no connection waits for a carrier
    async with pool.begin() as connection:
        values = {"id": order, "address": address, "cents": cents}
        if (await connection.execute(WRITE, values)).rowcount == 0:
            raise AddressChangedError(order)
    return cents
