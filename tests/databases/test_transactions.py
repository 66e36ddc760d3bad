import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text, update
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Timeline
from snippets.databases import transactions_avoid as avoid
from snippets.databases.transactions import (
    Base,
    NewOrder,
    OutOfStockError,
    Stock,
    import_orders,
    make_engine,
    place,
)

pytestmark = pytest.mark.anyio

A_WHILE = 20  # seconds, after which a test that hangs fails

type Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Shop:
    """A shop that begins with five lamps and one desk."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.sessions: Sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def stock(self) -> dict[str, int]:
        return dict(await self._ask("SELECT item, pieces FROM stock"))

    async def orders(self) -> list[str]:
        return [number for (number,) in await self._ask("SELECT number FROM orders")]

    async def imports(self) -> dict[str, int]:
        return dict(await self._ask("SELECT file, refused FROM imports"))

    async def is_untouched(self) -> bool:
        all_three = await self.stock(), await self.orders(), await self.imports()
        return all_three == ({"lamp": 5, "desk": 1}, [], {})

    async def _ask(self, query: str) -> list[Any]:
        """Look at what is committed, from outside."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(text(f"{query} ORDER BY 1"))
            return [tuple(row) for row in rows]


@asynccontextmanager
async def opened(url: str, make: Callable[[str], AsyncEngine]) -> AsyncGenerator[Shop]:
    engine = make(url)
    try:
        async with asyncio.timeout(A_WHILE):
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all, checkfirst=False)
                stock = [{"item": "lamp", "pieces": 5}, {"item": "desk", "pieces": 1}]
                await connection.execute(insert(Stock), stock)
            yield Shop(engine)
    finally:
        await engine.dispose()


@pytest.fixture(name="shop")
async def a_shop(database: str) -> AsyncGenerator[Shop]:
    async with opened(database, make_engine) as shop:
        yield shop


def with_asyncpg(postgresql: str) -> str:
    return postgresql.replace("postgresql:", "postgresql+asyncpg:", 1)


def file_in(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'shop.sqlite'}"


def sent_by(engine: AsyncEngine) -> list[str]:
    """Keep what is sent, with what begins and ends a transaction."""
    sent: list[str] = []

    def keep(word: str) -> Callable[..., None]:
        return lambda *_: sent.append(word)

    def statement(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        sent.append(" ".join(sql.split()[: 4 if "SAVEPOINT" in sql else 3]))

    for name in ("begin", "commit", "rollback"):
        event.listen(engine.sync_engine, name, keep(name.upper()))
    event.listen(engine.sync_engine, "before_cursor_execute", statement)
    return sent


async def test_a_file_of_orders_is_imported_with_all_that_belongs_to_it(
    shop: Shop,
) -> None:
    orders = (
        NewOrder("A1", "lamp", 2),
        NewOrder("B2", "desk", 1),
        NewOrder("C3", "lamp", 3),
    )
    assert await import_orders(shop.sessions, "may.csv", orders) == []
    assert await shop.stock() == {"lamp": 0, "desk": 0}
    assert await shop.orders() == ["A1", "B2", "C3"]
    assert await shop.imports() == {"may.csv": 0}


@pytest.mark.parametrize(
    "bad",
    [("B2", "desk", 2), ("B2", "chair", 1), ("A1", "desk", 1)],
    ids=["too few pieces", "no such item", "number taken"],
)
async def test_an_order_that_is_refused_takes_nothing_and_the_others_are_kept(
    shop: Shop, bad: tuple[str, str, int]
) -> None:
    orders = [NewOrder("A1", "lamp", 2), NewOrder(*bad), NewOrder("C3", "lamp", 1)]
    assert await import_orders(shop.sessions, "may.csv", orders) == [bad[0]]
    assert await shop.stock() == {"lamp": 2, "desk": 1}
    assert await shop.orders() == ["A1", "C3"]
    assert await shop.imports() == {"may.csv": 1}


@pytest.mark.parametrize("pieces", [0, -3])
async def test_an_order_of_less_than_one_piece_is_refused_and_adds_nothing(
    shop: Shop, pieces: int
) -> None:
    orders = [NewOrder("A1", "lamp", pieces), NewOrder("B2", "lamp", 1)]
    assert await import_orders(shop.sessions, "may.csv", orders) == ["A1"]
    assert await shop.stock() == {"lamp": 4, "desk": 1}
    async with shop.sessions() as session:
        with pytest.raises(IntegrityError, match="something_ordered"):
            await place(session, NewOrder("A1", "lamp", pieces))


UNHEARD_OF = [
    NewOrder("B2", "lamp", -(2**70)),
    NewOrder("\ud800", "lamp", 1),
    NewOrder("B2", "\ud800", 1),
]


@pytest.mark.parametrize("bad", UNHEARD_OF, ids=ascii)
async def test_a_value_that_the_database_can_not_take_leaves_nothing(
    shop: Shop, bad: NewOrder
) -> None:
    orders = [NewOrder("A1", "lamp", 2), bad, NewOrder("C3", "lamp", 2)]
    with pytest.raises((SQLAlchemyError, OverflowError, UnicodeEncodeError)):
        await import_orders(shop.sessions, "may.csv", orders)
    assert await shop.is_untouched()


STEPS = 9  # as the test of what is sent lists them, without BEGIN and COMMIT


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_wherever_an_import_ends_early_it_leaves_nothing(
    shop: Shop, how: str
) -> None:
    left = 0

    def end_early(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0 and how == "fails":
            raise ConnectionError
        if left == 0:
            importing.cancel()

    event.listen(shop.engine.sync_engine, "before_cursor_execute", end_early)
    orders = [NewOrder("A1", "lamp", 2), NewOrder("A1", "lamp", 1)]
    untouched: list[bool] = []
    for step in range(1, STEPS + 1):
        left = step
        importing = asyncio.create_task(import_orders(shop.sessions, "may.csv", orders))
        with pytest.raises((ConnectionError, asyncio.CancelledError)):
            await importing
        left = -1
        untouched.append(await shop.is_untouched())
    assert untouched == [True] * STEPS


async def test_a_cancellation_of_the_commit_itself_does_not_stop_it(shop: Shop) -> None:
    def cancel(_connection: object) -> None:
        importing.cancel()

    event.listen(shop.engine.sync_engine, "commit", cancel)
    orders = [NewOrder("A1", "lamp", 2)]
    importing = asyncio.create_task(import_orders(shop.sessions, "may.csv", orders))
    with pytest.raises(asyncio.CancelledError):
        await importing
    event.remove(shop.engine.sync_engine, "commit", cancel)
    while not await shop.imports():
        pass
    assert await shop.orders() == ["A1"]
    with pytest.raises(IntegrityError, match="imports"):
        await import_orders(shop.sessions, "may.csv", orders)


@pytest.mark.parametrize(("orders", "overflowed"), [(64, False), (65, True)])
async def test_more_than_64_orders_overflow_the_cache_of_subtransactions(
    postgresql: str, orders: int, *, overflowed: bool
) -> None:
    query = text(
        """
        SELECT subxact_count, subxact_overflowed
        FROM pg_stat_get_backend_idset() AS id, pg_stat_get_backend_subxact(id)
        WHERE pg_stat_get_backend_pid(id) = pg_backend_pid()
        """
    )
    async with (
        opened(with_asyncpg(postgresql), make_engine) as shop,
        shop.sessions.begin() as session,
    ):
        await session.execute(update(Stock).values(pieces=orders))
        for number in range(orders):
            async with session.begin_nested():
                await place(session, NewOrder(str(number), "lamp", 1))
        [(count, told)] = await session.execute(query)
    assert (count, told) == (64, overflowed)


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("", ArgumentError),
        ("foo://shop", NoSuchModuleError),
        ("sqlite://", InvalidRequestError),
        ("postgresql+asyncpg://db:port/shop", ValueError),
        ("mysql+aiomysql://db/shop", ImportError),
    ],
)
def test_a_url_of_no_database_that_can_be_reached_is_refused(
    url: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        make_engine(url)


async def test_a_file_is_imported_once_and_then_refused_as_a_whole(shop: Shop) -> None:
    await import_orders(shop.sessions, "may.csv", [NewOrder("A1", "lamp", 2)])
    with pytest.raises(IntegrityError, match="imports"):
        await import_orders(shop.sessions, "may.csv", [NewOrder("B2", "lamp", 2)])
    assert await shop.stock() == {"lamp": 3, "desk": 1}
    assert await shop.orders() == ["A1"]


async def test_one_transaction_holds_a_savepoint_for_each_order(
    shop: Shop, evidence: Evidence
) -> None:
    sent = sent_by(shop.engine)
    orders = [NewOrder("A1", "lamp", 2), NewOrder("A1", "lamp", 1)]
    await import_orders(shop.sessions, "may.csv", orders)
    evidence.add("As sent for a file that holds order A1 twice", "\n".join(sent))
    assert sent == [
        "BEGIN",
        "SAVEPOINT sa_savepoint_1",
        "UPDATE stock SET",
        "INSERT INTO orders",
        "RELEASE SAVEPOINT sa_savepoint_1",
        "SAVEPOINT sa_savepoint_2",
        "UPDATE stock SET",
        "INSERT INTO orders",
        "ROLLBACK TO SAVEPOINT sa_savepoint_2",
        "INSERT INTO imports",
        "COMMIT",
    ]


async def test_an_order_is_placed_when_its_caller_commits(
    shop: Shop, timeline: Timeline
) -> None:
    async def look() -> None:
        stock, orders = await shop.stock(), await shop.orders()
        timeline.add("bob", "notes", f"{stock['lamp']} lamps, orders {orders}")

    with timeline.lane("ada"):
        async with shop.sessions.begin() as session:
            await place(session, NewOrder("A1", "lamp", 2))
            timeline.add("ada", "notes", "place()")
            await look()
        timeline.add("ada", "notes", "commit()")
        await look()
    assert timeline.told == [
        "ada starts",
        "ada notes: place()",
        "bob notes: 5 lamps, orders []",
        "ada notes: commit()",
        "bob notes: 3 lamps, orders ['A1']",
        "ada ends",
    ]


@pytest.mark.parametrize(
    ("order", "refusal", "says"),
    [
        (("A1", "lamp", 1), IntegrityError, "orders"),
        (("B2", "lamp", 4), OutOfStockError, "^B2$"),
        (("B2", "chair", 1), OutOfStockError, "^B2$"),
    ],
)
async def test_an_order_that_can_not_be_placed_is_refused_at_once(
    shop: Shop, order: tuple[str, str, int], refusal: type[Exception], says: str
) -> None:
    async with shop.sessions.begin() as session:
        await place(session, NewOrder("A1", "lamp", 2))
    async with shop.sessions() as session:
        with pytest.raises(refusal, match=says):
            await place(session, NewOrder(*order))


async def test_what_a_savepoint_released_goes_with_the_transaction(shop: Shop) -> None:
    async with shop.sessions() as session:
        async with session.begin_nested():
            await place(session, NewOrder("A1", "lamp", 2))
        await session.rollback()
    assert await shop.is_untouched()


async def test_an_import_holds_every_row_that_it_changed_until_it_commits(
    postgresql: str, timeline: Timeline, evidence: Evidence
) -> None:
    async def import_june() -> None:
        june = [NewOrder("C3", "lamp", 1)]
        assert await import_orders(shop.sessions, "june.csv", june) == []
        timeline.add("june.csv", "ends")

    async def wait() -> str:
        """Wait until the server says that somebody waits for a lock; tell for what."""
        query = text(
            """
            SELECT wait_event_type, wait_event, split_part(query, ' ', 1)
            FROM pg_stat_activity
            WHERE usename = current_user AND pg_blocking_pids(pid) <> '{}'
            """
        )
        while True:
            async with shop.engine.connect() as outside:
                for kind, lock, word in await outside.execute(query):
                    return f"{kind:17}{lock:15}{word}"

    async with opened(with_asyncpg(postgresql), make_engine) as shop:
        async with shop.sessions.begin() as session:
            async with session.begin_nested():
                await place(session, NewOrder("A1", "lamp", 2))
            timeline.add("may.csv", "notes", "releases A1")
            importing = asyncio.create_task(import_june())
            waits = await wait()
            timeline.add("june.csv", "waits", "UPDATE stock")
            await place(session, NewOrder("B2", "desk", 1))
            timeline.add("may.csv", "notes", "places B2")
        timeline.add("may.csv", "ends", "commits")
        await importing
        assert await shop.stock() == {"lamp": 2, "desk": 0}
    heading = f"{'wait_event_type':17}{'wait_event':15}query"
    evidence.add("The second import, in pg_stat_activity", f"{heading}\n{waits}")
    assert waits.split() == ["Lock", "transactionid", "UPDATE"]
    assert timeline.told == [
        "may.csv notes: releases A1",
        "june.csv waits: UPDATE stock",
        "may.csv notes: places B2",
        "may.csv ends: commits",
        "june.csv ends",
    ]


async def test_on_postgresql_one_refused_order_fails_the_whole_file(
    postgresql: str, observe: Observe
) -> None:
    orders = [avoid.NewOrder(number, "lamp", 1) for number in ("A1", "A1", "B2")]
    async with opened(with_asyncpg(postgresql), make_engine) as shop:
        with pytest.raises(DBAPIError) as failed:
            await avoid.import_without_savepoint(shop.sessions, "may.csv", orders)
        assert await shop.is_untouched()
    said = str(failed.value.orig).rpartition(": ")[2]
    observe(said)
    assert said.startswith("current transaction is aborted")


async def test_on_sqlite_a_refused_order_keeps_the_pieces_that_it_took(
    tmp_path: Path, observe: Observe
) -> None:
    orders = [avoid.NewOrder(number, "lamp", 1) for number in ("A1", "A1", "B2")]
    async with opened(file_in(tmp_path), make_engine) as shop:
        refused = await avoid.import_without_savepoint(shop.sessions, "may.csv", orders)
        stock, placed = await shop.stock(), await shop.orders()
    observe(f"5 lamps, placed: {placed}, {stock['lamp']} left")
    assert (refused, placed) == (["A1"], ["A1", "B2"])
    assert stock["lamp"] == 2


async def test_on_sqlite_half_an_order_is_released_where_its_failure_is_caught_inside(
    tmp_path: Path,
) -> None:
    async with opened(file_in(tmp_path), make_engine) as shop:
        for _ in range(2):
            async with shop.sessions.begin() as session, session.begin_nested():
                with suppress(IntegrityError):
                    await place(session, NewOrder("A1", "lamp", 2))
        assert await shop.orders() == ["A1"]
        assert await shop.stock() == {"lamp": 1, "desk": 1}


async def test_on_sqlite_what_a_savepoint_released_outlives_the_roll_back(
    tmp_path: Path, observe: Observe
) -> None:
    async with opened(file_in(tmp_path), avoid.make_engine) as shop:
        async with shop.sessions() as session:
            async with session.begin_nested():
                await place(session, NewOrder("A1", "lamp", 2))
            await session.rollback()
        orders = await shop.orders()
    observe(f"rolled back, and yet there: {orders}")
    assert orders == ["A1"]


async def test_on_postgresql_an_engine_needs_nothing_for_savepoints(
    postgresql: str,
) -> None:
    async with opened(with_asyncpg(postgresql), avoid.make_engine) as shop:
        async with shop.sessions() as session:
            async with session.begin_nested():
                await place(session, NewOrder("A1", "lamp", 2))
            await session.rollback()
        assert await shop.is_untouched()


async def test_a_roll_back_for_one_order_loses_the_ones_before_it(
    shop: Shop, observe: Observe
) -> None:
    orders = [avoid.NewOrder(number, "lamp", 1) for number in ("A1", "B2", "B2", "C3")]
    refused = await avoid.import_with_roll_back(shop.sessions, "may.csv", orders)
    placed = await shop.orders()
    observe(f"refused: {refused}, placed: {placed}; A1 is neither")
    assert refused == ["B2"]
    assert placed == ["C3"]
    assert await shop.imports() == {"may.csv": 1}
    assert await shop.stock() == {"lamp": 4, "desk": 1}


async def test_without_a_bad_order_the_roll_back_is_never_missed(shop: Shop) -> None:
    orders = [avoid.NewOrder("A1", "lamp", 1), avoid.NewOrder("B2", "lamp", 1)]
    assert await avoid.import_with_roll_back(shop.sessions, "may.csv", orders) == []
    assert await shop.orders() == ["A1", "B2"]


async def test_a_roll_back_costs_nothing_where_the_first_order_is_the_bad_one(
    shop: Shop,
) -> None:
    orders = [avoid.NewOrder("A1", "lamp", 9), avoid.NewOrder("B2", "lamp", 1)]
    refused = await avoid.import_with_roll_back(shop.sessions, "may.csv", orders)
    assert (refused, await shop.orders()) == (["A1"], ["B2"])


async def place_in_steps(session: AsyncSession, order: avoid.NewOrder) -> None:
    """Compose the step that commits with one that may fail."""
    await avoid.take_for_good(session, order)
    await session.execute(insert(avoid.Order).values(asdict(order)))
    await session.commit()


async def test_pieces_are_gone_for_an_order_that_was_never_placed(
    shop: Shop, observe: Observe
) -> None:
    async with shop.sessions() as session:
        await place_in_steps(session, avoid.NewOrder("A1", "lamp", 2))
    async with shop.sessions() as session:
        with pytest.raises(IntegrityError):
            await place_in_steps(session, avoid.NewOrder("A1", "lamp", 2))
    stock, orders = await shop.stock(), await shop.orders()
    observe(f"5 lamps, order A1 of 2 placed once, {stock['lamp']} left")
    assert orders == ["A1"]
    assert stock["lamp"] == 1


async def test_a_step_that_commits_shows_others_half_an_order(
    shop: Shop, timeline: Timeline
) -> None:
    async def look() -> None:
        stock, orders = await shop.stock(), await shop.orders()
        timeline.add("bob", "notes", f"{stock['lamp']} lamps, orders {orders}")

    with timeline.lane("ada"):
        async with shop.sessions() as session:
            order = avoid.NewOrder("A1", "lamp", 2)
            await avoid.take_for_good(session, order)
            timeline.add("ada", "notes", "take_for_good()")
            await look()
            await session.execute(insert(avoid.Order).values(asdict(order)))
            await session.commit()
        timeline.add("ada", "notes", "commit()")
        await look()
    assert timeline.told == [
        "ada starts",
        "ada notes: take_for_good()",
        "bob notes: 3 lamps, orders []",
        "ada notes: commit()",
        "bob notes: 3 lamps, orders ['A1']",
        "ada ends",
    ]
