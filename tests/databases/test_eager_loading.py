from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, ForeignKey, delete, event, insert, inspect, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, InvalidRequestError, MissingGreenlet
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    make_transient_to_detached,
    mapped_column,
    raiseload,
    relationship,
    selectinload,
)
from sqlalchemy.util import await_only

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Measured
from snippets.databases import eager_loading_avoid as avoid
from snippets.databases.eager_loading import (
    Base,
    Customer,
    Line,
    Note,
    Order,
    orders_to_pack,
    packing_slip,
)

pytestmark = pytest.mark.anyio

type Write = Callable[[AsyncSession], Awaitable[list[str]]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@asynccontextmanager
async def tables_in(url: str) -> AsyncGenerator[AsyncEngine]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(database: str) -> AsyncGenerator[AsyncEngine]:
    async with tables_in(database) as engine:
        yield engine


@pytest.fixture
async def asyncpg(postgresql: str) -> AsyncGenerator[AsyncEngine]:
    url = postgresql.replace("postgresql:", "postgresql+asyncpg:")
    async with tables_in(url) as engine:
        yield engine


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncGenerator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


async def place(
    engine: AsyncEngine, numbers: Iterable[int], *, lines: int = 2, notes: int = 1
) -> None:
    """Place orders with lines and notes, each of a customer of its own."""
    numbers = list(numbers)
    rows: dict[type[Base], list[dict[str, object]]] = {
        Customer: [{"id": n, "name": f"customer {n}"} for n in numbers],
        Order: [{"number": n, "customer_id": n, "status": "new"} for n in numbers],
        Line: [
            {"number": n, "position": p, "article": f"article {p}", "quantity": n}
            for n in numbers
            for p in range(lines, 0, -1)  # the last comes first
        ],
        Note: [{"number": n, "text": "fragile"} for n in numbers for _ in range(notes)],
    }
    async with engine.begin() as connection:
        for table, values in rows.items():
            if values:
                await connection.execute(insert(table), values)


@contextmanager
def statements(engine: AsyncEngine) -> Generator[list[str]]:
    """Keep the statements that are sent."""

    def keep(_connection: object, _cursor: object, said: str, *_: object) -> None:
        sent.append(said)

    sent: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", keep)


async def packing_slips(session: AsyncSession) -> list[str]:
    return [packing_slip(order) for order in await orders_to_pack(session)]


async def count(engine: AsyncEngine, write: Write) -> int:
    """Count the statements behind the slips, which are the same however written."""
    async with AsyncSession(engine) as session:
        with statements(engine) as sent:
            slips = await write(session)
        orders = (await session.scalars(select(Order.number))).all()
    assert sorted(slips) == sorted(
        f"customer {n}: {n} article 1, {n} article 2" for n in orders
    )
    return len(sent)


async def test_the_slips_name_customer_and_articles_in_their_order(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [2, 1])
    assert await packing_slips(session) == [
        "customer 1: 1 article 1, 1 article 2",
        "customer 2: 2 article 1, 2 article 2",
    ]


async def test_two_statements_load_all_orders_however_many(
    engine: AsyncEngine, measured: Measured
) -> None:
    sizes = 1, 5, 25
    counts: dict[Write, list[int]] = {
        packing_slips: [],
        avoid.packing_slips_one_by_one: [],
    }
    placed = 0
    for size in sizes:
        await place(engine, range(placed + 1, size + 1))
        placed = size
        for write, counted in counts.items():
            counted.append(await count(engine, write))
    eager, lazy = counts.values()
    assert eager == [2, 2, 2]
    assert lazy == [1 + 2 * size for size in sizes]
    measured.plot(
        "Statements for the slips of all orders",
        "statements",
        over="orders",
        sizes=sizes,
        values={"eager": eager, "one by one": lazy},
    )


async def test_one_joins_the_customer_and_one_has_the_keys_of_all_orders(
    engine: AsyncEngine, session: AsyncSession, evidence: Evidence
) -> None:
    await place(engine, [1, 2])
    with statements(engine) as sent:
        await orders_to_pack(session)
    evidence.add("What orders_to_pack() sends", ";\n".join(sent))
    orders, lines = sent
    assert "orders JOIN customers" in orders
    assert "FROM order_lines \nWHERE order_lines.number IN (" in lines


@pytest.mark.parametrize(
    ("limit", "found", "sent"),
    [({}, 100, 2), ({"at_most": 1000}, 501, 3)],
    ids=["default", "1000"],
)
async def test_a_hundred_are_read_and_the_keys_are_sent_by_five_hundred(
    tmp_path: Path, limit: dict[str, int], found: int, sent: int
) -> None:
    async with tables_in(f"sqlite+aiosqlite:///{tmp_path / 'orders'}") as engine:
        await place(engine, range(501), lines=1, notes=0)
        async with AsyncSession(engine) as session:
            with statements(engine) as told:
                orders = await orders_to_pack(session, **limit)
    assert [order.number for order in orders] == list(range(found))
    assert {len(order.lines) for order in orders} == {1}
    assert len(told) == sent


@pytest.mark.parametrize(
    ("at_most", "refusal"),
    [
        (-1, ValueError),
        (-(10**400), ValueError),
        (2**63, (DBAPIError, OverflowError)),
        (10**400, (DBAPIError, OverflowError)),
    ],
    ids=["-1", "-10**400", "2**63", "10**400"],
)
async def test_a_limit_that_no_database_can_take_is_refused(
    session: AsyncSession,
    at_most: int,
    refusal: type[Exception] | tuple[type[Exception], ...],
) -> None:
    with pytest.raises(refusal):
        await orders_to_pack(session, at_most=at_most)


async def test_no_order_is_read_where_none_is_asked_for(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [1])
    assert await orders_to_pack(session, at_most=0) == []


async def test_at_read_committed_the_two_statements_may_see_two_states(
    asyncpg: AsyncEngine,
) -> None:
    def drop_the_lines(
        _connection: object, _cursor: object, said: str, *_: object
    ) -> None:
        if said.startswith("SELECT order_lines"):
            await_only(remove_lines())

    async def remove_lines() -> None:
        async with asyncpg.begin() as other:
            await other.execute(delete(Line))

    await place(asyncpg, [1])
    async with AsyncSession(asyncpg) as session:
        event.listen(asyncpg.sync_engine, "before_cursor_execute", drop_the_lines)
        (order,) = await orders_to_pack(session)
    assert (order.customer.name, order.lines) == ("customer 1", [])


async def test_only_new_orders_are_packed(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [1])
    session.add(Order(number=2, customer_id=1, status="shipped"))
    session.add(Order(number=3, customer_id=1))
    assert [order.number for order in await orders_to_pack(session)] == [1, 3]


async def test_what_the_query_did_not_load_is_an_error_by_name(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [1])
    (order,) = await orders_to_pack(session)
    with pytest.raises(InvalidRequestError) as refused:
        _ = order.notes
    said = "'Order.notes' is not available due to lazy='raise'"
    assert str(refused.value) == said
    with pytest.raises(InvalidRequestError, match=said):
        await session.run_sync(lambda _: order.notes)


async def test_a_relation_that_is_mapped_eager_is_loaded_by_every_query(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    class Eager(DeclarativeBase): ...

    class EagerLine(Eager):
        __tablename__ = "order_lines"
        number: Mapped[int] = mapped_column(
            ForeignKey("orders.number"), primary_key=True
        )

    class EagerOrder(Eager):
        __tablename__ = "orders"
        number: Mapped[int] = mapped_column(primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
        lines: Mapped[list[EagerLine]] = relationship(lazy="selectin")

    class EagerCustomer(Eager):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        orders: Mapped[list[EagerOrder]] = relationship(lazy="selectin")

    await place(engine, [1])
    with statements(engine) as sent:
        await session.get_one(EagerCustomer, 1)
    assert len(sent) == 3


def test_joinedload_keeps_orders_without_a_customer_unless_told_otherwise() -> None:
    outer = select(Order).options(joinedload(Order.customer))
    inner = select(Order).options(joinedload(Order.customer, innerjoin=True))
    assert "LEFT OUTER JOIN" in str(outer)
    assert "OUTER" not in str(inner)


@pytest.mark.parametrize("relation", ["customer", "lines", "notes"])
def test_every_relation_has_to_be_asked_for(relation: str) -> None:
    order = Order(number=1, customer_id=1)
    make_transient_to_detached(order)  # as if it had been read
    with pytest.raises(InvalidRequestError, match="not available due to lazy='raise'"):
        getattr(order, relation)


async def test_a_relation_is_refused_even_if_the_session_holds_it(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [1])
    held = await session.get_one(Customer, 1)
    order = await session.get_one(Order, 1)
    assert order.customer_id == held.id
    with pytest.raises(InvalidRequestError, match="due to lazy='raise'"):
        _ = order.customer


async def test_raise_on_sql_still_lets_luck_decide(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    await place(engine, [1, 2])
    held = await session.get_one(avoid.Customer, 1)
    option = raiseload(avoid.Order.customer, sql_only=True)
    first, second = (await session.scalars(avoid.NEW.options(option))).all()
    assert first.customer is held
    with pytest.raises(InvalidRequestError, match="lazy='raise_on_sql'"):
        _ = second.customer


async def test_the_keys_by_which_relations_are_found_have_an_index(
    engine: AsyncEngine,
) -> None:
    def keys(connection: Connection) -> dict[str, list[str]]:
        tables = inspect(connection)
        return {
            table: tables.get_pk_constraint(table)["constrained_columns"]
            + [str(i["column_names"]) for i in tables.get_indexes(table)]
            for table in tables.get_table_names()
        }

    async with engine.connect() as connection:
        assert await connection.run_sync(keys) == {
            "customers": ["id"],
            "order_lines": ["number", "position"],
            "order_notes": ["id", "['number']"],
            "orders": ["number"],
        }


async def test_every_order_costs_two_statements_more(
    engine: AsyncEngine, observe: Observe
) -> None:
    await place(engine, range(10))
    counted = await count(engine, avoid.packing_slips_one_by_one)
    observe(f"10 orders: {counted} statements")
    assert counted == 21


async def test_run_sync_hides_the_same_statements(
    engine: AsyncEngine, observe: Observe
) -> None:
    await place(engine, range(10))
    counted = await count(engine, avoid.packing_slips_in_sync)
    observe(f"10 orders: {counted} statements")
    assert counted == 21


async def test_a_forgotten_relation_works_while_the_session_happens_to_hold_it(
    engine: AsyncEngine, session: AsyncSession, observe: Observe
) -> None:
    await place(engine, [1])
    held = await session.get_one(avoid.Customer, 1)
    with statements(engine) as sent:
        slips = await avoid.packing_slips_by_luck(session)
    observe(f"{slips[0]!r}, and no statement for {held.name}")
    assert slips == ["customer 1: 1 article 1, 1 article 2"]
    assert len(sent) == 2


async def test_a_forgotten_relation_is_a_missing_greenlet_where_it_is_not_held(
    asyncpg: AsyncEngine, observe: Observe
) -> None:
    await place(asyncpg, [1])
    async with AsyncSession(asyncpg) as session:
        with pytest.raises(MissingGreenlet) as failed:
            await avoid.packing_slips_by_luck(session)
    observe(type(failed.value).__name__)


async def test_two_joined_lists_multiply_the_rows(
    asyncpg: AsyncEngine, observe: Observe, measured: Measured
) -> None:
    def keep(_connection: object, cursor: DBAPICursor, *_: object) -> None:
        rows.append(cursor.rowcount)

    rows: list[int] = []
    apart = selectinload(avoid.Order.lines), selectinload(avoid.Order.notes)
    await place(asyncpg, range(5), lines=20, notes=10)
    event.listen(asyncpg.sync_engine, "after_cursor_execute", keep)
    async with AsyncSession(asyncpg) as session:
        orders = await avoid.orders_with_everything(session)
    joined = sum(rows)
    rows.clear()
    async with AsyncSession(asyncpg) as session:
        same = (await session.scalars(avoid.NEW.options(*apart))).all()
    found = [[(len(o.lines), len(o.notes)) for o in each] for each in (orders, same)]
    assert found == [[(20, 10)] * 5] * 2
    observe(f"5 orders of 20 lines and 10 notes: {joined} rows")
    assert (joined, sum(rows)) == (5 * 20 * 10, 5 + 5 * 20 + 5 * 10)
    measured.row(
        "Rows that PostgreSQL sends for 5 orders of 20 lines and 10 notes",
        "rows",
        {"selectinload twice": sum(rows), "joinedload twice": joined},
    )


async def test_a_joined_list_without_unique_fails_with_the_first_row(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    statement = avoid.NEW.options(joinedload(avoid.Order.lines))
    assert (await session.scalars(statement)).all() == []
    await place(engine, [1])
    with pytest.raises(InvalidRequestError, match=r"The unique\(\) method must be"):
        (await session.scalars(statement)).all()
