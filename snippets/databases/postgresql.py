"""Keep a shop's stock and orders in PostgreSQL, which sees to it that they add up."""

from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, SerializationFailure

ATTEMPTS = 5
CREDIT = 500_00  # cents that a customer may owe

SCHEMA = """
CREATE TABLE stock (item text PRIMARY KEY, pieces integer NOT NULL CHECK (pieces >= 0));
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL, cents bigint NOT NULL CHECK (cents > 0),
    packed boolean NOT NULL DEFAULT false, tries integer DEFAULT 0,
    free_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_of_customer ON orders (customer);
CREATE INDEX orders_to_pack ON orders (id) WHERE NOT packed;
"""

RECEIVE = """
INSERT INTO stock (item, pieces) VALUES (%(item)s, %(pieces)s)
ON CONFLICT (item) DO UPDATE SET pieces = stock.pieces + excluded.pieces
"""

# --8<-- [start:answer]
TAKE = """
UPDATE stock SET pieces = pieces - %(pieces)s
WHERE item = %(item)s AND %(pieces)s BETWEEN 1 AND pieces
"""
# --8<-- [end:answer]

ORDER = """
INSERT INTO orders (customer, cents) SELECT %(customer)s, %(cents)s
WHERE %(cents)s + (
    SELECT coalesce(sum(cents), 0) FROM orders WHERE customer = %(customer)s
) <= %(credit)s
"""

CLAIM = """
UPDATE orders SET tries = tries + 1, free_at = now() + interval '1 minute'
WHERE id = (
    SELECT id FROM orders WHERE NOT packed AND tries < 5 AND free_at <= now()
    ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) RETURNING id
"""


async def receive(connection: AsyncConnection, item: str, pieces: int) -> None:
    """Add a delivery to the stock, whether or not the item is new.

    Args:
        connection: In autocommit mode, or in a transaction of the caller's.
        item: What was delivered.
        pieces: How many.

    Raises:
        psycopg.Error: If pieces are negative, or PostgreSQL is lost or can't take a
            value; the stock is as it was.
        UnicodeEncodeError: If the item has a lone surrogate.
    """
    await connection.execute(RECEIVE, {"item": item, "pieces": pieces})


async def take(connection: AsyncConnection, item: str, pieces: int) -> bool:
    """Take pieces out of the stock.

    Args:
        connection: In autocommit mode, or in a transaction of the caller's.
        item: What to take.
        pieces: How many.

    Returns:
        Whether they were taken: so many were there, and at least one was wanted.

    Raises:
        psycopg.Error: If PostgreSQL is lost or can't take a value.
        UnicodeEncodeError: If the item has a lone surrogate.
    """
    taken = await connection.execute(TAKE, {"item": item, "pieces": pieces})
    return taken.rowcount == 1


async def order(connection: AsyncConnection, customer: str, cents: int) -> bool:
    """Place an order, unless the customer would then owe more than ``CREDIT``.

    Args:
        connection: In no transaction.
        customer: Who orders.
        cents: What it costs.

    Returns:
        Whether the order was placed.

    Raises:
        SerializationFailure: If other transactions got in between each time.
        DeadlockDetected: If they did so by a deadlock.
        psycopg.Error: If less than a cent is ordered, or PostgreSQL is lost or can't
            take a value. If it was lost during the commit, the order may be placed.
        UnicodeEncodeError: If the customer has a lone surrogate.
    """
    values = {"customer": customer, "cents": cents, "credit": CREDIT}
    attempt = 1
    while True:
        try:
            async with connection.transaction():
                await connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                placed = await connection.execute(ORDER, values)
        except (SerializationFailure, DeadlockDetected):  # again, from BEGIN on
            attempt += 1
            if attempt > ATTEMPTS:
                raise
        else:
            return placed.rowcount == 1  # what was read is true once it is committed


async def claim(connection: AsyncConnection) -> int | None:
    """Claim the oldest order to pack, for a minute, that nobody else has claimed.

    Pack it outside any transaction, then call ``finish``. An order that is not finished
    is free again after the minute, five times in all.

    Args:
        connection: In autocommit mode.

    Returns:
        The order's number, or ``None`` if none is free.

    Raises:
        psycopg.Error: If PostgreSQL is lost; an order may be claimed.
    """
    row = await (await connection.execute(CLAIM)).fetchone()
    return None if row is None else int(row[0])


async def finish(connection: AsyncConnection, number: int) -> None:
    """Note that an order is packed.

    Args:
        connection: In autocommit mode.
        number: The order's number.

    Raises:
        psycopg.Error: If PostgreSQL is lost; the order may be claimed again.
    """
    await connection.execute("UPDATE orders SET packed = true WHERE id = %s", [number])
