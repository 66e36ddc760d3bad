import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any, LiteralString, override

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import AsyncConnection
from psycopg.errors import (
    Diagnostic,
    FeatureNotSupported,
    NotNullViolation,
    UndefinedColumn,
)
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from proof.testing.basics import Observe, lacking
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Timeline
from snippets.databases import migrations
from snippets.databases.migrations import (
    contract,
    expand,
    migrate,
    undo_contract,
    undo_expand,
    undo_migrate,
)
from snippets.databases.migrations_avoid import add_and_fill, convert

pytestmark = pytest.mark.anyio

A_WHILE = 20  # seconds, after which a test that hangs fails

NOT_VALID: LiteralString = (
    "ALTER TABLE orders ADD CONSTRAINT cents_known NOT NULL cents NOT VALID"
)
VALIDATE: LiteralString = "ALTER TABLE orders VALIDATE CONSTRAINT cents_known"

type Step = Callable[[], None]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class OldCode:
    """What the shop runs before: it knows the total alone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        connection.prepare_threshold = 0  # prepare whatever is executed

    async def place(self, cents: int) -> int:
        return await self._one(
            "INSERT INTO orders (total) VALUES (%s) RETURNING id",
            Decimal(cents) / 100,
        )

    async def change(self, order: int, cents: int) -> None:
        await self._one(
            "UPDATE orders SET total = %s WHERE id = %s RETURNING id",
            Decimal(cents) / 100,
            order,
        )

    async def pack(self, order: int) -> None:
        await self._one(
            "UPDATE orders SET packed = true WHERE id = %s RETURNING id", order
        )

    async def read(self, order: int) -> int | None:
        return await self._one("SELECT total * 100 FROM orders WHERE id = %s", order)

    async def _one(self, query: LiteralString, *values: object) -> int:
        [(value,)] = await (await self.connection.execute(query, values)).fetchall()
        cents: int = value
        return cents


class NewCode(OldCode):
    """What the shop runs afterwards: it knows the cents alone."""

    @override
    async def place(self, cents: int) -> int:
        return await self._one(
            "INSERT INTO orders (cents) VALUES (%s) RETURNING id", cents
        )

    @override
    async def change(self, order: int, cents: int) -> None:
        await self._one(
            "UPDATE orders SET cents = %s WHERE id = %s RETURNING id", cents, order
        )

    @override
    async def read(self, order: int) -> int | None:
        return await self._one("SELECT cents FROM orders WHERE id = %s", order)


class Shop:
    """A shop with a few orders in a table of the old form."""

    def __init__(
        self,
        url: str,
        engine: AsyncEngine,
        outside: AsyncConnection,
        stack: AsyncExitStack,
    ) -> None:
        self.engine = engine
        self._url, self._outside, self._stack = url, outside, stack

    async def connect(self, name: str = "") -> AsyncConnection:
        connection = await AsyncConnection.connect(
            self._url, autocommit=True, application_name=name
        )
        return await self._stack.enter_async_context(connection)

    async def run(self, *steps: Step) -> list[str]:
        """Run each step as Alembic does, in a transaction of its own.

        Returns:
            What the server remarked.
        """

        def remark(told: Diagnostic) -> None:
            said.append(told.message_primary or "")

        said: list[str] = []
        async with self.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            driver.add_notice_handler(remark)
            for step in steps:
                await connection.run_sync(run_as_alembic_does, step)
        return said

    async def ask(self, query: LiteralString) -> list[Any]:
        return await (await self._outside.execute(query)).fetchall()

    async def waiting(self, *names: str, for_: str = "") -> str:
        """Wait until the server says that these wait for a lock; tell for whose."""
        query: LiteralString = """
            SELECT application_name, mode, (
                SELECT string_agg(application_name, ', ') FROM pg_stat_activity
                WHERE pid = ANY (pg_blocking_pids(a.pid))
            )
            FROM pg_stat_activity a JOIN pg_locks l USING (pid)
            WHERE usename = current_user AND wait_event_type = 'Lock' AND NOT granted
            ORDER BY waitstart
        """
        rows: list[Any] = []
        while [name for name, mode, _ in rows if for_ in mode] != list(names):
            rows = await self.ask(query)
        told = [f"{name:11}{mode:21}{by}" for name, mode, by in rows]
        return "\n".join([f"{'waits':11}{'for':21}behind", *told])

    async def columns(self) -> str:
        """Describe the table."""
        found = await self.ask(
            """
            SELECT attname, format_type(atttypid, atttypmod), attnotnull
            FROM pg_attribute
            WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped
            ORDER BY attname
            """
        )
        return "\n".join(
            f"{name:8}{kind}{' NOT NULL' if given else ''}"
            for name, kind, given in found
        )


def run_as_alembic_does(connection: Connection, step: Step) -> None:
    context = MigrationContext.configure(
        connection, opts={"transaction_per_migration": True}
    )
    with context.begin_transaction(_per_migration=True), Operations.context(context):
        step()


@pytest.fixture(name="shop")
async def a_shop(postgresql: str) -> AsyncGenerator[Shop]:
    url = postgresql.replace("postgresql:", "postgresql+psycopg:", 1)
    named = {"application_name": "migration"}
    engine = create_async_engine(url, connect_args=named)
    async with AsyncExitStack() as stack, asyncio.timeout(A_WHILE):
        stack.push_async_callback(engine.dispose)
        outside = await AsyncConnection.connect(postgresql, autocommit=True)
        await stack.enter_async_context(outside)
        await outside.execute(
            """
            CREATE TABLE orders (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                total numeric(12, 2) NOT NULL,
                packed boolean NOT NULL DEFAULT false
            );
            INSERT INTO orders (total) VALUES (0.29), (19.99), (100)
            """
        )
        yield Shop(postgresql, engine, outside, stack)


@pytest.fixture
async def old(shop: Shop) -> OldCode:
    return OldCode(await shop.connect("checkout"))


@pytest.fixture
async def new(shop: Shop) -> NewCode:
    return NewCode(await shop.connect("checkout"))


FORWARD = [expand, migrate, contract]
BACK = [undo_contract, undo_migrate, undo_expand]
OLD_ALONE = """\
id      bigint NOT NULL
packed  boolean NOT NULL
total   numeric(12,2) NOT NULL"""
NEW_ALONE = """\
cents   bigint NOT NULL
id      bigint NOT NULL
packed  boolean NOT NULL"""


LEFT: LiteralString = """
SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'orders'::regclass
UNION SELECT proname FROM pg_proc
WHERE pronamespace = current_schema::regnamespace
UNION SELECT conname FROM pg_constraint
WHERE conrelid = 'orders'::regclass AND contype = 'c'
"""


def last_of(steps: int) -> str:
    """Name the last of so many steps there and back."""
    return [*FORWARD, *BACK][steps - 1].__name__


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let migrations give up at once, to save the test the time."""
    monkeypatch.setattr(migrations, "PATIENCE", "SET lock_timeout = '10ms'")


@pytest.mark.parametrize("steps", [1, 2, 4, 5], ids=last_of)
async def test_between_expand_and_contract_both_codes_work_on_each_others_orders(
    shop: Shop, old: OldCode, new: NewCode, steps: int
) -> None:
    await shop.run(*[*FORWARD, *BACK][:steps])
    for writes, reads in ((old, new), (new, old), (old, old), (new, new)):
        order = await writes.place(1999)
        assert await reads.read(order) == 1999
        await reads.change(order, 29)
        assert await writes.read(order) == 29
        await reads.pack(order)
        assert await writes.read(order) == 29


async def test_the_old_code_alone_works_before_the_first_step(
    old: OldCode, new: NewCode
) -> None:
    assert [await old.read(order) for order in (1, 2, 3)] == [29, 1999, 10_000]
    with pytest.raises(UndefinedColumn):
        await new.place(7)


async def test_the_new_code_alone_works_after_the_last_step(
    shop: Shop, old: OldCode, new: NewCode
) -> None:
    await shop.run(*FORWARD)
    assert [await new.read(order) for order in (1, 2, 3)] == [29, 1999, 10_000]
    await new.change(await new.place(7), 8)
    with pytest.raises(UndefinedColumn):
        await old.place(7)


async def test_what_was_ordered_before_has_its_cents_once_it_is_migrated(
    shop: Shop, new: NewCode
) -> None:
    await shop.run(expand)
    assert [await new.read(order) for order in (1, 2, 3)] == [None, None, None]
    await shop.run(migrate)
    assert [await new.read(order) for order in (1, 2, 3)] == [29, 1999, 10_000]


async def test_an_order_from_before_has_its_cents_as_soon_as_somebody_touches_it(
    shop: Shop, old: OldCode, new: NewCode
) -> None:
    await shop.run(expand)
    await old.pack(1)
    await old.change(2, 50)
    await new.change(3, 70)
    assert [await new.read(order) for order in (1, 2, 3)] == [29, 50, 70]
    assert [await old.read(order) for order in (1, 2, 3)] == [29, 50, 70]


async def test_the_way_back_leads_to_the_old_table_with_all_new_orders_in_it(
    shop: Shop, old: OldCode, new: NewCode
) -> None:
    await shop.run(*FORWARD)
    order = await new.place(999_999_999_999)
    await shop.run(undo_contract)
    assert await old.read(order) is None
    await shop.run(undo_migrate)
    assert await old.read(order) == await new.read(order) == 999_999_999_999
    await shop.run(undo_expand)
    assert [await old.read(each) for each in (1, 2, 3)] == [29, 1999, 10_000]
    await old.place(7)


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_one_can_turn_back_after_any_step(shop: Shop, steps: int) -> None:
    await shop.run(*FORWARD[:steps], *BACK[-steps:])
    assert await shop.columns() == OLD_ALONE
    assert await shop.ask(LEFT) == []


async def test_each_step_leaves_the_columns_that_the_next_release_needs(
    shop: Shop, evidence: Evidence
) -> None:
    seen: list[str] = []
    told: list[str] = []
    for step in (*FORWARD, *BACK):
        await shop.run(step)
        seen.append(await shop.columns())
        prices = [each for each in seen[-1].splitlines() if each[0] in "ct"]
        told.append(
            f"{step.__name__:15}{', '.join(map(' '.join, map(str.split, prices)))}"
        )
    evidence.add("The columns after each step", "\n".join(told))
    both = f"cents   bigint NOT NULL\n{OLD_ALONE}"
    assert seen == [
        f"cents   bigint\n{OLD_ALONE}",
        both,
        NEW_ALONE,
        both.removesuffix(" NOT NULL"),
        both,
        OLD_ALONE,
    ]


async def test_nothing_is_left_of_the_steps_but_the_column(shop: Shop) -> None:
    await shop.run(*FORWARD)
    assert await shop.columns() == NEW_ALONE
    assert await shop.ask(LEFT) == []


async def test_nobody_can_leave_the_price_out(shop: Shop) -> None:
    await shop.run(expand)
    nobodys = await shop.connect()
    with pytest.raises(NotNullViolation):
        await nobodys.execute("INSERT INTO orders DEFAULT VALUES")
    await shop.run(migrate, contract)
    with pytest.raises(NotNullViolation, match='"cents"'):
        await nobodys.execute("INSERT INTO orders DEFAULT VALUES")


async def test_expanding_adds_the_column_without_rewriting_the_table(
    shop: Shop,
) -> None:
    query: LiteralString = "SELECT pg_relation_filenode('orders')"
    before = await shop.ask(query)
    await shop.run(expand)
    assert await shop.ask(query) == before
    await shop.run(undo_expand, convert)
    assert await shop.ask(query) != before


async def test_every_batch_is_a_transaction_of_its_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await shop.connect()).execute(
        """
        DELETE FROM orders WHERE id = 2;
        INSERT INTO orders (total) VALUES (1), (2), (3);
        UPDATE orders SET packed = true WHERE id IN (1, 4)  -- now last in the file
        """
    )
    monkeypatch.setattr(migrations, "BATCH", 2)
    await shop.run(expand, migrate)
    assert await batches(shop) == [[1, 3], [4, 5], [6]]


async def test_each_batch_is_sought_behind_the_one_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(_connection: object, _cursor: object, said: str, *_: object) -> None:
        if said.startswith("SELECT max"):
            seeks.append("orders.id >" in said)

    seeks: list[bool] = []
    monkeypatch.setattr(migrations, "BATCH", 1)
    await shop.run(expand)
    event.listen(shop.engine.sync_engine, "before_cursor_execute", keep)
    await shop.run(migrate)
    assert seeks == [False, True, True, True]


async def test_a_batch_has_five_thousand_orders(shop: Shop) -> None:
    await (await shop.connect()).execute(
        "INSERT INTO orders (total) SELECT 1 FROM generate_series(4, 5001)"
    )
    await shop.run(expand, migrate)
    assert [len(each) for each in await batches(shop)] == [5000, 1]


async def batches(shop: Shop) -> list[list[int]]:
    """List the orders that one transaction wrote, for each."""
    query: LiteralString = """
        SELECT array_agg(id ORDER BY id) FROM orders
        GROUP BY xmin::text ORDER BY min(id)
    """
    return [ids for (ids,) in await shop.ask(query)]


@pytest.mark.parametrize("ids", [(-(2**63), -7, 0), (2**63 - 1,)], ids=str)
async def test_orders_of_any_number_are_filled(
    shop: Shop, new: NewCode, ids: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "BATCH", 1)
    connection = await shop.connect()
    for each in ids:
        await connection.execute(
            "INSERT INTO orders (id, total) OVERRIDING SYSTEM VALUE VALUES (%s, 0.29)",
            [each],
        )
    await shop.run(expand, migrate)
    assert [await new.read(each) for each in ids] == [29] * len(ids)


async def test_orders_that_come_in_during_the_filling_are_not_chased(
    shop: Shop, old: OldCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come_in(_connection: object, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's
        if statement.lstrip().startswith("UPDATE"):
            updates.append(statement)
            cursor.execute("INSERT INTO orders (total) VALUES (1)")

    updates: list[str] = []
    monkeypatch.setattr(migrations, "BATCH", 1)
    await shop.run(expand)
    event.listen(shop.engine.sync_engine, "before_cursor_execute", come_in)
    await shop.run(migrate)
    assert len(updates) == 3
    assert await old.read(6) == 100


async def test_every_statement_is_sent_alone_as_asyncpg_demands(shop: Shop) -> None:
    def keep(_connection: object, _cursor: object, said: str, *_: object) -> None:
        sent.append(said)

    sent: list[str] = []
    event.listen(shop.engine.sync_engine, "before_cursor_execute", keep)
    await shop.run(*FORWARD, *BACK)
    bodies_apart = [re.sub(r"\$\$.*\$\$", "", each, flags=re.DOTALL) for each in sent]
    assert [each for each in bodies_apart if ";" in each] == []
    assert len(bodies_apart) == 32


async def test_from_18_on_a_not_null_that_is_not_valid_takes_the_place_of_the_check(
    shop: Shop, evidence: Evidence
) -> None:
    connection = await shop.connect()
    if connection.info.server_version < 18_00_00:
        lacking("PostgreSQL 18")
    await connection.execute("ALTER TABLE orders ADD cents bigint")
    await connection.execute(NOT_VALID)
    with pytest.raises(NotNullViolation, match='"cents"'):
        await connection.execute("INSERT INTO orders (total) VALUES (1)")
    await connection.execute("UPDATE orders SET cents = total * 100")
    await connection.execute(VALIDATE)
    assert (await shop.columns()).startswith("cents   bigint NOT NULL")
    evidence.add("From PostgreSQL 18 on, instead", f"{NOT_VALID};\n{VALIDATE};")


async def test_orders_written_since_the_expansion_are_not_written_again(
    shop: Shop, old: OldCode
) -> None:
    await shop.run(expand)
    await old.change(2, 5)
    await shop.run(migrate)
    assert await batches(shop) == [[1, 3], [2]]


@asynccontextmanager
async def held_up(shop: Shop) -> AsyncGenerator[None]:
    """Hold a filling up at order 1 for as long as this lasts."""
    holder = await shop.connect()
    await holder.execute(
        """
        CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock('orders'::regclass::oid::bigint);
            RETURN new;
        END $$;
        CREATE TRIGGER hold BEFORE UPDATE ON orders FOR EACH ROW
        WHEN (old.id = 1) EXECUTE FUNCTION hold();
        SELECT pg_advisory_lock('orders'::regclass::oid::bigint);
        """
    )
    yield
    await holder.close()


async def test_a_change_that_the_filling_waits_for_is_not_overwritten(
    shop: Shop,
    old: OldCode,
    new: NewCode,
    timeline: Timeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrations, "BATCH", 1)
    await shop.run(expand)
    async with AsyncExitStack() as holding:
        await holding.enter_async_context(held_up(shop))
        migrating = asyncio.create_task(shop.run(migrate))
        await shop.waiting("migration")
        async with old.connection.transaction():
            await old.change(2, 5)
            timeline.add("checkout", "notes", "UPDATE order 2")
            await holding.aclose()
            await shop.waiting("migration", for_="ShareLock")
            timeline.add("migration", "waits", "UPDATE order 2")
            timeline.add("checkout", "notes", "COMMIT")
        await migrating
    timeline.add("migration", "ends")
    assert [await new.read(order) for order in (1, 2, 3)] == [29, 5, 10_000]
    assert timeline.told == [
        "checkout notes: UPDATE order 2",
        "migration waits: UPDATE order 2",
        "checkout notes: COMMIT",
        "migration ends",
    ]


async def test_on_the_way_back_too_orders_can_be_touched_before_they_are_filled(
    shop: Shop, old: OldCode, new: NewCode
) -> None:
    await shop.run(*FORWARD, undo_contract)
    await new.pack(1)
    await new.change(2, 5)
    assert [await old.read(order) for order in (1, 2, 3)] == [29, 5, None]
    assert [await new.read(order) for order in (1, 2, 3)] == [29, 5, 10_000]


async def test_no_scan_is_needed_to_forbid_nulls_that_a_check_has_ruled_out(
    shop: Shop, evidence: Evidence
) -> None:
    def migrate_with_debug_messages() -> None:
        op.execute("SET client_min_messages = debug1")
        migrate()

    await shop.run(expand)
    said = await shop.run(migrate_with_debug_messages)
    [proof] = [each for each in said if "existing constraints" in each]
    evidence.add("What the server says to SET NOT NULL, at debug1", proof)
    assert proof == (
        'existing constraints on column "orders.cents" are sufficient to prove'
        " that it does not contain nulls"
    )


@pytest.mark.parametrize("steps", range(1, 7), ids=last_of)
async def test_every_statement_that_locks_the_table_waits_two_seconds_at_most(
    shop: Shop, steps: int
) -> None:
    def and_look() -> None:
        connection = op.get_bind()
        event.listen(connection, "before_cursor_execute", look)
        step()
        event.remove(connection, "before_cursor_execute", look)

    def look(_connection: object, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's
        if statement.lstrip().startswith(("ALTER", "UPDATE", "CREATE TR", "DROP F")):
            cursor.execute("SHOW lock_timeout")
            limits.append(cursor.fetchone()[0])

    limits: list[str] = []
    *before, step = [*FORWARD, *BACK][:steps]
    await shop.run(*before, and_look)
    assert len(limits) == (6 if step in {migrate, undo_migrate} else 2)
    assert set(limits) == {"2s"}


@pytest.mark.parametrize("steps", range(1, 7), ids=last_of)
async def test_a_step_that_gets_no_lock_gives_up_and_can_be_run_again(
    shop: Shop, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    *before, step = [*FORWARD, *BACK][:steps]
    await shop.run(*before)
    columns = await shop.columns()
    report = await shop.connect("report")
    with monkeypatch.context() as patch:
        impatient(patch)
        async with report.transaction():
            await report.execute("SELECT FROM orders")
            with pytest.raises(OperationalError, match="lock timeout"):
                await shop.run(step)
            assert await shop.columns() == columns
    await shop.run(step)
    assert await shop.columns() != columns


async def test_a_filling_that_failed_half_way_can_be_run_again(
    shop: Shop, new: NewCode
) -> None:
    await shop.run(expand)
    await (await shop.connect()).execute(
        "ALTER TABLE orders ADD CONSTRAINT cents_known CHECK (cents > 0) NOT VALID"
    )
    await shop.run(migrate)
    assert await new.read(1) == 29
    assert await shop.ask(LEFT) == [("orders_follow",)]


async def test_while_a_report_runs_expanding_gives_up_and_the_checkout_goes_on(
    shop: Shop, old: OldCode, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    report = await shop.connect("report")
    async with report.transaction():
        await report.execute("SELECT FROM orders")
        timeline.add("report", "notes", "SELECT")
        timeline.add("migration", "waits", "ALTER TABLE")
        with pytest.raises(OperationalError, match="lock timeout"):
            await shop.run(expand)
        timeline.add("migration", "fails", "lock timeout")
        assert await old.read(1) == 29
        timeline.add("checkout", "notes", "SELECT")
    timeline.add("report", "ends")
    await shop.run(expand)
    timeline.add("migration", "ends", "the second time")
    assert timeline.told == [
        "report notes: SELECT",
        "migration waits: ALTER TABLE",
        "migration fails: lock timeout",
        "checkout notes: SELECT",
        "report ends",
        "migration ends: the second time",
    ]


async def test_a_prepared_select_star_does_not_survive_the_new_column(
    shop: Shop,
) -> None:
    checkout = await shop.connect()
    checkout.prepare_threshold = 0
    await checkout.execute("SELECT * FROM orders")
    await shop.run(expand)
    with pytest.raises(FeatureNotSupported, match="cached plan must not change"):
        await checkout.execute("SELECT * FROM orders")


async def test_while_a_report_runs_the_migration_waits_and_every_checkout_behind_it(
    shop: Shop,
    old: OldCode,
    timeline: Timeline,
    evidence: Evidence,
    observe: Observe,
) -> None:
    report = await shop.connect("report")
    async with report.transaction():
        await report.execute("SELECT FROM orders")
        timeline.add("report", "notes", "SELECT")
        migrating = asyncio.create_task(shop.run(add_and_fill))
        await shop.waiting("migration")
        timeline.add("migration", "waits", "ALTER TABLE")
        reading = asyncio.create_task(old.read(1))
        waiting = await shop.waiting("migration", "checkout")
        timeline.add("checkout", "waits", "SELECT")
        assert not reading.done()
    timeline.add("report", "ends")
    await migrating
    timeline.add("migration", "ends")
    assert await reading == 29
    timeline.add("checkout", "goes on")
    evidence.add("Who waits, in pg_stat_activity and pg_locks", waiting)
    name, lock, behind = waiting.splitlines()[-1].split()
    observe(f"{name} waits for {lock} behind {behind}")
    assert waiting.splitlines()[1:] == [
        "migration  AccessExclusiveLock  report",
        "checkout   AccessShareLock      migration",
    ]
    assert timeline.told == [
        "report notes: SELECT",
        "migration waits: ALTER TABLE",
        "checkout waits: SELECT",
        "report ends",
        "migration ends",
        "checkout goes on",
    ]


async def test_nobody_reads_an_order_until_all_are_filled(
    shop: Shop, old: OldCode, observe: Observe
) -> None:
    async with shop.engine.begin() as connection:
        await connection.run_sync(run_as_alembic_does, add_and_fill)
        reading = asyncio.create_task(old.read(1))
        waiting = await shop.waiting("checkout")
    assert await reading == 29
    name, lock, behind = waiting.splitlines()[-1].split()
    observe(f"{name} waits for {lock} behind {behind}")
    assert waiting.splitlines()[1:] == ["checkout   AccessShareLock      migration"]


async def test_an_order_of_the_old_code_costs_nothing_in_the_new_code(
    shop: Shop, old: OldCode, new: NewCode, observe: Observe
) -> None:
    await shop.run(add_and_fill)
    order = await old.place(1999)
    read = await new.read(order)
    observe(f"ordered for 1999 cents, read as {read}")
    assert read == 0


async def test_the_old_code_fails_as_soon_as_the_column_has_its_new_name(
    shop: Shop, old: OldCode, new: NewCode, observe: Observe
) -> None:
    await shop.run(convert)
    with pytest.raises(UndefinedColumn) as failed:
        await old.place(7)
    observe(f"UndefinedColumn: {failed.value.diag.message_primary}")
    assert await new.read(2) == 1999
