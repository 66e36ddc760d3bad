import asyncio
import re
from collections.abc import Callable, Coroutine, Generator
from typing import Any, LiteralString

import psycopg
import pytest
from sqlalchemy import URL, event, exc, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Measured
from snippets.databases import connection_pooling_avoid
from snippets.databases.connection_pooling import (
    AddressChangedError,
    open_pool,
    quote,
)
from snippets.databases.connection_pooling_avoid import (
    open_pool_by_default,
    quote_in_a_pool_of_its_own,
    quote_in_one_transaction,
    save_with_a_note,
)

pytestmark = pytest.mark.anyio

TABLES = """
CREATE TABLE orders (
    id integer PRIMARY KEY, address text NOT NULL, shipping integer
);
CREATE TABLE notes (id integer, what text);
INSERT INTO orders VALUES (1, 'Oslo'), (2, 'Bergen'), (3, 'Bodø');
"""
NAMES = (
    "SELECT array_agg(application_name) FROM pg_stat_activity"
    " WHERE usename = current_user AND pid <> pg_backend_pid()"
)
PID = text("SELECT pg_backend_pid()")
PRICE = 490
A_MINUTE = 60
AN_HOUR = 3600
MANY = 100_000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture
def url(postgresql: str) -> URL:
    return make_url(postgresql).set(drivername="postgresql+asyncpg")


class Server:
    """What the server says about the connections of this test's role."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def states(self) -> list[str]:
        found = self._connection.execute(
            "SELECT state FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid() ORDER BY 1"
        )
        return [state for (state,) in found]

    def kill(self) -> None:
        """End every connection, as a restart does."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
        self.until_all_are_gone()

    def until_all_are_gone(self) -> None:
        for _ in range(MANY):
            if not self.states():
                return
        raise AssertionError(self.states())

    def value(self, question: LiteralString) -> object:
        (value,) = self._connection.execute(question).fetchall()[0]
        return value

    def execute(self, statement: LiteralString) -> None:
        self._connection.execute(statement)


@pytest.fixture
def server(postgresql: str) -> Generator[Server]:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(TABLES)
        yield Server(connection)


class Post:
    """A carrier that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Queue[str]()
        self.answers = asyncio.Event()

    async def carrier(self, address: str) -> int:
        self.asked.put_nowait(address)
        await self.answers.wait()
        return PRICE

    async def until_asked(self, times: int) -> list[str]:
        async with asyncio.timeout(A_MINUTE):
            return sorted([await self.asked.get() for _ in range(times)])


async def at_once(address: str) -> int:
    return await asyncio.sleep(0, PRICE if address else 0)


async def pid(pool: AsyncEngine) -> int:
    """Give the process that serves a request: PostgreSQL has one a connection."""
    async with pool.connect() as connection:
        served_by: int = (await connection.execute(PID)).scalar_one()
    return served_by


async def work(pool: AsyncEngine, disturb: Callable[[], None]) -> None:
    """Be disturbed in the midst of a transaction."""
    async with pool.begin() as connection:
        await connection.execute(PID)
        disturb()
        await connection.execute(PID)


async def open_and_fail(url: URL) -> None:
    async with open_pool(url, connections=2) as pool:
        await asyncio.gather(pid(pool), pid(pool))
        raise ConnectionError


async def wait_idly(pool: AsyncEngine, server: Server) -> None:
    """Begin a transaction, and do nothing until the server has had enough."""
    async with pool.begin() as connection:
        limit = "SET LOCAL idle_in_transaction_session_timeout = '1ms'"
        await connection.execute(text(limit))
        server.until_all_are_gone()
        await connection.execute(PID)


async def test_a_price_is_asked_for_the_address_and_written_down(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool:
        post = Post()
        post.answers.set()
        assert await quote(pool, 2, post.carrier) == PRICE
        assert await post.until_asked(1) == ["Bergen"]
    prices = "SELECT array_agg(shipping ORDER BY id) FROM orders"
    assert server.value(prices) == [None, PRICE, None]


async def test_an_order_that_does_not_exist_is_an_error(
    url: URL, server: Server
) -> None:
    assert server.states() == []
    async with open_pool(url, connections=1) as pool:
        with pytest.raises(exc.NoResultFound):
            await quote(pool, 4, at_once)


async def test_a_pool_connects_when_it_is_first_used_and_no_sooner(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=2) as pool:
        before = server.states()
        await pid(pool)
        assert (before, server.states()) == ([], ["idle"])


async def test_twenty_requests_share_two_connections(
    url: URL, server: Server, measured: Measured
) -> None:
    async with open_pool(url, connections=2, patience=AN_HOUR) as pool:
        pids = set(await asyncio.gather(*[pid(pool) for _ in range(20)]))
        assert server.states() == ["idle", "idle"]
    single = set[int]()
    for _ in range(20):
        async with open_pool(url, connections=1) as pool:
            single.add(await pid(pool))
    assert (len(pids), len(single)) == (2, 20)
    used: dict[str, float] = {"one pool of 2": len(pids), "a pool each": len(single)}
    measured.row("Server processes started for 20 requests", "", used)


async def test_two_processes_open_what_both_pools_hold(
    url: URL, server: Server
) -> None:
    async with (
        open_pool(url, connections=2, patience=AN_HOUR) as one,
        open_pool(url, connections=3, patience=AN_HOUR) as other,
    ):
        await asyncio.gather(*[pid(one) for _ in range(9)])
        await asyncio.gather(*[pid(other) for _ in range(9)])
        assert len(server.states()) == 5


async def test_the_end_of_the_block_closes_every_connection(
    url: URL, server: Server
) -> None:
    with pytest.raises(ConnectionError):
        await open_and_fail(url)
    server.until_all_are_gone()
    assert server.states() == []


async def test_a_connection_that_is_lent_at_the_end_stays_open(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool:
        lent = await pool.connect()
        raw = (await lent.get_raw_connection()).driver_connection
    await lent.close()
    assert server.states() == ["idle"]
    assert raw is not None
    await raw.close()


@pytest.mark.parametrize(
    ("connections", "patience"), [(0, 2), (-1, 2), (1, -1), (1, float("nan"))]
)
async def test_a_pool_without_a_bound_is_refused(
    url: URL, connections: int, patience: float
) -> None:
    told = f"connections={connections}, patience={patience}"
    with pytest.raises(ValueError, match=re.escape(told)):
        async with open_pool(url, connections=connections, patience=patience):
            raise AssertionError


async def test_connecting_takes_five_seconds_at_most(url: URL) -> None:
    def connect(*args: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        asked.append(args[-1]["timeout"])

    asked: list[float] = []
    async with open_pool(url, connections=1) as pool:
        event.listen(pool.sync_engine, "do_connect", connect)
        assert await pid(pool)
    assert asked == [5]


async def test_a_price_that_the_table_can_not_hold_is_an_error_of_the_database(
    url: URL, server: Server
) -> None:
    async def dear(_address: str) -> int:
        return await asyncio.sleep(0, 10**400)

    async with open_pool(url, connections=1) as pool:
        with pytest.raises(exc.DBAPIError):
            await quote(pool, 1, dear)
        with pytest.raises(exc.DBAPIError):
            await quote(pool, 10**400, at_once)
    assert server.value("SELECT count(shipping) FROM orders") == 0


async def test_without_a_server_it_is_an_error_of_the_operating_system(
    url: URL,
) -> None:
    nowhere = url.set(host="127.0.0.1", port=1, query={})
    async with open_pool(nowhere, connections=1) as pool:
        with pytest.raises(OSError, match="Connect call failed"):
            await quote(pool, 1, at_once)


async def test_a_carrier_that_fails_writes_nothing_and_holds_nothing(
    url: URL, server: Server
) -> None:
    async def fail(address: str) -> int:
        await asyncio.sleep(0)
        raise LookupError(address)

    async with open_pool(url, connections=1) as pool:
        with pytest.raises(LookupError, match="Oslo"):
            await quote(pool, 1, fail)
        assert server.states() == ["idle"]


async def test_no_connection_waits_for_a_carrier(
    url: URL, server: Server, evidence: Evidence
) -> None:
    post = Post()
    async with (
        open_pool(url, connections=2, patience=AN_HOUR) as pool,
        asyncio.TaskGroup() as group,
    ):
        asked = [group.create_task(quote(pool, n, post.carrier)) for n in (1, 2, 3)]
        assert await post.until_asked(3) == ["Bergen", "Bodø", "Oslo"]
        states = server.states()
        post.answers.set()
    assert [task.result() for task in asked] == [PRICE] * 3
    assert states == ["idle", "idle"]
    evidence.add(
        "SELECT state FROM pg_stat_activity: 3 orders wait for the carrier,"
        " the pool has 2 connections",
        "\n".join(states),
    )


async def test_a_price_for_an_address_that_changed_meanwhile_is_not_written(
    url: URL, server: Server
) -> None:
    post = Post()
    async with open_pool(url, connections=1) as pool:
        task = asyncio.create_task(quote(pool, 1, post.carrier))
        await post.until_asked(1)
        server.execute("UPDATE orders SET address = 'Rome' WHERE id = 1")
        post.answers.set()
        with pytest.raises(AddressChangedError) as changed:
            await task
    assert changed.value.args == (1,)
    assert server.value("SELECT count(shipping) FROM orders") == 0


async def test_a_task_that_finds_the_pool_empty_waits_for_a_connection_to_come_back(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1, patience=AN_HOUR) as pool:
        async with pool.connect() as connection:
            first = (await connection.execute(PID)).scalar_one()
            waiting = asyncio.create_task(pid(pool))
            await asyncio.sleep(0)
            assert len(server.states()) == 1
            assert not waiting.done()
        assert await waiting == first


async def test_a_task_that_has_waited_long_enough_gets_a_timeout_error(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=2, patience=0) as pool:
        async with pool.connect() as one, pool.connect() as two:
            await asyncio.gather(one.execute(PID), two.execute(PID))
            with pytest.raises(exc.TimeoutError) as refused:
                await pid(pool)
            assert len(server.states()) == 2
        assert await pid(pool)
    assert str(refused.value).startswith(
        "QueuePool limit of size 2 overflow 0 reached, connection timed out,"
        " timeout 0.00"
    )
    # not the built-in one: `except TimeoutError` lets it pass
    assert not isinstance(refused.value, TimeoutError)


async def test_a_task_waits_two_seconds_if_not_told_otherwise(url: URL) -> None:
    async with open_pool(url, connections=1) as pool:
        assert isinstance(pool.pool, QueuePool)
        assert pool.pool.timeout() == 2


async def test_a_killed_connection_is_replaced_before_it_is_lent(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool:
        before = await pid(pool)
        server.kill()
        after = await pid(pool)
        assert before != after
        assert len(server.states()) == 1


async def test_one_failed_ping_condemns_all_that_were_in_the_pool(
    url: URL, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_pool(url, connections=3) as pool:
        pings: list[object] = []
        ping = pool.dialect.do_ping

        def counted(connection: DBAPIConnection) -> bool:
            pings.append(connection)
            return ping(connection)

        monkeypatch.setattr(pool.dialect, "do_ping", counted)
        before = await asyncio.gather(*[pid(pool) for _ in range(3)])
        fresh = len(pings)
        server.kill()
        after = [await pid(pool) for _ in range(3)]
        assert set(before).isdisjoint(after)
        assert (fresh, len(pings)) == (0, 1)


async def test_a_connection_killed_in_a_transaction_fails_it_and_the_next_works(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool:
        with pytest.raises(exc.DBAPIError) as lost:
            await work(pool, server.kill)
        assert lost.value.connection_invalidated
        assert await pid(pool)


async def test_the_server_ends_a_transaction_that_does_nothing(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool:
        with pytest.raises(exc.DBAPIError) as ended:
            await wait_idly(pool, server)
        assert ended.value.connection_invalidated
        assert await pid(pool)


async def test_it_does_so_after_ten_seconds_and_knows_whose_it_is(
    url: URL, server: Server
) -> None:
    async with open_pool(url, connections=1) as pool, pool.connect() as connection:
        limit = text("SHOW idle_in_transaction_session_timeout")
        assert (await connection.execute(limit)).scalar_one() == "10s"
        limit = text("SHOW statement_timeout")
        assert (await connection.execute(limit)).scalar_one() == "30s"
        assert server.value(NAMES) == ["shipping"]


async def test_the_default_opens_ten_more_connections_than_its_size(
    url: URL, server: Server, observe: Observe
) -> None:
    pool = open_pool_by_default(url, connections=2)
    try:
        post = Post()
        async with asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(hold(pool, post))
            await post.until_asked(12)
            most = len(server.states())
            post.answers.set()
    finally:
        await pool.dispose()
    observe(f"connections=2 opens {most}")
    assert most == 12


async def hold(pool: AsyncEngine, post: Post) -> None:
    async with pool.connect() as connection:
        await connection.execute(PID)
        await post.carrier("")


async def test_the_default_lends_a_connection_that_died_in_the_pool(
    url: URL, server: Server, observe: Observe
) -> None:
    pool = open_pool_by_default(url, connections=1)
    try:
        await pid(pool)
        server.kill()
        with pytest.raises(exc.DBAPIError) as failed:
            await pid(pool)
    finally:
        await pool.dispose()
    invalidated = failed.value.connection_invalidated
    observe(f"the request fails: DBAPIError, connection_invalidated={invalidated}")
    assert invalidated


async def test_a_pool_for_each_request_leaves_a_connection_for_each_request(
    url: URL, server: Server, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[AsyncEngine] = []

    def kept(url: URL) -> AsyncEngine:
        made.append(create_async_engine(url))
        return made[-1]

    monkeypatch.setattr(connection_pooling_avoid, "create_async_engine", kept)
    try:
        for _ in range(5):
            assert await quote_in_a_pool_of_its_own(url, 1, at_once) == PRICE
        left = server.states()
    finally:
        for pool in made:
            await pool.dispose()
    observe(f"after 5 requests: {len(left)} connections, nobody uses them")
    assert left == ["idle"] * 5


async def test_two_that_wait_for_a_carrier_turn_away_who_only_wants_to_read(
    url: URL, server: Server, observe: Observe, evidence: Evidence
) -> None:
    post = Post()
    async with (
        open_pool(url, connections=2, patience=0) as pool,
        asyncio.TaskGroup() as group,
    ):
        for order in (1, 2):
            group.create_task(quote_in_one_transaction(pool, order, post.carrier))
        await post.until_asked(2)
        states = server.states()
        with pytest.raises(exc.TimeoutError) as refused:
            await pid(pool)
        post.answers.set()
    message = str(refused.value).partition(", timeout")[0]
    observe(f"TimeoutError: {message}")
    assert message.startswith("QueuePool limit of size 2 overflow 0 reached")
    assert states == ["idle in transaction"] * 2
    evidence.add(
        "SELECT state FROM pg_stat_activity: the same in one transaction each,"
        " and the third order gets no connection",
        "\n".join(states),
    )


async def test_a_row_stays_locked_while_its_transaction_waits_for_a_carrier(
    url: URL, server: Server
) -> None:
    async def locked(quote: Callable[..., Coroutine[Any, Any, int]]) -> bool:
        post = Post()
        task = asyncio.create_task(quote(pool, 1, post.carrier))
        await post.until_asked(1)
        try:
            server.execute("SELECT FROM orders WHERE id = 1 FOR UPDATE NOWAIT")
        except psycopg.errors.LockNotAvailable:
            return True
        else:
            return False
        finally:
            post.answers.set()
            await task

    async with open_pool(url, connections=1) as pool:
        assert await locked(quote_in_one_transaction)
        assert not await locked(quote)


async def test_each_holds_one_connection_and_waits_for_a_second(
    url: URL, server: Server, observe: Observe
) -> None:
    async with open_pool(url, connections=2, patience=AN_HOUR) as pool:
        await save_with_a_note(pool, 1, PRICE)
        both = [asyncio.create_task(save_with_a_note(pool, n, PRICE)) for n in (2, 3)]
        states = server.states()
        for _ in range(MANY):
            if states == ["idle in transaction"] * 2:
                break
            await asyncio.sleep(0)
            states = server.states()
        done, waiting = await asyncio.wait(both, timeout=0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    observe(f"both tasks wait, and of the 2 connections each is {states[0]!r}")
    assert (states, len(done)) == (["idle in transaction"] * 2, 0)
    assert server.value("SELECT array_agg(id) FROM notes") == [1]


async def test_with_a_pool_of_one_it_waits_for_itself(url: URL, server: Server) -> None:
    async with open_pool(url, connections=1, patience=0) as pool:
        with pytest.raises(exc.TimeoutError):
            await save_with_a_note(pool, 1, PRICE)
    assert server.value("SELECT count(*) FROM notes") == 0
