"""Keep a shop's stock and orders in PostgreSQL, and their rules in Python."""

from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection

type Connection = AsyncConnection[tuple[Any, ...]]
type Pack = Callable[[int], Awaitable[None]]

CREDIT = 500_00  # cents that a customer may owe

PACKED = "UPDATE orders SET packed = true WHERE id = %s"


class OutOfStockError(Exception):
    pass


class OverCreditError(Exception):
    pass


async def receive_after_a_look(connection: Connection, item: str, pieces: int) -> None:
    values = {"item": item, "pieces": pieces}
    async with connection.transaction():
        found = await connection.execute(
            "SELECT FROM stock WHERE item = %(item)s", values
        )
        if found.rowcount:
            await connection.execute(
                "UPDATE stock SET pieces = pieces + %(pieces)s WHERE item = %(item)s",
                values,
            )
        else:
            # expect: test[two_deliveries_that_both_looked_first_collide]
            await connection.execute(
                "INSERT INTO stock (item, pieces) VALUES (%(item)s, %(pieces)s)", values
            )


async def take_after_a_look(connection: Connection, item: str, pieces: int) -> None:
    async with connection.transaction():
        found = await connection.execute(
            "SELECT pieces FROM stock WHERE item = %s", [item]
        )
        [(there,)] = await found.fetchall()
        if there < pieces:
            raise OutOfStockError(item)
        # expect: test[two_takes_that_both_looked_first_lose_one_update]
        await connection.execute(
            "UPDATE stock SET pieces = %s WHERE item = %s", [there - pieces, item]
        )


async def order_in_one_statement(
    connection: Connection, customer: str, cents: int
) -> None:
    values = {"customer": customer, "cents": cents, "credit": CREDIT}
    async with connection.transaction():
        # expect: test[at_read_committed_two_orders_each_fit_and_together_do_not]
        placed = await connection.execute(
            """
            INSERT INTO orders (customer, cents)
            SELECT %(customer)s, %(cents)s
            WHERE %(cents)s + (
                SELECT coalesce(sum(cents), 0) FROM orders WHERE customer = %(customer)s
            ) <= %(credit)s
            """,
            values,
        )
        if not placed.rowcount:
            raise OverCreditError(customer)


async def pack_next_unlocked(connection: Connection, pack: Pack) -> bool:
    async with connection.transaction():
        found = await connection.execute(
            "SELECT id FROM orders WHERE NOT packed ORDER BY id LIMIT 1"
        )
        row = await found.fetchone()
        if row is None:
            return False
        (number,) = row
        # expect: test[without_a_lock_two_workers_pack_one_order]
        await pack(number)
        await connection.execute(PACKED, [number])
    return True


async def pack_next_in_line(connection: Connection, pack: Pack) -> bool:
    async with connection.transaction():
        # expect: test[without_skip_locked_the_second_worker_waits_for_the_first]
        found = await connection.execute(
            "SELECT id FROM orders WHERE NOT packed ORDER BY id LIMIT 1 FOR UPDATE"
        )
        row = await found.fetchone()
        if row is None:
            return False
        (number,) = row
        await pack(number)
        await connection.execute(PACKED, [number])
    return True
