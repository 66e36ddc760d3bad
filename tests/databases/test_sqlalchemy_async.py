import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, inspect, select
from sqlalchemy.exc import (
    DBAPIError,
    IllegalStateChangeError,
    InvalidRequestError,
    MissingGreenlet,
    NoResultFound,
    ResourceClosedError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlalchemy.util import await_only

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Timeline
from snippets.databases import sqlalchemy_async_avoid as avoid
from snippets.databases.sqlalchemy_async import (
    Base,
    Line,
    Order,
    Sessions,
    open_sessions,
    ship,
    ship_all,
)

pytestmark = pytest.mark.anyio

NUMBERS = (1, 2, 3)
ENOUGH = 10  # seconds, for what takes milliseconds
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@asynccontextmanager
async def orders_in(url: str) -> AsyncGenerator[AsyncEngine]:
    """Make tables with three new orders of two lines each, last changed long ago."""
    orders = [{"number": n, "status": "new", "changed": LONG_AGO} for n in NUMBERS]
    lines = [{"number": n, "article": a} for n in NUMBERS for a in ("lamp", "bulb")]
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(insert(Order), orders)
            await connection.execute(insert(Line), lines)
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(database: str) -> AsyncGenerator[AsyncEngine]:
    async with orders_in(database) as engine:
        yield engine


@pytest.fixture
async def asyncpg(postgresql: str) -> AsyncGenerator[AsyncEngine]:
    url = postgresql.replace("postgresql:", "postgresql+asyncpg:")
    async with orders_in(url) as engine:
        yield engine


@pytest.fixture
async def aiosqlite(tmp_path: Path) -> AsyncGenerator[AsyncEngine]:
    async with orders_in(f"sqlite+aiosqlite:///{tmp_path / 'orders'}") as engine:
        yield engine


@pytest.fixture
def sessions(engine: AsyncEngine) -> Sessions:
    return open_sessions(engine)


class OutOfStockError(Exception):
    """The warehouse has none."""


async def picked(_number: int) -> None:
    """Find the articles."""
    await asyncio.sleep(0)


class Warehouse:
    """Holds order 2 up until another is shipped, and then has none."""

    def __init__(self) -> None:
        self.searching = asyncio.Event()
        self.other_is_shipped = asyncio.Event()

    async def pick(self, number: int) -> None:
        if number == 2:
            self.searching.set()
            await self.other_is_shipped.wait()
            raise OutOfStockError


async def statuses(engine: AsyncEngine) -> dict[int, str]:
    async with engine.connect() as connection:
        rows = await connection.execute(select(Order.number, Order.status))
        return {row.number: row.status for row in rows}


def connections_in_use(engine: AsyncEngine) -> list[int]:
    """Keep how many connections are in use, whenever one more is."""
    used: list[int] = []
    pool = engine.sync_engine.pool

    @event.listens_for(pool, "checkout")
    def count(*_: object) -> None:
        used.append(len(held) + 1)
        held.append(None)

    @event.listens_for(pool, "checkin")
    def discount(*_: object) -> None:
        held.pop()

    held: list[None] = []
    return used


async def test_each_order_is_shipped_and_read_without_a_session(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    shipped = await ship_all((3, 1), sessions, picked)
    assert [(order.number, order.status) for order in shipped] == [
        (3, "shipped"),
        (1, "shipped"),
    ]
    articles = [[line.article for line in order.lines] for order in shipped]
    assert articles == [["lamp", "bulb"]] * 2
    assert await statuses(engine) == {1: "shipped", 2: "new", 3: "shipped"}


async def test_what_the_server_set_is_read_without_a_session_too(
    sessions: Sessions,
) -> None:
    order = await ship(1, sessions, picked)
    assert order.changed.year > LONG_AGO.year


async def test_the_update_itself_returns_what_the_server_set(
    asyncpg: AsyncEngine, evidence: Evidence
) -> None:
    @event.listens_for(asyncpg.sync_engine, "before_cursor_execute")
    def sent(_connection: object, _cursor: object, said: str, *_: object) -> None:
        statements.append(said)

    statements: list[str] = []
    await ship(1, open_sessions(asyncpg), picked)
    evidence.add("What ship() sends to PostgreSQL", ";\n".join(statements))
    orders, lines, change = statements
    assert "FROM orders" in orders
    assert "FROM order_lines" in lines
    assert change.endswith("RETURNING orders.changed")


async def test_orders_shipped_at_once_have_a_connection_each(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    in_use = connections_in_use(engine)

    @event.listens_for(engine.sync_engine.pool, "checkout")
    def wait_for_the_others(*_: object) -> None:
        await_only(together.wait())

    together = asyncio.Barrier(len(NUMBERS))
    async with asyncio.timeout(ENOUGH):
        await ship_all(NUMBERS, sessions, picked)
    assert max(in_use) == len(NUMBERS)


async def test_no_connection_is_held_while_the_articles_are_picked(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    async def pick(_number: int) -> None:
        await asyncio.sleep(0)
        assert in_use == []

    in_use = connections_in_use(engine)
    await ship(1, sessions, pick)
    assert in_use == [1]


async def test_an_order_that_nobody_could_pick_stays_new(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    warehouse = Warehouse()
    second = asyncio.create_task(ship(2, sessions, warehouse.pick))
    await warehouse.searching.wait()
    await ship(1, sessions, warehouse.pick)
    warehouse.other_is_shipped.set()
    with pytest.raises(OutOfStockError):
        await second
    assert await statuses(engine) == {1: "shipped", 2: "new", 3: "new"}


@pytest.mark.parametrize(
    ("gates", "most"), [({}, 5), ({"at_once": 2}, 2)], ids=["default", "two"]
)
async def test_no_more_orders_are_shipped_at_once_than_there_are_gates(
    gates: dict[str, int], most: int, aiosqlite: AsyncEngine
) -> None:
    async def pick(number: int) -> None:
        picking.add(number)
        seen.append(len(picking))
        await asyncio.sleep(0)
        picking.remove(number)

    picking = set[int]()
    seen = list[int]()
    orders = [Order(number=number, status="new") for number in range(4, 8)]
    sessions = open_sessions(aiosqlite)
    async with sessions.begin() as session:
        session.add_all(orders)
    await ship_all(range(1, 8), sessions, pick, **gates)
    assert max(seen) == most


@pytest.mark.parametrize("at_once", [0, -1])
async def test_fewer_gates_than_one_are_refused(
    sessions: Sessions, at_once: int
) -> None:
    with pytest.raises(ValueError, match=f"^at_once={at_once}$"):
        async with asyncio.timeout(ENOUGH):
            await ship_all(NUMBERS, sessions, picked, at_once=at_once)


@pytest.mark.parametrize("number", [2**63, 10**400], ids=["2**63", "10**400"])
async def test_a_number_that_no_database_can_take_is_refused(
    sessions: Sessions, number: int
) -> None:
    with pytest.raises((DBAPIError, OverflowError)):
        await ship(number, sessions, picked)


async def test_one_gate_is_enough(engine: AsyncEngine, sessions: Sessions) -> None:
    await ship_all(NUMBERS, sessions, picked, at_once=1)
    assert set((await statuses(engine)).values()) == {"shipped"}


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_wherever_shipping_ends_early_the_order_stays_new(
    engine: AsyncEngine, sessions: Sessions, how: str
) -> None:
    left = 0

    def end_early(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0 and how == "fails":
            raise ConnectionError
        if left == 0:
            shipping.cancel()

    event.listen(engine.sync_engine, "before_cursor_execute", end_early)
    told: list[dict[int, str]] = []
    for step in (1, 2):  # the order, its lines; the update belongs to the commit
        left = step
        shipping = asyncio.create_task(ship(1, sessions, picked))
        with pytest.raises((ConnectionError, asyncio.CancelledError)):
            await shipping
        left = -1
        told.append(await statuses(engine))
    assert told == [dict.fromkeys(NUMBERS, "new")] * 2


async def test_an_unknown_order_is_refused(sessions: Sessions) -> None:
    with pytest.raises(NoResultFound):
        await ship(99, sessions, picked)
    with pytest.RaisesGroup(NoResultFound):
        await ship_all([99], sessions, picked)


async def test_a_forgotten_option_is_an_error_that_names_the_relation(
    sessions: Sessions,
) -> None:
    async with sessions() as session:
        order = await session.get_one(Order, 1)
        with pytest.raises(InvalidRequestError) as refused:
            _ = order.lines
    said = "'Order.lines' is not available due to lazy='raise'"
    assert str(refused.value) == said


async def test_an_object_that_outlives_its_commit_is_as_old_as_its_load(
    sessions: Sessions,
) -> None:
    async with sessions() as session:
        order = await session.get_one(Order, 1)
        await session.commit()
        await ship(1, sessions, picked)
        kept = order.status
        await session.refresh(order)
        assert [kept, order.status] == ["new", "shipped"]


async def test_the_lines_of_an_order_are_found_by_an_index(engine: AsyncEngine) -> None:
    def indexed(connection: Connection) -> list[list[str | None]]:
        indexes = inspect(connection).get_indexes("order_lines")
        return [index["column_names"] for index in indexes]

    async with engine.connect() as connection:
        assert await connection.run_sync(indexed) == [["number"]]


async def test_postgresql_keeps_the_zone_of_a_change(asyncpg: AsyncEngine) -> None:
    order = await ship(1, open_sessions(asyncpg), picked)
    assert order.changed.tzinfo is not None


async def test_the_commit_of_one_task_saves_the_half_done_work_of_another(
    engine: AsyncEngine, sessions: Sessions, observe: Observe, timeline: Timeline
) -> None:
    async def pick(number: int) -> None:
        lane = f"order {number}"
        timeline.add(lane, "notes", "status = shipped")
        with timeline.wait(lane, "pick"):
            await warehouse.pick(number)
        timeline.add(lane, "notes", "commit()")

    @event.listens_for(engine.sync_engine, "commit")
    def committed(*_: object) -> None:
        timeline.add("database", "notes", "COMMIT")

    warehouse = Warehouse()
    async with sessions() as session:
        second = asyncio.create_task(avoid.ship_in_shared_session(2, session, pick))
        await warehouse.searching.wait()
        await avoid.ship_in_shared_session(1, session, pick)
        warehouse.other_is_shipped.set()
        with pytest.raises(OutOfStockError):
            await second
        timeline.add("order 2", "fails", "OutOfStockError")
        await session.rollback()
    told = await statuses(engine)
    timeline.add("database", "notes", f"order 2 is {told[2]}")
    observe(f"order 2 is {told[2]}, and nobody could pick it")
    assert told == {1: "shipped", 2: "shipped", 3: "new"}
    assert timeline.told == [
        "order 2 notes: status = shipped",
        "order 2 waits: pick",
        "order 1 notes: status = shipped",
        "order 1 waits: pick",
        "order 1 goes on",
        "order 1 notes: commit()",
        "database notes: COMMIT",
        "order 2 fails: OutOfStockError",
        "database notes: order 2 is shipped",
    ]


async def test_two_commits_at_once_both_fail(
    engine: AsyncEngine, sessions: Sessions, observe: Observe
) -> None:
    async def pick(_number: int) -> None:
        await both.wait()

    both = asyncio.Barrier(2)
    async with sessions() as session:
        await session.scalar(select(Order.number))  # the session has its connection
        outcomes = await asyncio.gather(
            avoid.ship_in_shared_session(1, session, pick),
            avoid.ship_in_shared_session(2, session, pick),
            return_exceptions=True,
        )
    first, second = sorted(outcomes, key=lambda outcome: type(outcome).__name__)
    observe(f"{type(first).__name__} in one, {type(second).__name__} in the other")
    assert isinstance(first, IllegalStateChangeError)
    assert isinstance(second, ResourceClosedError)
    assert set((await statuses(engine)).values()) == {"new"}


async def test_a_flush_during_a_flush_fails(
    engine: AsyncEngine, sessions: Sessions, observe: Observe
) -> None:
    with pytest.RaisesGroup(InvalidRequestError) as failed:
        await avoid.ship_all_in_one_transaction((1, 2), sessions)
    (error,) = failed.value.exceptions
    observe(error)
    assert str(error) == "Session is already flushing"
    assert set((await statuses(engine)).values()) == {"new"}


async def test_reads_at_once_take_turns_on_one_connection(
    engine: AsyncEngine, sessions: Sessions, observe: Observe
) -> None:
    in_use = connections_in_use(engine)
    async with sessions() as session:
        counts = await avoid.count_by_status(["new", "shipped", "lost"], session)
    observe(f"3 reads, {max(in_use)} connection, no error")
    assert counts == {"new": 3, "shipped": 0, "lost": 0}
    assert in_use == [1]


async def test_the_same_reads_fail_on_a_pool_without_a_connection(
    asyncpg: AsyncEngine, observe: Observe
) -> None:
    await asyncpg.dispose()
    async with open_sessions(asyncpg)() as session:
        with pytest.RaisesGroup(InvalidRequestError) as failed:
            await avoid.count_by_status(["new", "shipped"], session)
    (error,) = failed.value.exceptions
    said, _, _ = str(error).partition("\n")
    observe(f"{type(error).__name__}: {said}")
    assert said.startswith("This session is provisioning a new connection; concurrent")


async def refused(reading: Awaitable[object]) -> list[str]:
    """Read what is not loaded, and tell the exception and what it carries."""
    with pytest.raises((MissingGreenlet, StatementError)) as failed:
        await reading
    error = failed.value
    told = [error, error.orig] if isinstance(error, StatementError) else [error]
    return [type(each).__name__ for each in told]


async def refused_and_collected(reading: Awaitable[object]) -> list[str]:
    told = await refused(reading)
    gc.collect()  # finds the coroutine that the exception's traceback kept
    return told


async def test_after_a_commit_reading_an_attribute_needs_the_database(
    asyncpg: AsyncEngine, observe: Observe
) -> None:
    told = await refused(avoid.ship_and_tell(1, asyncpg))
    observe(*told)
    assert told == ["MissingGreenlet"]


async def test_run_sync_gives_a_lazy_load_the_greenlet_that_it_lacks(
    sessions: Sessions,
) -> None:
    async with sessions() as session:
        order = await session.get_one(avoid.Order, 1)
        lines = await session.run_sync(lambda _: order.lines)
    assert [line.article for line in lines] == ["lamp", "bulb"]


async def test_a_lazy_load_is_a_missing_greenlet_on_asyncpg(
    asyncpg: AsyncEngine, observe: Observe
) -> None:
    told = await refused(avoid.articles(1, open_sessions(asyncpg)))
    observe(*told)
    assert told == ["MissingGreenlet"]


async def test_a_lazy_load_is_a_statement_error_on_aiosqlite(
    aiosqlite: AsyncEngine, observe: Observe
) -> None:
    with pytest.warns(RuntimeWarning, match="'Connection.cursor' was never awaited"):
        told = await refused_and_collected(avoid.articles(1, open_sessions(aiosqlite)))
    observe(", caused by ".join(told))
    assert told == ["StatementError", "MissingGreenlet"]


async def test_what_the_server_set_is_not_there_after_an_update(
    sessions: Sessions, observe: Observe
) -> None:
    with pytest.raises(DetachedInstanceError) as failed:
        await avoid.ship_and_date(1, sessions)
    observe(type(failed.value).__name__)
