"""Keep a shop's stock and orders in PostgreSQL, which sees to it that they add up."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import SerializationFailure

type Connection = AsyncConnection[tuple[Any, ...]]
type Pack = Callable[[int], Awaitable[None]]

ATTEMPTS = 5
CREDIT = 500_00  # cents that a customer may owe

SCHEMA = """
CREATE TABLE stock (
    item text PRIMARY KEY,
    pieces integer NOT NULL CHECK (pieces >= 0)
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    cents bigint NOT NULL CHECK (cents > 0),
    packed boolean NOT NULL DEFAULT false
);
CREATE INDEX orders_of_customer ON orders (customer);
CREATE INDEX orders_to_pack ON orders (id) WHERE NOT packed;
"""

RECEIVE = """
INSERT INTO stock (item, pieces) VALUES (%(item)s, %(pieces)s)
ON CONFLICT (item) DO UPDATE SET pieces = stock.pieces + excluded.pieces
"""

TAKE = """
UPDATE stock SET pieces = pieces - %(pieces)s
WHERE item = %(item)s AND %(pieces)s BETWEEN 1 AND pieces
"""

ORDER = """
INSERT INTO orders (customer, cents)
SELECT %(customer)s, %(cents)s
WHERE %(cents)s + (
    SELECT coalesce(sum(cents), 0) FROM orders WHERE customer = %(customer)s
) <= %(credit)s
"""

NEXT = """
SELECT id FROM orders WHERE NOT packed
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

PACKED = "UPDATE orders SET packed = true WHERE id = %s"


class OutOfStockError(Exception):
    """Fewer pieces are left than somebody wants, or none ever were."""


class OverCreditError(Exception):
    """A customer's orders would cost more than the customer may owe."""


async def receive(connection: Connection, item: str, pieces: int) -> None:
    """Add a delivery to the stock, whether or not the item is new.

    Args:
        connection: Where the stock is.
        item: What was delivered.
        pieces: How many.
    """
    async with connection.transaction():
        await connection.execute(RECEIVE, {"item": item, "pieces": pieces})


async def take(connection: Connection, item: str, pieces: int) -> None:
    """Take pieces out of the stock.

    Args:
        connection: Where the stock is.
        item: What to take.
        pieces: How many.

    Raises:
        OutOfStockError: If fewer are there, or less than one is asked for.
    """
    async with connection.transaction():
        taken = await connection.execute(TAKE, {"item": item, "pieces": pieces})
        if not taken.rowcount:
            raise OutOfStockError(item)


async def order(connection: Connection, customer: str, cents: int) -> None:
    """Place an order, unless the customer would then owe too much.

    Args:
        connection: Where the orders are; not in a transaction.
        customer: Who orders.
        cents: What it costs.

    Raises:
        OverCreditError: If all orders together would cost more than ``CREDIT``.
        SerializationFailure: If other transactions got in between each time.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(SerializationFailure):  # rolled back: begin again, from BEGIN on
            await _order(connection, customer, cents)
            return
    await _order(connection, customer, cents)


async def _order(connection: Connection, customer: str, cents: int) -> None:
    """Place an order as if no other transaction ran at the same time, or fail."""
    values = {"customer": customer, "cents": cents, "credit": CREDIT}
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        placed = await connection.execute(ORDER, values)
        if not placed.rowcount:
            raise OverCreditError(customer)


async def pack_next(connection: Connection, pack: Pack) -> bool:
    """Pack the oldest order that nobody else is packing.

    Args:
        connection: Where the orders are; not in a transaction.
        pack: Packs the order of that number. If it fails, the order is free again.

    Returns:
        Whether there was one.
    """
    async with connection.transaction():
        row = await (await connection.execute(NEXT)).fetchone()
        if row is None:
            return False
        (number,) = row
        await pack(number)
        await connection.execute(PACKED, [number])
    return True
