"""Keep a shop's stock and orders in PostgreSQL, and their rules in Python."""

from collections.abc import Awaitable, Callable

from psycopg import AsyncConnection

type Pack = Callable[[int], Awaitable[None]]

CREDIT = 500_00  # cents that a customer may owe

ORDER = """
INSERT INTO orders (customer, cents) SELECT %(customer)s, %(cents)s
WHERE %(cents)s + (
    SELECT coalesce(sum(cents), 0) FROM orders WHERE customer = %(customer)s
) <= %(credit)s
"""

NEXT = """
SELECT id FROM orders WHERE NOT packed AND tries < 5 AND free_at <= now()
ORDER BY id LIMIT 1
"""

CLAIM = """
UPDATE orders SET tries = tries + 1, free_at = now() + interval '1 minute'
WHERE id = %s
"""


async def take_after_a_look(
    connection: AsyncConnection, item: str, pieces: int
) -> bool:
    async with connection.transaction():
        # --8<-- [start:answer]
        look = "SELECT pieces FROM stock WHERE item = %s"
        row = await (await connection.execute(look, [item])).fetchone()
        if row is None or not 1 <= pieces <= row[0]:
            return False
        # expect: test[two_takes_that_both_looked_first_lose_one_update]
        await connection.execute(
            "UPDATE stock SET pieces = %s WHERE item = %s", [row[0] - pieces, item]
        )
        # --8<-- [end:answer]
    return True


async def receive_after_a_look(
    connection: AsyncConnection, item: str, pieces: int
) -> None:
    async with connection.transaction():
        look = "SELECT FROM stock WHERE item = %s"
        change = "UPDATE stock SET pieces = pieces + %s WHERE item = %s"
        if not (await connection.execute(look, [item])).rowcount:
            change = "INSERT INTO stock (pieces, item) VALUES (%s, %s)"
        # expect: test[two_deliveries_that_both_looked_first_collide]
        await connection.execute(change, [pieces, item])


async def order_in_one_statement(
    connection: AsyncConnection, customer: str, cents: int
) -> bool:
    values = {"customer": customer, "cents": cents, "credit": CREDIT}
    # expect: test[at_read_committed_two_orders_each_fit_and_together_do_not]
    placed = await connection.execute(ORDER, values)
    return placed.rowcount == 1


async def claim_without_a_lock(connection: AsyncConnection) -> int | None:
    async with connection.transaction():
        row = await (await connection.execute(NEXT)).fetchone()
        if row is None:
            return None
        # expect: test[without_a_lock_two_workers_claim_one_order]
        await connection.execute(CLAIM, row)
    return int(row[0])


async def pack_in_the_transaction(connection: AsyncConnection, pack: Pack) -> bool:
    async with connection.transaction():
        found = await connection.execute(f"{NEXT} FOR UPDATE SKIP LOCKED")
        row = await found.fetchone()
        if row is not None:
            await connection.execute(CLAIM, row)
            # expect: test[an_order_whose_packing_always_fails_is_tried_for_ever]
            await pack(row[0])
            await connection.execute(
                "UPDATE orders SET packed = true WHERE id = %s", row
            )
    return row is not None
