import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, LiteralString, override

import psycopg
import pytest
from psycopg import AsyncConnection, AsyncTransaction, IsolationLevel, sql
from psycopg.errors import (
    AdminShutdown,
    CheckViolation,
    SerializationFailure,
    UniqueViolation,
)
from psycopg.pq import TransactionStatus

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Timeline
from snippets.databases import postgresql_avoid
from snippets.databases.postgresql import (
    CREDIT,
    NEXT,
    SCHEMA,
    OutOfStockError,
    OverCreditError,
    order,
    pack_next,
    receive,
    take,
)
from snippets.databases.postgresql_avoid import (
    order_in_one_statement,
    pack_next_in_line,
    pack_next_unlocked,
    receive_after_a_look,
    take_after_a_look,
)

pytestmark = pytest.mark.anyio

type PackNext = Callable[
    [AsyncConnection, Callable[[int], Awaitable[None]]], Awaitable[bool]
]
A_WHILE = 20  # seconds, after which a test that hangs fails
EACH = CREDIT // 10 * 6  # one such order fits, two don't


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Person(AsyncConnection[tuple[Any, ...]]):
    """A connection that does as a test tells it, one statement at a time."""

    name: str
    timeline: Timeline
    shop: "Shop"

    def begin(self, name: str, timeline: Timeline, shop: "Shop") -> None:
        self.name, self.timeline, self.shop = name, timeline, shop
        self._next = asyncio.Queue[str]()
        self._may = asyncio.Semaphore(0)
        self._did = asyncio.Semaphore(0)

    @override
    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        await self._pause(args[0].split()[0])
        try:
            return await super().execute(*args, **kwargs)
        finally:
            self._did.release()

    @override
    @asynccontextmanager
    async def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> AsyncGenerator[AsyncTransaction]:
        try:
            async with super().transaction(savepoint_name, force_rollback) as begun:
                try:
                    yield begun
                except Exception:
                    await self._pause("ROLLBACK")
                    raise
                await self._pause("COMMIT")
        finally:
            self._did.release()

    async def _pause(self, what: str) -> None:
        """Stop before a statement until the test lets it go."""
        self._next.put_nowait(what)
        await self._may.acquire()

    async def pack(self, number: int) -> None:
        """Pack an order as soon as the test lets it."""
        await self._pause(f"packs {number}")
        self._did.release()

    async def does(self, what: str) -> None:
        """Let the next statement go, and wait for its end."""
        await self._let(what)
        self.timeline.add(self.name, "notes", what)
        await self._did.acquire()

    async def do(self, *statements: str) -> None:
        for each in statements:
            await self.does(each)

    async def waits(self, what: str) -> str:
        """Let the next statement go, which has to wait for a lock; tell for what."""
        await self._let(what)
        self.timeline.add(self.name, "waits", what)
        return await self.shop.wait_of(self)

    async def goes_on(self) -> None:
        await self._did.acquire()
        self.timeline.add(self.name, "goes on")

    async def _let(self, what: str) -> None:
        assert await self._next.get() == what
        self._may.release()


class Shop:
    """A database with the shop's tables, and people who work in it."""

    def __init__(
        self, url: str, outside: AsyncConnection, stack: AsyncExitStack
    ) -> None:
        self._url, self._outside, self._stack = url, outside, stack
        self._people: dict[int, str] = {}

    async def connect(self) -> AsyncConnection:
        """Let somebody work on their own."""
        connection = await AsyncConnection.connect(self._url, autocommit=True)
        return await self._stack.enter_async_context(connection)

    async def employ(self, name: str, timeline: Timeline | None = None) -> Person:
        """Let somebody work as the test tells them."""
        person = await Person.connect(self._url, autocommit=True)
        await self._stack.enter_async_context(person)
        self._people[person.info.backend_pid] = name
        person.begin(name, timeline or Timeline(), self)
        return person

    async def ask(self, query: LiteralString, *values: object) -> list[Any]:
        """Look into the database from outside."""
        rows = await (await self._outside.execute(query, values)).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    async def wait_of(self, person: Person) -> str:
        """Wait until the server says that somebody waits for a lock; tell for whose."""
        while True:
            for event, blockers in await self.ask(
                """
                SELECT wait_event, pg_blocking_pids(pid) FROM pg_stat_activity
                WHERE pid = %s AND wait_event_type = 'Lock'
                """,
                person.info.backend_pid,
            ):
                held_by = ", ".join(self._people[pid] for pid in blockers)
                return (
                    f"{'who':8}{'wait_event_type':17}{'wait_event':15}held by\n"
                    f"{person.name:8}{'Lock':17}{event:15}{held_by}"
                )

    async def stock(self) -> list[tuple[str, int]]:
        return await self.ask("SELECT item, pieces FROM stock ORDER BY item")

    async def orders(self) -> list[tuple[int, bool]]:
        return await self.ask("SELECT id, packed FROM orders ORDER BY id")

    async def owed(self, customer: str) -> int:
        [owed] = await self.ask(
            "SELECT coalesce(sum(cents), 0)::bigint FROM orders WHERE customer = %s",
            customer,
        )
        return int(owed)


@pytest.fixture
async def shop(postgresql: str) -> AsyncGenerator[Shop]:
    async with AsyncExitStack() as stack, asyncio.timeout(A_WHILE):
        outside = await AsyncConnection.connect(postgresql, autocommit=True)
        await stack.enter_async_context(outside)
        await outside.execute(SCHEMA)
        yield Shop(postgresql, outside, stack)


@pytest.fixture
async def ada(shop: Shop) -> AsyncConnection:
    return await shop.connect()


@pytest.fixture
async def bob(shop: Shop) -> AsyncConnection:
    return await shop.connect()


def task(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work)


async def ignore(_number: int) -> None:
    """Pack an order in no time."""


async def test_a_delivery_of_a_new_item_starts_its_stock(
    shop: Shop, ada: AsyncConnection
) -> None:
    await receive(ada, "lamp", 3)
    assert await shop.stock() == [("lamp", 3)]


async def test_the_next_delivery_adds_to_the_stock_of_that_item(
    shop: Shop, ada: AsyncConnection
) -> None:
    for item, pieces in [("lamp", 3), ("desk", 1), ("lamp", 2)]:
        await receive(ada, item, pieces)
    assert await shop.stock() == [("desk", 1), ("lamp", 5)]


async def test_two_deliveries_of_a_new_item_at_once_both_count(shop: Shop) -> None:
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    deliveries = [task(receive(ada, "lamp", 3)), task(receive(bob, "lamp", 2))]
    await ada.does("INSERT")
    await bob.waits("INSERT")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("COMMIT")
    await asyncio.gather(*deliveries)
    assert await shop.stock() == [("lamp", 5)]


@pytest.mark.parametrize(("pieces", "left"), [(1, 2), (3, 0)])
async def test_taking_pieces_leaves_the_others(
    shop: Shop, ada: AsyncConnection, pieces: int, left: int
) -> None:
    await receive(ada, "lamp", 3)
    await receive(ada, "desk", 7)
    await take(ada, "lamp", pieces)
    assert await shop.stock() == [("desk", 7), ("lamp", left)]


@pytest.mark.parametrize("item", ["lamp", "chair"])
async def test_more_pieces_than_there_are_can_not_be_taken(
    shop: Shop, ada: AsyncConnection, item: str
) -> None:
    await receive(ada, "lamp", 3)
    with pytest.raises(OutOfStockError) as refused:
        await take(ada, item, 4)
    assert refused.value.args == (item,)
    assert await shop.stock() == [("lamp", 3)]


@pytest.mark.parametrize("pieces", [0, -2])
async def test_a_take_of_less_than_one_piece_puts_nothing_back(
    shop: Shop, ada: AsyncConnection, pieces: int
) -> None:
    await receive(ada, "lamp", 3)
    with pytest.raises(OutOfStockError):
        await take(ada, "lamp", pieces)
    assert await shop.stock() == [("lamp", 3)]


async def test_a_delivery_of_less_than_nothing_is_refused_by_the_table(
    shop: Shop, ada: AsyncConnection
) -> None:
    await receive(ada, "lamp", 3)
    with pytest.raises(CheckViolation, match="stock_pieces_check"):
        await receive(ada, "lamp", -1)
    assert await shop.stock() == [("lamp", 3)]


async def test_a_second_take_waits_for_the_first_and_goes_on_from_what_it_left(
    shop: Shop, timeline: Timeline, evidence: Evidence
) -> None:
    await receive(await shop.connect(), "lamp", 5)
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    takes = [task(take(ada, "lamp", 1)), task(take(bob, "lamp", 1))]
    await ada.does("UPDATE")
    evidence.add("What bob waits for, in pg_stat_activity", await bob.waits("UPDATE"))
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("COMMIT")
    await asyncio.gather(*takes)
    assert await shop.stock() == [("lamp", 3)]
    assert timeline.told == [
        "ada notes: UPDATE",
        "bob waits: UPDATE",
        "ada notes: COMMIT",
        "bob goes on",
        "bob notes: COMMIT",
    ]


async def test_of_two_who_want_the_last_piece_one_is_refused(shop: Shop) -> None:
    await receive(await shop.connect(), "lamp", 1)
    ada, bob = (
        await shop.employ("ada", Timeline()),
        await shop.employ("bob", Timeline()),
    )
    takes = [task(take(ada, "lamp", 1)), task(take(bob, "lamp", 1))]
    await ada.does("UPDATE")
    await bob.waits("UPDATE")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("ROLLBACK")
    with pytest.raises(OutOfStockError):
        await asyncio.gather(*takes)
    assert await shop.stock() == [("lamp", 0)]


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE stock SET pieces = -1", "stock_pieces_check"),
        ("INSERT INTO stock VALUES ('lamp', 1)", "stock_pkey"),
        ("INSERT INTO stock VALUES (NULL, 1)", "item"),
        ("INSERT INTO stock VALUES ('desk', NULL)", "pieces"),
        (
            "INSERT INTO orders (customer, cents) VALUES ('eve', 0)",
            "orders_cents_check",
        ),
        ("INSERT INTO orders (customer) VALUES ('eve')", "cents"),
        ("INSERT INTO orders (cents) VALUES (1)", "customer"),
        ("UPDATE orders SET packed = NULL", "packed"),
        ("INSERT INTO orders (id, customer, cents) VALUES (9, 'eve', 1)", "id"),
        (
            """
            INSERT INTO orders (id, customer, cents) OVERRIDING SYSTEM VALUE
            VALUES (1, 'eve', 1)
            """,
            "orders_pkey",
        ),
    ],
)
async def test_whoever_asks_the_tables_refuse(
    ada: AsyncConnection, statement: LiteralString, refusal: str
) -> None:
    await receive(ada, "lamp", 3)
    await order(ada, "ada", 1)
    await order(ada, "bob", 1)
    with pytest.raises(psycopg.DatabaseError, match=f'"{refusal}"'):
        await ada.execute(statement)


async def test_the_tables_have_room_for_a_large_shop(
    shop: Shop, ada: AsyncConnection
) -> None:
    await receive(ada, "screw", 2_000_000_000)
    await ada.execute("ALTER TABLE orders ALTER id RESTART WITH 5000000000")
    await ada.execute("INSERT INTO orders (customer, cents) VALUES ('eve', 5000000000)")
    assert await shop.stock() == [("screw", 2_000_000_000)]
    assert await shop.orders() == [(5_000_000_000, False)]


async def test_orders_are_placed_up_to_the_credit_of_each_customer(
    shop: Shop, ada: AsyncConnection
) -> None:
    await order(ada, "eve", CREDIT - 1)
    await order(ada, "eve", 1)
    await order(ada, "dan", 7)
    assert (await shop.owed("eve"), await shop.owed("dan")) == (CREDIT, 7)
    assert await shop.orders() == [(1, False), (2, False), (3, False)]


@pytest.mark.parametrize("before", [0, 1, CREDIT])
async def test_an_order_above_the_credit_is_refused(
    shop: Shop, ada: AsyncConnection, before: int
) -> None:
    if before:
        await order(ada, "eve", before)
    with pytest.raises(OverCreditError) as refused:
        await order(ada, "eve", CREDIT - before + 1)
    assert refused.value.args == ("eve",)
    assert await shop.owed("eve") == before


def test_a_customer_may_owe_five_hundred() -> None:
    assert CREDIT == 50_000


async def test_of_two_orders_that_only_fit_alone_the_second_begins_again_and_is_refused(
    shop: Shop, timeline: Timeline
) -> None:
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    orders = [task(order(ada, "eve", EACH)), task(order(bob, "eve", EACH))]
    for person in (ada, bob):
        await person.do("SET", "INSERT")
    await ada.does("COMMIT")
    await bob.does("COMMIT")
    await bob.do("SET", "INSERT", "ROLLBACK")
    placed, refused = await asyncio.gather(*orders, return_exceptions=True)
    assert placed is None
    assert isinstance(refused, OverCreditError)
    assert await shop.owed("eve") == EACH
    assert timeline.told == [
        "ada notes: SET",
        "ada notes: INSERT",
        "bob notes: SET",
        "bob notes: INSERT",
        "ada notes: COMMIT",
        "bob notes: COMMIT",
        "bob notes: SET",
        "bob notes: INSERT",
        "bob notes: ROLLBACK",
    ]


async def refuse_orders(ada: AsyncConnection, times: int) -> None:
    """Let the server refuse as many inserts as if others had got in between."""
    await ada.execute(
        """
        CREATE SEQUENCE tries;
        CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('tries') <= TG_ARGV[0]::int THEN
                RAISE serialization_failure;
            END IF;
            RETURN new;
        END $$;
        """
    )
    await ada.execute(
        sql.SQL(
            "CREATE TRIGGER refuse BEFORE INSERT ON orders"
            " FOR EACH ROW EXECUTE FUNCTION conflict({})"
        ).format(times)
    )


@pytest.mark.parametrize("times", [1, 4])
async def test_an_order_is_tried_again_from_the_start(
    shop: Shop, ada: AsyncConnection, times: int
) -> None:
    await refuse_orders(ada, times)
    await order(ada, "eve", 7)
    assert await shop.ask("SELECT last_value FROM tries") == [times + 1]
    assert await shop.owed("eve") == 7


async def test_after_five_conflicts_an_order_fails_with_the_last(
    shop: Shop, ada: AsyncConnection
) -> None:
    await refuse_orders(ada, 9)
    with pytest.raises(SerializationFailure):
        await order(ada, "eve", 7)
    assert await shop.ask("SELECT last_value FROM tries") == [5]
    assert await shop.orders() == []


async def test_an_order_that_fails_for_another_reason_is_not_tried_again(
    shop: Shop, ada: AsyncConnection
) -> None:
    await refuse_orders(ada, 0)
    with pytest.raises(CheckViolation, match="orders_cents_check"):
        await order(ada, "eve", 0)
    assert await shop.ask("SELECT last_value FROM tries") == [1]


@pytest.mark.parametrize("autocommit", [True, False])
async def test_every_function_commits_what_it_did(
    shop: Shop, ada: AsyncConnection, *, autocommit: bool
) -> None:
    await ada.set_autocommit(autocommit)
    await receive(ada, "lamp", 3)
    await take(ada, "lamp", 1)
    await order(ada, "eve", 7)
    assert await pack_next(ada, ignore)
    assert ada.info.transaction_status == TransactionStatus.IDLE
    assert await shop.stock() == [("lamp", 2)]
    assert await shop.orders() == [(1, True)]


async def test_orders_are_packed_from_the_oldest_on_until_none_is_left(
    shop: Shop, ada: AsyncConnection
) -> None:
    async def pack(number: int) -> None:
        packed.append((number, await shop.orders()))

    packed: list[tuple[int, list[tuple[int, bool]]]] = []
    for cents in (1, 2):
        await order(ada, "eve", cents)
    await ada.execute(
        "UPDATE orders SET cents = 3 WHERE id = 1"
    )  # now last in its file
    assert await pack_next(ada, pack) is True
    assert await pack_next(ada, pack) is True
    assert await pack_next(ada, pack) is False
    assert packed == [(1, [(1, False), (2, False)]), (2, [(1, True), (2, False)])]
    assert await shop.orders() == [(1, True), (2, True)]


async def test_an_order_whose_packing_fails_is_the_next_again(
    shop: Shop, ada: AsyncConnection, bob: AsyncConnection
) -> None:
    async def drop(number: int) -> None:
        await asyncio.sleep(0)
        raise OSError(f"order {number} was dropped")

    async def pack(number: int) -> None:
        packed.append(await asyncio.sleep(0, number))

    packed: list[int] = []
    await order(ada, "eve", 1)
    with pytest.raises(OSError, match="order 1 was dropped"):
        await pack_next(ada, drop)
    assert await shop.orders() == [(1, False)]
    assert await pack_next(bob, pack)
    assert packed == [1]


async def test_an_order_whose_packers_connection_is_cut_is_the_next_again(
    shop: Shop, ada: AsyncConnection, bob: AsyncConnection
) -> None:
    async def cut(_number: int) -> None:
        await shop.ask("SELECT pg_terminate_backend(%s, 9000)", ada.info.backend_pid)

    async def pack(number: int) -> None:
        packed.append(await asyncio.sleep(0, number))

    packed: list[int] = []
    await order(bob, "eve", 1)
    with pytest.raises(AdminShutdown):
        await pack_next(ada, cut)
    assert await pack_next(bob, pack)
    assert packed == [1]


async def test_four_workers_pack_each_of_forty_orders_once(shop: Shop) -> None:
    async def pack(number: int) -> None:
        packed[number] += 1
        await asyncio.sleep(0)

    async def work() -> None:
        connection = await shop.connect()
        while await pack_next(connection, pack):
            pass

    packed = Counter[int]()
    await shop.ask(
        """
        INSERT INTO orders (customer, cents) SELECT 'eve', 1
        FROM generate_series(1, 40) RETURNING id
        """
    )
    await asyncio.gather(*(work() for _ in range(4)))
    assert packed == Counter(range(1, 41))


async def test_the_second_worker_skips_the_order_that_the_first_is_packing(
    shop: Shop, timeline: Timeline
) -> None:
    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    work = [task(pack_next(ada, ada.pack)), task(pack_next(bob, bob.pack))]
    await ada.do("SELECT", "packs 1")
    await bob.do("SELECT", "packs 2", "UPDATE", "COMMIT")
    await ada.do("UPDATE", "COMMIT")
    assert await asyncio.gather(*work) == [True, True]
    assert await shop.orders() == [(1, True), (2, True)]
    assert timeline.told == [
        "ada notes: SELECT",
        "ada notes: packs 1",
        "bob notes: SELECT",
        "bob notes: packs 2",
        "bob notes: UPDATE",
        "bob notes: COMMIT",
        "ada notes: UPDATE",
        "ada notes: COMMIT",
    ]


async def plan_of(connection: AsyncConnection, query: LiteralString) -> list[str]:
    await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    plan = await connection.execute(f"EXPLAIN (COSTS OFF) {query}")
    return [line.strip() for (line,) in await plan.fetchall()]


async def test_the_next_order_to_pack_is_read_from_an_index_of_nothing_else(
    ada: AsyncConnection,
) -> None:
    assert "->  Index Scan using orders_to_pack on orders" in await plan_of(ada, NEXT)
    query: LiteralString = "SELECT id FROM orders WHERE NOT packed ORDER BY id LIMIT 1"
    assert await plan_of(ada, query) == [
        "Limit",
        "->  Index Only Scan using orders_to_pack on orders",
    ]


async def test_a_customers_orders_are_found_by_an_index(ada: AsyncConnection) -> None:
    query: LiteralString = "SELECT cents FROM orders WHERE customer = 'eve'"
    assert await plan_of(ada, query) == [
        "Index Scan using orders_of_customer on orders",
        "Index Cond: (customer = 'eve'::text)",
    ]


async def test_two_deliveries_that_both_looked_first_collide(
    shop: Shop, observe: Observe
) -> None:
    ada, bob = (
        await shop.employ("ada", Timeline()),
        await shop.employ("bob", Timeline()),
    )
    deliveries = [
        task(receive_after_a_look(ada, "lamp", 3)),
        task(receive_after_a_look(bob, "lamp", 2)),
    ]
    await ada.does("SELECT")
    await bob.does("SELECT")
    await ada.does("INSERT")
    await bob.waits("INSERT")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("ROLLBACK")
    done, refused = await asyncio.gather(*deliveries, return_exceptions=True)
    assert done is None
    assert isinstance(refused, UniqueViolation)
    observe(f"{type(refused).__name__}: {refused.diag.message_primary}")
    assert await shop.stock() == [("lamp", 3)]


async def test_a_delivery_after_a_look_works_as_long_as_one_works_alone(
    shop: Shop, ada: AsyncConnection
) -> None:
    await receive_after_a_look(ada, "lamp", 3)
    await receive_after_a_look(ada, "lamp", 2)
    assert await shop.stock() == [("lamp", 5)]


async def take_at_once(
    shop: Shop,
    timeline: Timeline | None = None,
    *,
    isolation: IsolationLevel | None = None,
    bobs_end: str = "COMMIT",
) -> BaseException | None:
    """Let two people take one lamp of five, both having looked; give bob's error."""
    await receive(await shop.connect(), "lamp", 5)
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    for person in (ada, bob):
        await person.set_isolation_level(isolation)
    adas = task(take_after_a_look(ada, "lamp", 1))
    bobs = task(take_after_a_look(bob, "lamp", 1))
    await ada.does("SELECT")
    await bob.does("SELECT")
    await ada.does("UPDATE")
    await bob.waits("UPDATE")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does(bobs_end)
    await adas
    return (await asyncio.gather(bobs, return_exceptions=True))[0]


async def test_two_takes_that_both_looked_first_lose_one_update(
    shop: Shop, timeline: Timeline, observe: Observe
) -> None:
    assert await take_at_once(shop, timeline) is None
    [(_, left)] = await shop.stock()
    observe(f"5 lamps, 2 taken, {left} left")
    assert left == 4
    assert timeline.told == [
        "ada notes: SELECT",
        "bob notes: SELECT",
        "ada notes: UPDATE",
        "bob waits: UPDATE",
        "ada notes: COMMIT",
        "bob goes on",
        "bob notes: COMMIT",
    ]


@pytest.mark.parametrize(
    "isolation", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]
)
async def test_at_a_higher_isolation_the_second_take_after_a_look_fails(
    shop: Shop, isolation: IsolationLevel
) -> None:
    failed = await take_at_once(shop, isolation=isolation, bobs_end="ROLLBACK")
    assert isinstance(failed, SerializationFailure)
    assert failed.diag.message_primary == (
        "could not serialize access due to concurrent update"
    )
    assert await shop.stock() == [("lamp", 4)]


async def test_a_take_after_a_look_is_refused_where_pieces_lack(
    ada: AsyncConnection,
) -> None:
    await receive(ada, "lamp", 1)
    with pytest.raises(postgresql_avoid.OutOfStockError):
        await take_after_a_look(ada, "lamp", 2)


async def order_at_once(
    shop: Shop, isolation: IsolationLevel | None = None
) -> list[BaseException | None]:
    """Let two people place orders that only fit alone, each in one statement."""
    ada, bob = (
        await shop.employ("ada", Timeline()),
        await shop.employ("bob", Timeline()),
    )
    orders: list[asyncio.Task[None]] = []
    for person in (ada, bob):
        await person.set_isolation_level(isolation)
        orders.append(task(order_in_one_statement(person, "eve", EACH)))
        await person.does("INSERT")
    await ada.does("COMMIT")
    await bob.does("COMMIT")
    return await asyncio.gather(*orders, return_exceptions=True)


async def test_at_read_committed_two_orders_each_fit_and_together_do_not(
    shop: Shop, observe: Observe
) -> None:
    assert await order_at_once(shop) == [None, None]
    owed = await shop.owed("eve")
    observe(f"owes {owed // 100}, may owe {CREDIT // 100}")
    assert owed == 2 * EACH
    assert owed > CREDIT


async def test_repeatable_read_does_not_see_that_two_orders_do_not_fit(
    shop: Shop,
) -> None:
    placed = await order_at_once(shop, IsolationLevel.REPEATABLE_READ)
    assert placed == [None, None]
    assert await shop.owed("eve") == 2 * EACH


async def test_serializable_fails_one_of_two_orders_that_do_not_fit(shop: Shop) -> None:
    placed, failed = await order_at_once(shop, IsolationLevel.SERIALIZABLE)
    assert placed is None
    assert isinstance(failed, SerializationFailure)
    assert await shop.owed("eve") == EACH


async def test_one_order_at_read_committed_undoes_what_serializable_promises(
    shop: Shop,
) -> None:
    ada, bob = (
        await shop.employ("ada", Timeline()),
        await shop.employ("bob", Timeline()),
    )
    orders = [
        task(order(ada, "eve", EACH)),
        task(order_in_one_statement(bob, "eve", EACH)),
    ]
    await ada.do("SET", "INSERT")
    await bob.do("INSERT", "COMMIT")
    await ada.does("COMMIT")
    assert await asyncio.gather(*orders) == [None, None]
    assert await shop.owed("eve") == 2 * EACH


async def test_a_lock_on_one_row_first_lets_the_second_order_see_the_first(
    shop: Shop,
) -> None:
    async def lock_and_order(person: Person) -> None:
        async with person.transaction():
            await person.execute("SELECT FROM stock WHERE item = 'lamp' FOR UPDATE")
            await order_in_one_statement(person, "eve", EACH)

    await receive(await shop.connect(), "lamp", 1)
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    orders = [task(lock_and_order(ada)), task(lock_and_order(bob))]
    await ada.do("SELECT", "INSERT", "COMMIT")  # the last releases a savepoint
    await bob.waits("SELECT")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.do("INSERT", "ROLLBACK", "ROLLBACK")
    placed, refused = await asyncio.gather(*orders, return_exceptions=True)
    assert placed is None
    assert isinstance(refused, postgresql_avoid.OverCreditError)
    assert await shop.owed("eve") == EACH


async def test_one_order_after_the_other_keeps_to_the_credit_in_one_statement(
    ada: AsyncConnection,
) -> None:
    await order_in_one_statement(ada, "eve", EACH)
    with pytest.raises(postgresql_avoid.OverCreditError):
        await order_in_one_statement(ada, "eve", EACH)


async def test_without_a_lock_two_workers_pack_one_order(
    shop: Shop, observe: Observe
) -> None:
    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = (
        await shop.employ("ada", Timeline()),
        await shop.employ("bob", Timeline()),
    )
    work = [
        task(pack_next_unlocked(ada, ada.pack)),
        task(pack_next_unlocked(bob, bob.pack)),
    ]
    await ada.do("SELECT", "packs 1")
    await bob.do("SELECT", "packs 1")
    await ada.do("UPDATE", "COMMIT")
    await bob.do("UPDATE", "COMMIT")
    assert await asyncio.gather(*work) == [True, True]
    observe("ada packs 1, bob packs 1")
    assert await shop.orders() == [(1, True), (2, False)]


async def test_without_skip_locked_the_second_worker_waits_for_the_first(
    shop: Shop, observe: Observe, timeline: Timeline, evidence: Evidence
) -> None:
    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    work = [
        task(pack_next_in_line(ada, ada.pack)),
        task(pack_next_in_line(bob, bob.pack)),
    ]
    await ada.does("SELECT")
    waits = await bob.waits("SELECT")
    await ada.do("packs 1", "UPDATE", "COMMIT")
    await bob.goes_on()
    await bob.do("packs 2", "UPDATE", "COMMIT")
    assert await asyncio.gather(*work) == [True, True]
    observe("order 2 is packed when order 1 is done")
    evidence.add("What bob waits for, in pg_stat_activity", waits)
    assert timeline.told == [
        "ada notes: SELECT",
        "bob waits: SELECT",
        "ada notes: packs 1",
        "ada notes: UPDATE",
        "ada notes: COMMIT",
        "bob goes on",
        "bob notes: packs 2",
        "bob notes: UPDATE",
        "bob notes: COMMIT",
    ]


@pytest.mark.parametrize("pack_next", [pack_next_unlocked, pack_next_in_line])
async def test_one_worker_alone_packs_every_order_once_in_any_way(
    shop: Shop, ada: AsyncConnection, pack_next: PackNext
) -> None:
    await order(ada, "eve", 1)
    assert await pack_next(ada, ignore) is True
    assert await pack_next(ada, ignore) is False
    assert await shop.orders() == [(1, True)]
