import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString, override

import psycopg
import pytest
from psycopg import AsyncConnection, AsyncTransaction, IsolationLevel, sql
from psycopg.errors import (
    AdminShutdown,
    CheckViolation,
    LockNotAvailable,
    NumericValueOutOfRange,
    SerializationFailure,
    UniqueViolation,
)
from psycopg.pq import TransactionStatus

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Timeline
from snippets.databases.postgresql import (
    CLAIM,
    CREDIT,
    SCHEMA,
    claim,
    finish,
    order,
    receive,
    take,
)
from snippets.databases.postgresql_avoid import (
    claim_without_a_lock,
    order_in_one_statement,
    pack_in_the_transaction,
    receive_after_a_look,
    take_after_a_look,
)

pytestmark = pytest.mark.anyio

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


async def in_a_transaction[T](
    person: Person, work: Callable[..., Awaitable[T]], *args: object
) -> T:
    """Let somebody do one thing in a transaction of their own."""
    async with person.transaction():
        return await work(person, *args)


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
    deliveries = [
        task(in_a_transaction(ada, receive, "lamp", 3)),
        task(in_a_transaction(bob, receive, "lamp", 2)),
    ]
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
    assert await take(ada, "lamp", pieces) is True
    assert await shop.stock() == [("desk", 7), ("lamp", left)]


@pytest.mark.parametrize("item", ["lamp", "chair"])
async def test_more_pieces_than_there_are_can_not_be_taken(
    shop: Shop, ada: AsyncConnection, item: str
) -> None:
    await receive(ada, "lamp", 3)
    assert await take(ada, item, 4) is False
    assert await shop.stock() == [("lamp", 3)]


@pytest.mark.parametrize("pieces", [0, -2])
async def test_a_take_of_less_than_one_piece_puts_nothing_back(
    shop: Shop, ada: AsyncConnection, pieces: int
) -> None:
    await receive(ada, "lamp", 3)
    assert await take(ada, "lamp", pieces) is False
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
    takes = [
        task(in_a_transaction(ada, take, "lamp", 1)),
        task(in_a_transaction(bob, take, "lamp", 1)),
    ]
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
    takes = [
        task(in_a_transaction(ada, take, "lamp", 1)),
        task(in_a_transaction(bob, take, "lamp", 1)),
    ]
    await ada.does("UPDATE")
    await bob.waits("UPDATE")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("COMMIT")
    assert await asyncio.gather(*takes) == [True, False]
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


ORDERS = [("eve", CREDIT - 1), ("eve", 1), ("dan", 7)]


async def test_orders_are_placed_up_to_the_credit_of_each_customer(
    shop: Shop, ada: AsyncConnection
) -> None:
    placed = [await order(ada, who, cents) for who, cents in ORDERS]
    assert placed == [True] * 3
    assert (await shop.owed("eve"), await shop.owed("dan")) == (CREDIT, 7)
    assert await shop.orders() == [(1, False), (2, False), (3, False)]


@pytest.mark.parametrize("before", [0, 1, CREDIT])
async def test_an_order_above_the_credit_is_refused(
    shop: Shop, ada: AsyncConnection, before: int
) -> None:
    if before:
        await order(ada, "eve", before)
    assert await order(ada, "eve", CREDIT - before + 1) is False
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
    await bob.do("SET", "INSERT", "COMMIT")
    assert await asyncio.gather(*orders) == [True, False]
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
        "bob notes: COMMIT",
    ]


async def refuse_orders(
    ada: AsyncConnection, times: int, how: str = "serialization_failure"
) -> None:
    """Let the server refuse as many inserts as if others had got in between."""
    await ada.execute(
        """
        CREATE SEQUENCE attempts;
        CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('attempts') <= TG_ARGV[0]::int THEN
                RAISE EXCEPTION USING ERRCODE = TG_ARGV[1];
            END IF;
            RETURN new;
        END $$;
        """
    )
    await ada.execute(
        sql.SQL(
            "CREATE TRIGGER refuse BEFORE INSERT ON orders"
            " FOR EACH ROW EXECUTE FUNCTION conflict({}, {})"
        ).format(times, how)
    )


@pytest.mark.parametrize("how", ["serialization_failure", "deadlock_detected"])
@pytest.mark.parametrize("times", [1, 4])
async def test_an_order_is_tried_again_from_the_start(
    shop: Shop, ada: AsyncConnection, times: int, how: str
) -> None:
    await refuse_orders(ada, times, how)
    assert await order(ada, "eve", 7) is True
    assert await shop.ask("SELECT last_value FROM attempts") == [times + 1]
    assert await shop.owed("eve") == 7


async def test_after_five_conflicts_an_order_fails_with_the_last(
    shop: Shop, ada: AsyncConnection
) -> None:
    await refuse_orders(ada, 9)
    with pytest.raises(SerializationFailure):
        await order(ada, "eve", 7)
    assert await shop.ask("SELECT last_value FROM attempts") == [5]
    assert await shop.orders() == []


async def test_an_order_that_fails_for_another_reason_is_not_tried_again(
    shop: Shop, ada: AsyncConnection
) -> None:
    await refuse_orders(ada, 0)
    with pytest.raises(CheckViolation, match="orders_cents_check"):
        await order(ada, "eve", 0)
    assert await shop.ask("SELECT last_value FROM attempts") == [1]


async def test_every_function_leaves_a_connection_in_no_transaction(
    shop: Shop, ada: AsyncConnection
) -> None:
    await receive(ada, "lamp", 3)
    await take(ada, "lamp", 1)
    await order(ada, "eve", 7)
    await finish(ada, await claim(ada) or 0)
    assert ada.info.transaction_status == TransactionStatus.IDLE
    assert await shop.stock() == [("lamp", 2)]
    assert await shop.orders() == [(1, True)]


async def test_what_is_received_and_taken_goes_with_the_callers_transaction(
    shop: Shop, ada: AsyncConnection
) -> None:
    async with ada.transaction(force_rollback=True):
        await receive(ada, "lamp", 3)
        assert await take(ada, "lamp", 1)
    assert await shop.stock() == []


async def test_an_order_in_a_transaction_of_the_callers_is_refused(
    shop: Shop, ada: AsyncConnection
) -> None:
    with pytest.raises(psycopg.Error, match="ISOLATION LEVEL"):
        async with ada.transaction():
            await order(ada, "eve", 7)
    assert await shop.orders() == []


HOSTILE: list[tuple[str, int]] = [
    ("\0", 1),
    ("\ud800", 1),
    ("lamp", 2**31),
    ("lamp", 2**63),
    ("lamp", 10**400),
    ("lamp", -(10**400)),
]


REFUSALS: set[type[Exception]] = {
    psycopg.DataError,
    NumericValueOutOfRange,
    UnicodeEncodeError,
}


@pytest.mark.parametrize(("text", "number"), HOSTILE, ids=lambda each: ascii(each)[:9])
@pytest.mark.parametrize("act", [receive, take, order])
async def test_a_value_that_postgresql_can_not_take_changes_nothing(
    shop: Shop,
    ada: AsyncConnection,
    act: Callable[[AsyncConnection, str, int], Awaitable[object]],
    text: str,
    number: int,
) -> None:
    await receive(ada, "lamp", 3)
    try:
        outcome = await act(ada, text, number)
    except (psycopg.Error, UnicodeEncodeError) as error:
        outcome = type(error)
    assert outcome in {False, *REFUSALS}
    assert await shop.stock() == [("lamp", 3)]
    assert await shop.orders() == []


async def test_orders_are_claimed_from_the_oldest_on_until_none_is_left(
    shop: Shop, ada: AsyncConnection
) -> None:
    for cents in (1, 2):
        await order(ada, "eve", cents)
    await ada.execute("UPDATE orders SET cents = 3 WHERE id = 1")  # last in its file
    assert [await claim(ada) for _ in range(3)] == [1, 2, None]
    assert await shop.orders() == [(1, False), (2, False)]
    await finish(ada, 2)
    assert await shop.orders() == [(1, False), (2, True)]


async def a_minute_passes(connection: AsyncConnection) -> None:
    await connection.execute(
        "UPDATE orders SET free_at = free_at - interval '1 minute'"
    )


async def test_a_claim_holds_for_a_minute(shop: Shop, ada: AsyncConnection) -> None:
    await order(ada, "eve", 1)
    await claim(ada)
    [left] = await shop.ask("SELECT free_at - now() FROM orders")
    assert timedelta(seconds=55) < left <= timedelta(minutes=1)
    await a_minute_passes(ada)
    assert await claim(ada) == 1


async def test_an_order_that_is_never_finished_is_claimed_five_times(
    ada: AsyncConnection,
) -> None:
    for cents in (1, 2):
        await order(ada, "eve", cents)
    claimed: list[int | None] = []
    for _ in range(6):
        claimed.append(await claim(ada))
        await a_minute_passes(ada)
    assert claimed == [1, 1, 1, 1, 1, 2]


async def test_a_finished_order_is_not_claimed_again(ada: AsyncConnection) -> None:
    await order(ada, "eve", 1)
    await finish(ada, await claim(ada) or 0)
    await a_minute_passes(ada)
    assert await claim(ada) is None


async def test_an_order_whose_packers_connection_is_cut_is_free_after_the_minute(
    shop: Shop, ada: AsyncConnection, bob: AsyncConnection
) -> None:
    await order(bob, "eve", 1)
    assert await claim(ada) == 1
    await shop.ask("SELECT pg_terminate_backend(%s, 9000)", ada.info.backend_pid)
    with pytest.raises(AdminShutdown):
        await finish(ada, 1)
    assert await claim(bob) is None
    await a_minute_passes(bob)
    assert await claim(bob) == 1


async def test_four_workers_claim_each_of_forty_orders_once(shop: Shop) -> None:
    async def work() -> None:
        connection = await shop.connect()
        while (number := await claim(connection)) is not None:
            packed[number] += 1
            await finish(connection, number)

    packed = Counter[int]()
    await shop.ask(
        """
        INSERT INTO orders (customer, cents) SELECT 'eve', 1
        FROM generate_series(1, 40) RETURNING id
        """
    )
    await asyncio.gather(*(work() for _ in range(4)))
    assert packed == Counter(range(1, 41))


async def test_the_second_worker_skips_the_order_that_the_first_is_claiming(
    shop: Shop, timeline: Timeline
) -> None:
    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = await shop.employ("ada", timeline), await shop.employ("bob", timeline)
    claims = [task(in_a_transaction(each, claim)) for each in (ada, bob)]
    await ada.does("UPDATE")
    await bob.do("UPDATE", "COMMIT")
    await ada.does("COMMIT")
    assert await asyncio.gather(*claims) == [1, 2]
    assert timeline.told == [
        "ada notes: UPDATE",
        "bob notes: UPDATE",
        "bob notes: COMMIT",
        "ada notes: COMMIT",
    ]


async def test_without_skip_locked_the_second_worker_waits_for_the_first(
    shop: Shop, evidence: Evidence
) -> None:
    async def claim_in_line(person: Person) -> object:
        claimed = await person.execute(CLAIM.replace(" SKIP LOCKED", ""))
        return await claimed.fetchone()

    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    claims = [task(in_a_transaction(each, claim_in_line)) for each in (ada, bob)]
    await ada.does("UPDATE")
    evidence.add(
        "What bob waits for without SKIP LOCKED, in pg_stat_activity",
        await bob.waits("UPDATE"),
    )
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.does("COMMIT")
    assert await asyncio.gather(*claims) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("lock", "waits"), [("FOR NO KEY UPDATE", False), ("FOR UPDATE", True)]
)
async def test_a_lock_for_no_key_update_lets_others_refer_to_the_row(
    ada: AsyncConnection, bob: AsyncConnection, lock: LiteralString, *, waits: bool
) -> None:
    assert CLAIM.count("FOR NO KEY UPDATE") == 1
    await order(ada, "eve", 1)
    await ada.execute("CREATE TABLE notes (id bigint REFERENCES orders)")
    await bob.execute("SET lock_timeout = '10ms'")
    async with ada.transaction():
        await ada.execute(CLAIM.replace("FOR NO KEY UPDATE", lock))
        try:
            await bob.execute("INSERT INTO notes VALUES (1)")
        except LockNotAvailable:
            waited = True
        else:
            waited = False
    assert waited is waits


async def plan_of(connection: AsyncConnection, query: LiteralString) -> list[str]:
    await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    plan = await connection.execute(f"EXPLAIN (COSTS OFF) {query}")
    return [line.strip() for (line,) in await plan.fetchall()]


async def test_the_next_order_to_pack_is_read_from_an_index_of_nothing_else(
    ada: AsyncConnection,
) -> None:
    assert "->  Index Scan using orders_to_pack on orders" in " ".join(
        await plan_of(ada, CLAIM)
    )


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
) -> BaseException | bool:
    """Let two people take one lamp of five, both having looked; tell bob's outcome."""
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
    assert await adas
    return (await asyncio.gather(bobs, return_exceptions=True))[0]


async def test_two_takes_that_both_looked_first_lose_one_update(
    shop: Shop, timeline: Timeline, observe: Observe
) -> None:
    assert await take_at_once(shop, timeline) is True
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
    assert [await take_after_a_look(ada, "lamp", each) for each in (2, 0)] == [
        False
    ] * 2
    assert await take_after_a_look(ada, "chair", 1) is False


async def order_at_once(
    shop: Shop, isolation: IsolationLevel | None = None, second: str = "eve"
) -> list[BaseException | bool]:
    """Let two people place orders that only fit alone, each in one statement."""
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    orders: list[asyncio.Task[bool]] = []
    for person, customer in ((ada, "eve"), (bob, second)):
        await person.set_isolation_level(isolation)
        work = in_a_transaction(person, order_in_one_statement, customer, EACH)
        orders.append(task(work))
        await person.does("INSERT")
    await ada.does("COMMIT")
    await bob.does("COMMIT")
    return await asyncio.gather(*orders, return_exceptions=True)


async def test_at_read_committed_two_orders_each_fit_and_together_do_not(
    shop: Shop, observe: Observe
) -> None:
    assert await order_at_once(shop) == [True, True]
    owed = await shop.owed("eve")
    observe(f"owes {owed // 100}, may owe {CREDIT // 100}")
    assert owed == 2 * EACH
    assert owed > CREDIT


async def test_repeatable_read_does_not_see_that_two_orders_do_not_fit(
    shop: Shop,
) -> None:
    placed = await order_at_once(shop, IsolationLevel.REPEATABLE_READ)
    assert placed == [True, True]
    assert await shop.owed("eve") == 2 * EACH


async def test_serializable_fails_one_of_two_orders_that_do_not_fit(shop: Shop) -> None:
    placed, failed = await order_at_once(shop, IsolationLevel.SERIALIZABLE)
    assert placed is True
    assert isinstance(failed, SerializationFailure)
    assert await shop.owed("eve") == EACH


async def test_serializable_also_fails_orders_that_have_nothing_to_do_with_each_other(
    shop: Shop,
) -> None:
    async def look_and_order(person: Person, customer: str) -> None:
        look = "SELECT sum(cents) FROM orders WHERE customer = %s"
        await person.execute(look, [customer])
        await person.execute(
            "INSERT INTO orders (customer, cents) VALUES (%s, 1)", [customer]
        )

    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    orders: list[asyncio.Task[None]] = []
    for person, customer in ((ada, "eve"), (bob, "dan")):
        await person.set_isolation_level(IsolationLevel.SERIALIZABLE)
        orders.append(task(in_a_transaction(person, look_and_order, customer)))
        await person.does("SELECT")
    await ada.do("INSERT", "COMMIT")
    await bob.do("INSERT", "ROLLBACK")
    placed, failed = await asyncio.gather(*orders, return_exceptions=True)
    assert placed is None
    assert isinstance(failed, SerializationFailure)


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
    await bob.does("INSERT")
    await ada.does("COMMIT")
    assert await asyncio.gather(*orders) == [True, True]
    assert await shop.owed("eve") == 2 * EACH


async def test_a_lock_on_one_row_first_lets_the_second_order_see_the_first(
    shop: Shop,
) -> None:
    async def lock_and_order(person: Person) -> bool:
        lock = "SELECT FROM stock WHERE item = 'lamp' FOR NO KEY UPDATE"
        await person.execute(lock)
        return await order_in_one_statement(person, "eve", EACH)

    await receive(await shop.connect(), "lamp", 1)
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    orders = [task(in_a_transaction(each, lock_and_order)) for each in (ada, bob)]
    await ada.do("SELECT", "INSERT")
    await bob.waits("SELECT")
    await ada.does("COMMIT")
    await bob.goes_on()
    await bob.do("INSERT", "COMMIT")
    assert await asyncio.gather(*orders) == [True, False]
    assert await shop.owed("eve") == EACH


async def test_one_order_after_the_other_keeps_to_the_credit_in_one_statement(
    ada: AsyncConnection,
) -> None:
    assert await order_in_one_statement(ada, "eve", EACH) is True
    assert await order_in_one_statement(ada, "eve", EACH) is False


async def test_without_a_lock_two_workers_claim_one_order(
    shop: Shop, observe: Observe
) -> None:
    await order(await shop.connect(), "eve", 1)
    await order(await shop.connect(), "dan", 1)
    ada, bob = await shop.employ("ada"), await shop.employ("bob")
    claims = [task(claim_without_a_lock(each)) for each in (ada, bob)]
    await ada.does("SELECT")
    await bob.does("SELECT")
    await ada.do("UPDATE", "COMMIT")
    await bob.do("UPDATE", "COMMIT")
    told = await asyncio.gather(*claims)
    observe("ada claims {}, bob claims {}".format(*told))
    assert told == [1, 1]


async def test_one_worker_alone_claims_every_order_once_without_a_lock(
    ada: AsyncConnection,
) -> None:
    await order(ada, "eve", 1)
    assert [await claim_without_a_lock(ada) for _ in range(2)] == [1, None]


async def test_an_order_whose_packing_always_fails_is_tried_for_ever(
    shop: Shop, ada: AsyncConnection, observe: Observe
) -> None:
    async def drop(number: int) -> None:
        packing.append(number)
        [state] = await shop.ask(
            "SELECT state FROM pg_stat_activity WHERE pid = %s", ada.info.backend_pid
        )
        states.append(state)
        raise OSError

    packing: list[int] = []
    states: list[str] = []
    for cents in (1, 2):
        await order(ada, "eve", cents)
    for _ in range(9):
        with pytest.raises(OSError, match=r"^$"):
            await pack_in_the_transaction(ada, drop)
    observe(f"order 1 is tried {packing.count(1)} times of 9, order 2 never")
    assert packing == [1] * 9
    assert set(states) == {"idle in transaction"}


async def test_what_is_packed_in_the_transaction_is_packed_once(
    shop: Shop, ada: AsyncConnection
) -> None:
    async def pack(number: int) -> None:
        packed.append(await asyncio.sleep(0, number))

    packed: list[int] = []
    await order(ada, "eve", 1)
    told = [await pack_in_the_transaction(ada, pack) for _ in range(2)]
    assert (told, packed) == ([True, False], [1])
    assert await shop.orders() == [(1, True)]
