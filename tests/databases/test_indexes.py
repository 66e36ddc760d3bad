import re
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from datetime import date
from itertools import count, pairwise
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from sqlalchemy import (
    URL,
    Connection,
    Index,
    MetaData,
    Select,
    create_engine,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.schema import CreateIndex, DropIndex

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Measured, undisturbed
from snippets.databases import indexes, indexes_avoid
from snippets.databases.indexes import Order, by_email, newest, placed_in, plan

pytestmark = pytest.mark.anyio

NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
DAY = {
    "postgresql": "date '2020-01-01' + i / 3",
    "sqlite": "date('2020-01-01', '+' || (i / 3) || ' days')",
}
ADA7 = "ada7@shop.example"
FILL = """
    WITH RECURSIVE numbers(i) AS (
        SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :rows
    )
    INSERT INTO orders (id, customer, email, placed_on, cents)
    SELECT i, i % 30, 'Ada' || i || '@shop.example', {day}, 100 FROM numbers
"""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


CREATE: LiteralString = """
    CREATE TABLE orders (
        id integer PRIMARY KEY, customer integer, email text, placed_on date,
        cents integer
    )
"""
CREATE_INDEX: dict[str, LiteralString] = {
    "orders_by_customer": (
        "CREATE INDEX orders_by_customer ON orders (customer, placed_on, id)"
    ),
    "orders_by_email": "CREATE INDEX orders_by_email ON orders (lower(email))",
}


class Shop:
    """A table of orders, and what a query does in it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.name = NAMES[connection.dialect.name]
        self.indexes: set[Index] = set()

    async def open(
        self, tables: MetaData = indexes.Base.metadata, *, rows: int = 6000
    ) -> None:
        """Create the table and its indexes, with orders of 30 customers."""
        await self.connection.run_sync(tables.create_all)
        self.indexes = tables.tables["orders"].indexes
        fill = FILL.format(day=DAY[self.connection.dialect.name])
        if rows:
            await self.connection.execute(text(fill), {"rows": rows})
        await self.analyze()

    async def analyze(self) -> None:
        await self.connection.execute(text("ANALYZE orders"))

    async def drop_indexes(self) -> None:
        for index in self.indexes:
            await self.connection.execute(DropIndex(index))

    async def create_indexes(self, tables: MetaData) -> None:
        self.indexes = tables.tables["orders"].indexes
        for index in self.indexes:
            await self.connection.execute(CreateIndex(index))
        await self.analyze()

    async def plan(self, query: Select[Any]) -> str:
        return await plan(self.connection, query)

    async def ids(self, query: Select[Any]) -> list[int]:
        return [row.id for row in await self.connection.execute(query)]

    async def add(self, *orders: tuple[int, int, str, date]) -> None:
        names = ("id", "customer", "email", "placed_on")
        rows = [dict(zip(names, order, strict=True)) | {"cents": 1} for order in orders]
        await self.connection.execute(insert(Order), rows)

    async def work(self, query: Select[Any]) -> int:
        """Count what a query costs: rows read in PostgreSQL, steps run in SQLite."""
        if self.name == "PostgreSQL":
            return rows_read((await self.analyzed(query))["Plan"])
        raw = await self.connection.get_raw_connection()
        steps = count()
        assert raw.driver_connection is not None
        await raw.driver_connection.set_progress_handler(lambda: next(steps) and 0, 1)
        await self.ids(query)
        await raw.driver_connection.set_progress_handler(None, 1)
        return next(steps)

    async def analyzed(self, query: Select[Any]) -> dict[str, Any]:
        """Have PostgreSQL run a query and tell what it did."""
        options = {"literal_binds": True}
        dialect = self.connection.dialect
        written = query.compile(dialect=dialect, compile_kwargs=options)
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {written}"
        (told,) = (await self.connection.exec_driver_sql(explain)).scalar_one()
        answer: dict[str, Any] = told
        return answer


def nodes(plan: dict[str, Any]) -> list[str]:
    """List the steps of a plan of PostgreSQL from the top, each with its index."""
    own = f"{plan['Node Type']} {plan.get('Index Name', '')}".strip()
    return [own, *(each for below in plan.get("Plans", []) for each in nodes(below))]


def rows_read(node: dict[str, Any]) -> int:
    """Add up the rows that a plan took from the table, also those it then left out."""
    below = sum(rows_read(each) for each in node.get("Plans", []))
    if "Relation Name" not in node:
        return below
    return int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0)) + below


@asynccontextmanager
async def connected(url: str | URL) -> AsyncGenerator[Shop]:
    # a cached EXPLAIN would tell of a dropped index: see the test of that
    uncached = {"cached_statements": 0} if "sqlite" in str(url) else {}
    engine = create_async_engine(url, connect_args=uncached)
    try:
        async with engine.connect() as connection:
            yield Shop(connection)
    finally:
        await engine.dispose()


@pytest.fixture
async def shop(database: str) -> AsyncGenerator[Shop]:
    async with connected(database) as shop:
        yield shop


@pytest.fixture
async def shops(postgresql: str, tmp_path: Path) -> AsyncGenerator[list[Shop]]:
    """Give a shop in PostgreSQL and one in SQLite, to be shown side by side."""
    server = make_url(postgresql).set(drivername="postgresql+asyncpg")
    file = f"sqlite+aiosqlite:///{tmp_path / 'shop.sqlite'}"
    async with connected(server) as one, connected(file) as other:
        yield [one, other]


async def test_a_customer_sees_the_newest_first_and_the_higher_number_before(
    shop: Shop,
) -> None:
    await shop.open(rows=0)
    monday, tuesday = date(2026, 1, 5), date(2026, 1, 6)
    await shop.add(
        (1, 7, "", tuesday), (2, 7, "", monday), (3, 7, "", tuesday), (4, 8, "", monday)
    )
    assert await shop.ids(newest(7, limit=9)) == [3, 1, 2]
    assert await shop.ids(newest(7, limit=2)) == [3, 1]


async def test_a_year_goes_from_its_first_day_to_its_last(shop: Shop) -> None:
    await shop.open(rows=0)
    days = [(2025, 12, 31), (2026, 1, 1), (2026, 12, 31), (2027, 1, 1)]
    await shop.add(*[(n, 7, "", date(*day)) for n, day in enumerate(days)])
    await shop.add((9, 8, "", date(2026, 6, 1)))
    assert sorted(await shop.ids(placed_in(7, 2026))) == [1, 2]
    assert sorted(await shop.ids(indexes_avoid.placed_in(7, 2026))) == [1, 2]


async def test_an_address_is_found_in_upper_and_lower_case(shop: Shop) -> None:
    await shop.open(rows=0)
    for number, email in enumerate(["Ada@shop.example", "ada@shop.example", "bob"]):
        await shop.add((number, 7, email, date(2026, 1, 1)))
    assert sorted(await shop.ids(by_email("aDa@shop.EXAMPLE"))) == [0, 1]


async def test_postgresql_answers_each_question_from_its_index_alone(
    shops: list[Shop],
) -> None:
    shop, _ = shops
    await shop.open()
    told: list[tuple[list[str], int]] = []
    for query in (newest(7, limit=5), placed_in(7, 2023), by_email(ADA7)):
        step = (await shop.analyzed(query))["Plan"]
        told.append((nodes(step), rows_read(step)))
    assert told == [
        (["Limit", "Index Scan orders_by_customer"], 5),
        (
            ["Bitmap Heap Scan", "Bitmap Index Scan orders_by_customer"],
            len(await shop.ids(placed_in(7, 2023))),
        ),
        (["Index Scan orders_by_email"], 1),
    ]


async def test_sqlite_answers_each_question_from_its_index_alone(
    shops: list[Shop],
) -> None:
    _, shop = shops
    await shop.open()
    queries = (newest(7, limit=5), placed_in(7, 2023), by_email(ADA7))
    both = "(customer=? AND placed_on>? AND placed_on<?)"
    assert [await shop.plan(query) for query in queries] == [
        "SEARCH orders USING INDEX orders_by_customer (customer=?)",
        f"SEARCH orders USING INDEX orders_by_customer {both}",
        "SEARCH orders USING INDEX orders_by_email (<expr>=?)",
    ]


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^limit=-1$"):
        newest(7, limit=-1)
    assert "LIMIT" in str(newest(7, limit=0))


@pytest.mark.parametrize("year", [-1, 0, 9999, 10**400], ids=lambda year: str(year)[:9])
def test_a_year_that_has_no_first_or_no_last_day_is_refused(year: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        placed_in(7, year)
    assert [str(placed_in(7, each))[:6] for each in (1, 9998)] == ["SELECT"] * 2


@pytest.mark.parametrize("email", ["", "'", "a:b", "%s", "$1", "\\", "Å" * 100_000])
async def test_a_plan_may_be_asked_for_with_any_text(shop: Shop, email: str) -> None:
    await shop.open(rows=0)
    assert "orders" in await shop.plan(by_email(email))


@pytest.mark.parametrize("email", ["\0", "\ud800"], ids=ascii)
async def test_a_text_that_no_database_takes_is_an_error(
    shop: Shop, email: str
) -> None:
    await shop.open(rows=0)
    with pytest.raises((DBAPIError, UnicodeEncodeError)):
        await shop.plan(by_email(email))


async def test_an_incremental_sort_below_a_limit_reads_no_more_than_it_has_to(
    shops: list[Shop],
) -> None:
    shop, _ = shops
    await shop.open()
    mixed = newest(7, limit=5).order_by(None)
    mixed = mixed.order_by(Order.placed_on.desc(), Order.id)
    step = (await shop.analyzed(mixed))["Plan"]
    steps_of = ["Limit", "Incremental Sort", "Index Scan orders_by_customer"]
    assert (nodes(step), rows_read(step)) == (steps_of, 6)


@pytest.mark.parametrize(
    ("options", "hot"),
    [("WITH (fillfactor = 50)", True), ("WITH (fillfactor = 100)", False)],
)
def test_an_update_touches_no_index_only_where_its_page_has_room(
    postgresql: str, options: LiteralString, *, hot: bool
) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(CREATE + options)
        connection.execute(CREATE_INDEX["orders_by_customer"])
        connection.execute(
            "INSERT INTO orders SELECT i, 7, 'ada', '2026-01-01', 1"
            " FROM generate_series(1, 500) AS i"
        )
        update: LiteralString = "UPDATE orders SET cents = 200 WHERE id = 1"
        assert (wal_records(connection, update) == 1) is hot


async def test_an_index_takes_the_place_of_reading_all_and_sorting(
    shops: list[Shop], evidence: Evidence
) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for shop in shops:
        await shop.open()
        after = await shop.plan(newest(7, limit=5))
        await shop.drop_indexes()
        before = await shop.plan(newest(7, limit=5))
        evidence.add(f"{shop.name}: newest(7, limit=5) without an index", before)
        evidence.add(f"{shop.name}: the same with orders_by_customer", after)
        seen[shop.name] = (before, after)
    before, after = seen["PostgreSQL"]
    assert "Seq Scan" in before
    assert "Sort Key: placed_on DESC, id DESC" in before
    assert "Index Scan Backward using orders_by_customer" in after
    assert seen["SQLite"] == (
        "SCAN orders\nUSE TEMP B-TREE FOR ORDER BY",
        "SEARCH orders USING INDEX orders_by_customer (customer=?)",
    )


async def test_a_function_around_the_column_defeats_its_index(
    shops: list[Shop], evidence: Evidence
) -> None:
    for shop in shops:
        await shop.open(indexes_avoid.Base.metadata)
        assert "ix_orders_email" in await shop.plan(plain_email("ada7@shop.example"))
        around = await shop.plan(by_email("ada7@shop.example"))
        await shop.drop_indexes()
        await shop.create_indexes(indexes.Base.metadata)
        after = await shop.plan(by_email("ada7@shop.example"))
        evidence.add(f"{shop.name}: by_email with an index on the column", around)
        evidence.add(f"{shop.name}: by_email with an index on lower(email)", after)
        assert around.splitlines()[0] in {"Seq Scan on orders", "SCAN orders"}
        assert "orders_by_email" in after


def plain_email(email: str) -> Select[Order]:
    return select(Order).where(Order.email == email)


async def test_an_index_on_an_expression_serves_that_expression_and_no_other(
    shop: Shop,
) -> None:
    await shop.open()
    assert "orders_by_email" not in await shop.plan(plain_email("ada7@shop.example"))


async def test_an_order_that_the_index_does_not_have_is_sorted(shop: Shop) -> None:
    await shop.open()
    mixed = newest(7, limit=5).order_by(None)
    mixed = mixed.order_by(Order.placed_on.desc(), Order.id)
    assert re.search("Sort|TEMP B-TREE", await shop.plan(mixed))
    await shop.connection.execute(
        text("CREATE INDEX mixed ON orders (customer, placed_on DESC, id)")
    )
    assert not re.search("Sort|TEMP B-TREE", await shop.plan(mixed))


async def test_what_is_read_is_what_is_asked_for(
    shops: list[Shop], measured: Measured
) -> None:
    query = newest(7, limit=5)
    for shop in shops:
        await shop.open()
        cost: dict[str, float] = {"for the question": await shop.work(query)}
        await shop.drop_indexes()
        without = await shop.work(query)
        await shop.create_indexes(indexes_avoid.Base.metadata)
        cost["one for each column"] = await shop.work(query)
        cost["no index"] = without
        what = "rows read" if shop.name == "PostgreSQL" else "steps run"
        measured.row(f"{shop.name}: {what} for the newest 5 of 200 orders", "", cost)
        one, each, none = cost.values()
        assert one < each / 10 < none / 10
        assert none >= 6000
        assert one == 5 or shop.name == "SQLite"


async def test_postgresql_finds_an_address_in_a_fraction_of_the_time(
    postgresql: str, measured: Measured
) -> None:
    async def time_of(shop: Shop) -> float:
        """Give the best of several runs, by the server's own clock."""
        runs = [await shop.analyzed(query) for _ in range(5)]
        return min(float(run["Execution Time"]) for run in runs)

    query = by_email("Ada7@shop.example")
    url = make_url(postgresql).set(drivername="postgresql+asyncpg")
    async with connected(url) as shop:
        await shop.open(rows=10_000)
        indexed = await time_of(shop)
        await shop.drop_indexes()
        await shop.create_indexes(indexes_avoid.Base.metadata)
        scanned = await time_of(shop)
    times = {"on lower(email)": 1.0, "on email": float(round(scanned / indexed))}
    what = "PostgreSQL: time to find an address in 10000 orders, with an index"
    measured.row(what, "times as long", times)
    assert scanned > 4 * indexed


def test_sqlite_finds_an_address_in_a_fraction_of_the_time(measured: Measured) -> None:
    def time_of(tables: MetaData) -> float:
        """Give the best of several runs, with the statement as SQLite gets it."""
        engine = create_engine("sqlite://")
        with engine.connect() as connection:
            tables.create_all(connection)
            connection.execute(text(FILL.format(day=DAY["sqlite"])), {"rows": 10_000})
            options = {"literal_binds": True}
            written = str(query.compile(connection, compile_kwargs=options))
            raw = driver(connection)
            times: list[float] = []
            for _ in range(5):
                with undisturbed():
                    start = time.perf_counter()
                    raw.execute(written).fetchall()
                    times.append(time.perf_counter() - start)
        engine.dispose()
        return min(times)

    query = by_email("Ada7@shop.example")
    indexed = time_of(indexes.Base.metadata)
    scanned = time_of(indexes_avoid.Base.metadata)
    times = {"on lower(email)": 1.0, "on email": float(round(scanned / indexed))}
    what = "SQLite: time to find an address in 10000 orders, with an index"
    measured.row(what, "times as long", times)
    assert scanned > 4 * indexed


def test_with_an_index_the_work_stays_while_the_table_grows(measured: Measured) -> None:
    sizes = [500, 1000, 2000, 4000]
    query = by_email("Ada7@shop.example")
    grown: dict[str, list[float]] = {}
    for name, tables in {
        "on lower(email)": indexes.Base.metadata,
        "on email": indexes_avoid.Base.metadata,
    }.items():
        engine = create_engine("sqlite://")
        with engine.connect() as connection:
            tables.create_all(connection)
            grown[name] = [steps(connection, query, rows) for rows in sizes]
        engine.dispose()
    flat, linear = grown.values()
    assert flat == [flat[0]] * 4
    assert [now / before for before, now in pairwise(linear)] == pytest.approx(
        [2, 2, 2], rel=0.1
    )
    measured.plot(
        "SQLite: work to find one address",
        "steps run",
        over="orders",
        sizes=sizes,
        values=grown,
    )


def steps(connection: Connection, query: Select[Any], rows: int) -> int:
    """Count the instructions that SQLite runs for a query among so many orders."""
    connection.execute(text("DELETE FROM orders"))
    connection.execute(text(FILL.format(day=DAY["sqlite"])), {"rows": rows})
    raw = driver(connection)
    ran = count()
    raw.set_progress_handler(lambda: next(ran) and 0, 1)
    assert len(connection.execute(query).all()) == 1
    raw.set_progress_handler(None, 1)
    return next(ran)


def test_sqlite_explains_a_cached_statement_by_an_index_that_was_dropped() -> None:
    explain = "EXPLAIN QUERY PLAN SELECT * FROM orders WHERE email = 'ada'"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE orders (email text)")
        connection.execute("CREATE INDEX orders_by_email ON orders (email)")
        before = connection.execute(explain).fetchall()
        connection.execute("DROP INDEX orders_by_email")
        assert "orders_by_email" in before[0][-1]
        assert connection.execute(explain).fetchall() == before
        anew = connection.execute(f"{explain} -- in other words").fetchall()
    assert [step[-1] for step in anew] == ["SCAN orders"]


def driver(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


async def test_postgresql_scans_a_table_of_one_page_whatever_its_indexes(
    postgresql: str,
) -> None:
    url = make_url(postgresql).set(drivername="postgresql+asyncpg")
    async with connected(url) as shop:
        await shop.open(rows=20)
        assert (await shop.plan(by_email("ada7"))).startswith("Seq Scan")


def wal_records(connection: psycopg.Connection, statement: LiteralString) -> int:
    """Count what a statement writes to the log: one record a row, one an index."""
    told = connection.execute(
        "EXPLAIN (ANALYZE, WAL, TIMING OFF, FORMAT JSON) " + statement
    ).fetchall()
    return int(told[0][0][0]["Plan"]["WAL Records"])


def test_each_index_is_written_to_with_every_row(
    postgresql: str, measured: Measured
) -> None:
    insert = "INSERT INTO orders VALUES (2, 7, 'bob', '2026-01-01', 100)"
    unindexed = "UPDATE orders SET cents = 200 WHERE id = 1"
    indexed = "UPDATE orders SET placed_on = '2026-01-02' WHERE id = 1"
    with psycopg.connect(postgresql) as connection:
        written: dict[str, list[int]] = {}
        for name, tables in {
            "2 indexes": ["orders_by_customer", "orders_by_email"],
            "none": [],
        }.items():
            connection.execute(CREATE)
            for each in tables:
                connection.execute(CREATE_INDEX[each])
            connection.execute(
                "INSERT INTO orders VALUES (1, 7, 'ada', '2026-01-01', 1)"
            )
            written[name] = [
                wal_records(connection, each) for each in (insert, unindexed, indexed)
            ]
            connection.rollback()
    assert written == {"2 indexes": [4, 1, 4], "none": [2, 1, 1]}
    for at, what in enumerate(
        ["a new order", "a new price", "a new date, which is in one index"]
    ):
        measured.row(
            f"PostgreSQL: log records for {what}",
            "",
            {name: each[at] for name, each in written.items()},
        )


def test_a_plain_create_index_keeps_writers_out_and_lets_readers_in(
    postgresql: str,
) -> None:
    with (
        psycopg.connect(postgresql, autocommit=True) as shop,
        psycopg.connect(postgresql, autocommit=True) as migration,
    ):
        shop.execute(CREATE)
        shop.execute("SET lock_timeout = '1ms'")
        with migration.transaction():
            migration.execute(CREATE_INDEX["orders_by_email"])
            with pytest.raises(psycopg.errors.LockNotAvailable):
                shop.execute("INSERT INTO orders VALUES (1, 7, 'a', '2026-01-01', 1)")
            assert shop.execute("SELECT * FROM orders").fetchall() == []
        with (
            pytest.raises(psycopg.errors.ActiveSqlTransaction),
            migration.transaction(),
        ):
            migration.execute("CREATE INDEX CONCURRENTLY ON orders (email)")


async def test_with_an_index_on_each_column_the_newest_five_are_sorted_out_of_more(
    shops: list[Shop], observe: Observe
) -> None:
    told: list[str] = []
    for shop in shops:
        await shop.open(indexes_avoid.Base.metadata)
        query = indexes_avoid.newest(7, limit=5)
        told.append(await shop.plan(query))
        if shop.name == "PostgreSQL":
            read = await shop.work(query)
            observe(f"PostgreSQL reads {read} rows for 5")
            assert read > 50
    assert "Sort Key: placed_on DESC, id DESC" in told[0]
    observe(f"SQLite: {told[1].splitlines()[-1]}")
    assert told[1].endswith("USE TEMP B-TREE FOR ORDER BY")


async def test_a_function_of_the_date_has_the_orders_of_all_years_read(
    shops: list[Shop], observe: Observe
) -> None:
    for shop in shops:
        await shop.open()  # with the index that placed_in needs
        rows = len(await shop.ids(indexes_avoid.placed_in(7, 2023)))
        told = await shop.plan(indexes_avoid.placed_in(7, 2023))
        if shop.name == "PostgreSQL":
            read = await shop.work(indexes_avoid.placed_in(7, 2023))
            observe(f"PostgreSQL reads {read} rows for {rows}")
            assert (read, await shop.work(placed_in(7, 2023))) == (200, rows)
            assert "Filter: (EXTRACT(year FROM placed_on)" in told
        else:
            observe(f"SQLite: {told}")
            assert told.endswith("(customer=?)")


async def test_a_function_of_the_address_has_the_whole_table_read(
    shops: list[Shop], observe: Observe
) -> None:
    for shop in shops:
        await shop.open(indexes_avoid.Base.metadata)
        query = indexes_avoid.by_email("Ada7@SHOP.example")
        assert await shop.ids(query) == [7]
        told = (await shop.plan(query)).splitlines()[0]
        observe(f"{shop.name}: {told}")
        assert told in {"Seq Scan on orders", "SCAN orders"}
