import asyncio
import fcntl
import itertools
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, Self, cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import LockNotOwnedError, ResponseError

from proof.testing.basics import Observe, untyped
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Measured, Timeline
from snippets.databases import redis as module
from snippets.databases import redis_avoid
from snippets.databases.redis import Cache, keys_of
from snippets.databases.redis_avoid import (
    Load,
    get_under_a_lock_for_good,
    get_under_anyones_lock,
    get_without_a_lock,
    put_one_by_one,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

type Connect = Callable[[], Redis]
type Get = Callable[[str, Load], Awaitable[object]]

CALLERS = 50
PROCESSES = 5
FOR_EVER = -1  # what PTTL says of a key without an expiry
VALUES = {f"A-{number}": f"{number} EUR" for number in range(50)}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture
async def connect(valkey: str) -> AsyncGenerator[Connect]:
    """Give a function that makes clients, as another process would have its own."""
    from_url = untyped("redis.asyncio").from_url
    async with AsyncExitStack() as stack:

        def new() -> Redis:
            client: Redis = from_url(
                valkey, decode_responses=True, single_connection_client=True
            )
            stack.push_async_callback(client.aclose)
            return client

        yield new


@pytest.fixture
def redis(connect: Connect) -> Redis:
    return connect()


@pytest.fixture
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let one test at a time count, of all that use the server."""
    of_all = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_all = of_all.parent
    with (of_all / "counting.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(redis: Redis, prefix: str, load: Load, **times: Any) -> Cache:  # noqa: ANN401 - int or float
    return Cache(redis=redis, prefix=prefix, load=load, **times)


class Patience:
    """Every deadline of a cache, which passes when the test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.deadlines: list[asyncio.Timeout] = []

    def timeout(self, seconds: float) -> asyncio.Timeout:
        self.seconds.append(seconds)
        self.deadlines.append(asyncio.timeout(None))
        return self.deadlines[-1]

    def ends(self) -> None:
        for each in self.deadlines:
            each.reschedule(0)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    patience = Patience()
    monkeypatch.setattr(module, "timeout", patience.timeout)
    return patience


class Waiters:
    """Who waits for somebody else's load; they look again at once.

    Attributes:
        slept: For how many seconds they would have slept.
        all_wait: Set once as many tasks wait as are waited for.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.all_wait = asyncio.Event()
        self.waited_for = 1
        self._waiting: set[object] = set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._waiting.add(asyncio.current_task())
        if len(self._waiting) == self.waited_for:
            self.all_wait.set()
        await asyncio.sleep(0)


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> Waiters:
    waiters = Waiters()
    monkeypatch.setattr(module, "sleep", waiters.sleep)
    monkeypatch.setattr(redis_avoid, "sleep", waiters.sleep)
    return waiters


class Prices:
    """Where the prices belong: each load waits until it is let go."""

    def __init__(self, now: str = "10 EUR") -> None:
        self.now = now
        self.loaded: list[str] = []
        self.loading = asyncio.Semaphore(0)
        self.go_on = asyncio.Semaphore(0)

    async def load(self, name: str) -> str:
        """Read the price first, then take one's time to answer."""
        price = self.now
        self.loaded.append(name)
        self.loading.release()
        await self.go_on.acquire()
        return price

    async def load_at_once(self, name: str) -> str:
        self.loaded.append(name)
        return self.now


async def refuse(name: str) -> str:
    await asyncio.sleep(0)
    raise LookupError(name)


async def test_fifty_misses_at_once_load_once(
    connect: Connect, key_prefix: str, waiters: Waiters, measured: Measured
) -> None:
    async def load(name: str) -> str:
        loaded.append(name)
        await waiters.all_wait.wait()
        return "10 EUR"

    loaded: list[str] = []
    waiters.waited_for = CALLERS - 1
    caches = [cached(connect(), key_prefix, load) for _ in range(PROCESSES)]
    calls = [caches[at % PROCESSES].get("A-17") for at in range(CALLERS)]
    assert await asyncio.gather(*calls) == ["10 EUR"] * CALLERS
    assert loaded == ["A-17"]
    naive = await loads_without_a_lock(connect(), f"{key_prefix}naive")
    measured.row(
        f"Loads for {CALLERS} misses at once",
        "",
        {"get": len(loaded), "get_without_a_lock": naive},
    )


async def test_what_is_cached_is_not_loaded(redis: Redis, key_prefix: str) -> None:
    prices = Prices()
    cache = cached(redis, key_prefix, prices.load_at_once)
    assert [await cache.get("A-17") for _ in range(3)] == ["10 EUR"] * 3
    assert prices.loaded == ["A-17"]


async def test_an_empty_value_is_a_value(redis: Redis, key_prefix: str) -> None:
    prices = Prices(now="")
    cache = cached(redis, key_prefix, prices.load_at_once)
    assert [await cache.get("A-17") for _ in range(2)] == ["", ""]
    assert prices.loaded == ["A-17"]


async def test_nobody_waits_for_a_value_of_another_name(
    redis: Redis, key_prefix: str
) -> None:
    async def load(name: str) -> str:
        await both.wait()
        return f"price of {name}"

    both = asyncio.Barrier(2)
    cache = cached(redis, key_prefix, load)
    names = ["A-17", "B-4"]
    found = await asyncio.gather(*map(cache.get, names))
    assert found == ["price of A-17", "price of B-4"]


async def test_caches_of_different_prefixes_share_nothing(
    redis: Redis, key_prefix: str
) -> None:
    prices = cached(redis, f"{key_prefix}price:", Prices("10 EUR").load_at_once)
    titles = cached(redis, f"{key_prefix}title:", Prices("Lamp").load_at_once)
    assert await prices.get("A-17") == "10 EUR"
    assert await titles.get("A-17") == "Lamp"


@pytest.mark.parametrize(("chosen", "seconds"), [({}, 60), ({"ttl": 7200}, 7200)])
async def test_a_value_expires_after_its_time(
    redis: Redis, key_prefix: str, chosen: dict[str, int], seconds: int
) -> None:
    cache = cached(redis, key_prefix, Prices().load_at_once, **chosen)
    await cache.get("loaded")
    await cache.put({"put": "9 EUR"})
    for name in ("loaded", "put"):
        value, _ = keys_of(key_prefix, name)
        assert 0.9 * seconds * 1000 < await redis.pttl(value) <= seconds * 1000


@pytest.mark.parametrize(
    ("chosen", "seconds"),
    [({}, 5), ({"patience": 7200}, 7200), ({"patience": 2.5}, 2.5)],
)
async def test_a_lease_lasts_as_long_as_its_holder_may_load(
    redis: Redis,
    key_prefix: str,
    patience: Patience,
    chosen: dict[str, Any],
    seconds: float,
) -> None:
    async def load(name: str) -> str:
        _, lease = keys_of(key_prefix, name)
        left.append(await redis.pttl(lease))
        return "10 EUR"

    left: list[int] = []
    await cached(redis, key_prefix, load, **chosen).get("A-17")
    assert [0.95 * seconds * 1000 < each <= seconds * 1000 for each in left] == [True]
    assert patience.seconds == [seconds]


@pytest.mark.usefixtures("patience")
async def test_the_server_takes_the_lease_from_a_holder_who_died(
    connect: Connect, key_prefix: str
) -> None:
    dying, prices = connect(), Prices()
    cache = cached(dying, key_prefix, prices.load, patience=0.02)
    dead = asyncio.create_task(cache.get("A-17"))  # never let go on in this test
    await prices.loading.acquire()
    await dying.aclose()
    heir = cached(connect(), key_prefix, Prices("12 EUR").load_at_once)
    assert await heir.get("A-17") == "12 EUR"
    assert not dead.done()
    dead.cancel()
    await asyncio.wait([dead])


async def test_a_load_of_twenty_callers_that_takes_too_long_is_one_load_and_an_error(
    connect: Connect, key_prefix: str, waiters: Waiters, patience: Patience
) -> None:
    prices = Prices()
    waiters.waited_for = 19
    caches = [cached(connect(), key_prefix, prices.load) for _ in range(PROCESSES)]
    calls = [caches[at % PROCESSES].get("A-17") for at in range(20)]
    told = asyncio.gather(*calls, return_exceptions=True)
    await waiters.all_wait.wait()
    patience.ends()
    assert [type(each) for each in await told] == [TimeoutError] * 20
    assert prices.loaded == ["A-17"]
    assert await caches[0].redis.exists(*keys_of(key_prefix, "A-17")) == 0


async def test_who_waits_for_a_holder_that_died_waits_no_longer_than_its_patience(
    redis: Redis, key_prefix: str, waiters: Waiters, patience: Patience
) -> None:
    value, lease = keys_of(key_prefix, "A-17")
    await redis.set(lease, "the token of a holder that died", ex=60)
    waiting = asyncio.create_task(cached(redis, key_prefix, refuse).get("A-17"))
    await waiters.all_wait.wait()
    patience.ends()
    with pytest.raises(TimeoutError):
        await waiting
    held = "the token of a holder that died"
    assert await redis.mget([value, lease]) == [None, held]


@pytest.mark.parametrize(
    "times",
    [
        {"ttl": 0},
        {"ttl": -1},
        {"patience": 0.019},
        {"patience": -1},
        {"patience": float("nan")},
        {"patience": float("inf")},
    ],
    ids=str,
)
def test_times_in_which_nothing_could_be_cached_are_refused(
    times: dict[str, float],
) -> None:
    told = {"ttl": 60, "patience": 5} | times
    with pytest.raises(ValueError, match="ttl=") as refused:
        cached(Redis(), "price:", refuse, **times)
    assert str(refused.value) == "ttl={ttl}, patience={patience}".format_map(told)


@pytest.mark.parametrize("times", [{"ttl": 10**400}, {"patience": 1e300}], ids=str)
async def test_a_time_that_the_server_can_not_count_is_an_error_of_the_server(
    redis: Redis, key_prefix: str, times: dict[str, float]
) -> None:
    cache = cached(redis, key_prefix, Prices().load_at_once, **times)
    with pytest.raises(ResponseError, match=r"not an integer|invalid expire"):
        await cache.get("A-17")
    assert await redis.exists(keys_of(key_prefix, "A-17")[0]) == 0


def test_the_times_of_a_cache_stay_as_they_were_checked() -> None:
    cache = cached(Redis(), "price:", refuse)
    with pytest.raises(FrozenInstanceError):
        cache.ttl = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - the claim


def test_the_shortest_times_are_a_second_and_twenty_milliseconds() -> None:
    shortest = cached(Redis(), "price:", refuse, ttl=1, patience=0.02)
    assert (shortest.ttl, shortest.patience) == (1, 0.02)


@pytest.mark.parametrize(
    "name", ["", " ", "\0", "{}", "a}b{c", "Ünïcode", "n" * 100_000]
)
async def test_any_name_that_can_be_encoded_is_a_name(
    redis: Redis, key_prefix: str, name: str
) -> None:
    cache = cached(redis, key_prefix, Prices("10 EUR").load_at_once)
    assert await cache.get(name) == "10 EUR"
    await cache.put({name: "11 EUR"})
    assert await cache.get(name) == "11 EUR"
    await cache.forget(name)
    assert await cache.get(name) == "10 EUR"


async def test_a_lone_surrogate_is_refused_and_leaves_no_lease_behind_a_name(
    redis: Redis, key_prefix: str
) -> None:
    good = cached(redis, key_prefix, Prices().load_at_once)
    bad = cached(redis, key_prefix, Prices("\ud800").load_at_once)
    for call in (
        good.get("\ud800"),
        good.put({"\ud800": ""}),
        good.put({"A-17": "\ud800"}),
        good.forget("\ud800"),
        bad.get("A-17"),
    ):
        with pytest.raises(UnicodeEncodeError):
            await call
    value, _ = keys_of(key_prefix, "A-17")
    assert await redis.get(value) is None


async def test_who_waits_looks_again_after_twenty_milliseconds(
    redis: Redis, key_prefix: str, waiters: Waiters
) -> None:
    async def load(_name: str) -> str:
        await waiters.all_wait.wait()
        return "10 EUR"

    cache = cached(redis, key_prefix, load)
    await asyncio.gather(cache.get("A-17"), cache.get("A-17"))
    assert set(waiters.slept) == {0.02}


async def test_a_holder_who_comes_late_overwrites_nothing(
    connect: Connect, key_prefix: str
) -> None:
    redis, prices = connect(), Prices("old")
    late = asyncio.create_task(cached(redis, key_prefix, prices.load).get("A-17"))
    await prices.loading.acquire()
    await expire_lease(redis, key_prefix)
    heir = cached(connect(), key_prefix, Prices("new").load_at_once)
    assert await heir.get("A-17") == "new"
    prices.go_on.release()
    assert await late == "old"
    assert await heir.get("A-17") == "new"


async def test_a_holder_whose_lease_expired_stores_nothing_though_nobody_has_the_next(
    connect: Connect, key_prefix: str
) -> None:
    redis, prices = connect(), Prices("old")
    late = asyncio.create_task(cached(redis, key_prefix, prices.load).get("A-17"))
    await prices.loading.acquire()
    await expire_lease(redis, key_prefix)  # and no heir: the key is free
    prices.go_on.release()
    assert await late == "old"
    assert await redis.exists(*keys_of(key_prefix, "A-17")) == 0


async def test_a_holder_who_comes_late_leaves_the_next_one_its_lease(
    connect: Connect, key_prefix: str
) -> None:
    redis, prices = connect(), Prices()
    value, lease = keys_of(key_prefix, "A-17")
    cache = cached(redis, key_prefix, prices.load)
    late = asyncio.create_task(cache.get("A-17"))
    await prices.loading.acquire()
    await expire_lease(redis, key_prefix)
    heir = asyncio.create_task(cache.get("A-17"))
    await prices.loading.acquire()
    token = await redis.get(lease)
    prices.go_on.release()
    await late
    assert await redis.mget([value, lease]) == [None, token]
    prices.go_on.release()
    await heir
    assert await redis.mget([value, lease]) == ["10 EUR", None]


async def test_a_value_put_during_a_load_stays(
    connect: Connect, key_prefix: str
) -> None:
    prices = Prices("old")
    cache = cached(connect(), key_prefix, prices.load)
    reader = asyncio.create_task(cache.get("A-17"))
    await prices.loading.acquire()
    await cached(connect(), key_prefix, refuse).put({"A-17": "new"})
    prices.go_on.release()
    assert await reader == "old"
    assert await cache.get("A-17") == "new"


class OneByOne:
    """A pipeline whose commands are run one by one, with something in between."""

    def __init__(self, pipe: Any, between: Callable[[], Awaitable[object]]) -> None:  # noqa: ANN401 - its types are partial
        self._pipe, self._between = pipe, between
        self._commands: list[Callable[[], Awaitable[object]]] = []

    def pipeline(self, **_: object) -> "OneByOne":
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def delete(self, *keys: str) -> None:
        self._commands.append(lambda: self._pipe.delete(*keys))

    def set(self, *args: str, **options: int) -> None:
        self._commands.append(lambda: self._pipe.set(*args, **options))

    async def execute(self) -> None:
        first, second = self._commands
        await first()
        await self._between()
        await second()


async def test_a_load_that_ends_in_the_midst_of_a_put_does_not_overwrite_it(
    connect: Connect, key_prefix: str
) -> None:
    async def let_the_reader_end() -> None:
        prices.go_on.release()
        assert await reader == "old"

    prices, redis = Prices("old"), connect()
    cache = cached(connect(), key_prefix, prices.load)
    reader = asyncio.create_task(cache.get("A-17"))
    await prices.loading.acquire()
    one_by_one = cast("Redis", OneByOne(redis, let_the_reader_end))
    await cached(one_by_one, key_prefix, refuse).put({"A-17": "new"})
    assert await cache.get("A-17") == "new"


async def test_what_is_forgotten_is_loaded_again(redis: Redis, key_prefix: str) -> None:
    prices = Prices("old")
    cache = cached(redis, key_prefix, prices.load_at_once)
    await cache.put({"B-4": "3 EUR"})
    await cache.get("A-17")
    prices.now = "new"
    await cache.forget("A-17")
    assert await cache.get("A-17") == "new"
    assert await cache.get("B-4") == "3 EUR"


async def test_a_load_that_fails_lets_the_next_one_try_at_once(
    redis: Redis, key_prefix: str
) -> None:
    with pytest.raises(LookupError, match="A-17"):
        await cached(redis, key_prefix, refuse).get("A-17")
    assert await redis.exists(*keys_of(key_prefix, "A-17")) == 0


async def test_a_load_that_is_cancelled_lets_the_next_one_try_at_once(
    redis: Redis, key_prefix: str
) -> None:
    prices = Prices()
    reader = asyncio.create_task(cached(redis, key_prefix, prices.load).get("A-17"))
    await prices.loading.acquire()
    reader.cancel()
    await asyncio.wait([reader])
    assert reader.cancelled()
    assert await redis.exists(*keys_of(key_prefix, "A-17")) == 0


async def test_each_who_waits_for_a_load_that_fails_tries_once_one_after_another(
    redis: Redis, key_prefix: str, waiters: Waiters
) -> None:
    async def fail(name: str) -> str:
        loading.append(name)
        most.append(len(loading))
        await waiters.all_wait.wait()
        loading.pop()
        raise LookupError(name)

    loading: list[str] = []
    most: list[int] = []
    waiters.waited_for = 4
    cache = cached(redis, key_prefix, fail)
    told = await asyncio.gather(
        *[cache.get("A-17") for _ in range(5)], return_exceptions=True
    )
    assert [type(each) for each in told] == [LookupError] * 5
    assert most == [1] * 5


async def spoil_lease(redis: Redis, prefix: str) -> None:
    """Have the server refuse whatever is asked of the lease from now on."""
    _, lease = keys_of(prefix, "A-17")
    await redis.delete(lease)
    await redis.hset(lease, "not", "a string")


async def test_a_value_that_the_server_refuses_is_the_servers_error(
    redis: Redis, key_prefix: str
) -> None:
    async def load(_name: str) -> str:
        await spoil_lease(redis, key_prefix)
        return "10 EUR"

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await cached(redis, key_prefix, load).get("A-17")


async def test_what_a_load_raised_is_told_also_where_the_lease_can_not_be_ended(
    redis: Redis, key_prefix: str
) -> None:
    async def load(name: str) -> str:
        await spoil_lease(redis, key_prefix)
        return await refuse(name)

    with pytest.raises(LookupError, match="A-17"):
        await cached(redis, key_prefix, load).get("A-17")


async def test_without_its_server_a_cache_fails_and_loads_nothing(
    tmp_path: Path,
) -> None:
    prices = Prices()
    nowhere = Redis(
        unix_socket_path=str(tmp_path / "none"), retry=Retry(NoBackoff(), 0)
    )
    with pytest.raises(LostError):
        await cached(nowhere, "price:", prices.load_at_once).get("A-17")
    assert prices.loaded == []


async def test_a_client_that_asks_again_after_a_lost_answer_has_its_lease(
    valkey: str, key_prefix: str, waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*args: object, **options: object) -> object:
        answer = await parse(*args, **options)
        answers.append(answer)
        if answers == [1]:
            raise LostError
        return answer

    answers: list[object] = []
    from_url, once_more = untyped("redis.asyncio").from_url, Retry(NoBackoff(), 1)
    async with from_url(valkey, decode_responses=True, retry=once_more) as client:
        parse = client.parse_response
        monkeypatch.setattr(client, "parse_response", lose)
        cache = cached(client, key_prefix, Prices().load_at_once)
        assert await cache.get("A-17") == "10 EUR"
    assert answers[:2] == [1, 1]
    assert waiters.slept == []


def test_the_two_keys_of_a_value_are_on_one_node_of_a_cluster() -> None:
    value, lease = keys_of("price:", "A-17")
    assert key_slot(value.encode()) == key_slot(lease.encode())
    other, _ = keys_of("price:", "B-4")
    assert key_slot(value.encode()) != key_slot(other.encode())


@pytest.mark.usefixtures("counting")
async def test_fifty_values_are_put_in_one_round_trip(
    redis: Redis, key_prefix: str, measured: Measured
) -> None:
    async def put() -> None:
        await cache.put(VALUES)

    async def one_by_one() -> None:
        await put_one_by_one(redis, {f"{key_prefix}{key}": "" for key in VALUES})

    cache = cached(redis, key_prefix, refuse)
    one_read = (1, 2 * len(VALUES))
    assert await reads_and_commands(redis, put, least=one_read) == one_read
    assert {name: await cache.get(name) for name in VALUES} == VALUES
    each_read = (len(VALUES), len(VALUES))
    assert await reads_and_commands(redis, one_by_one, least=each_read) == each_read
    measured.row(
        f"Reads of the server to store {len(VALUES)} values",
        "",
        {"put": one_read[0], "put_one_by_one": each_read[0]},
    )


@pytest.mark.usefixtures("counting")
async def test_a_hit_takes_one_round_trip(redis: Redis, key_prefix: str) -> None:
    async def hit() -> None:
        await cache.get("A-17")

    cache = cached(redis, key_prefix, Prices().load_at_once)
    await hit()
    one_read = (1, 2)  # the script and the GET in it
    assert await reads_and_commands(redis, hit, least=one_read) == one_read


@pytest.mark.usefixtures("counting")
async def test_a_script_that_the_server_has_never_seen_takes_three_round_trips(
    redis: Redis, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hit() -> None:
        monkeypatch.setattr(module, "ASK", f"{known}-- {key_prefix}{next(unseen)}")
        assert await cache.get("A-17") == "10 EUR"

    known, unseen = module.ASK, itertools.count()
    cache = cached(redis, key_prefix, Prices().load_at_once)
    await cache.get("A-17")
    refused_loaded_run = (3, 4)  # with the GET in it
    found = await reads_and_commands(redis, hit, least=refused_loaded_run)
    assert found == refused_loaded_run


async def reads_and_commands(
    redis: Redis, act: Callable[[], Awaitable[None]], *, least: tuple[int, int]
) -> tuple[int, int]:
    """Count the server's reads from sockets, and its commands, without our own INFO.

    Others may use the server at the same time. They only add to it, so that it is done
    again until nobody did, or the least is not to be had.
    """

    async def figures() -> tuple[int, int]:
        info = await client.info("stats")
        return info["total_reads_processed"], info["total_commands_processed"]

    client: Any = redis  # the types of INFO are partial
    seen: list[tuple[int, int]] = []
    for _ in range(100):
        before = await figures()
        await act()
        after = await figures()
        seen.append((after[0] - before[0] - 1, after[1] - before[1] - 1))
        if seen[-1] == least:
            break
    return min(seen)


async def expire_lease(redis: Redis, prefix: str) -> None:
    """Let the server drop the lease now, as it does when the time is over."""
    _, lease = keys_of(prefix, "A-17")
    assert await redis.pexpire(lease, 0)


async def loads_without_a_lock(redis: Redis, key: str) -> int:
    """Let everybody miss before the first value is there."""

    async def load(name: str) -> str:
        loaded.append(name)
        await everybody.wait()
        return "10 EUR"

    loaded: list[str] = []
    everybody = asyncio.Barrier(CALLERS)
    calls = [get_without_a_lock(redis, key, load) for _ in range(CALLERS)]
    assert await asyncio.gather(*calls) == ["10 EUR"] * CALLERS
    return len(loaded)


async def change_during_a_load(
    timeline: Timeline, get: Get, forget: Callable[[str], Awaitable[object]]
) -> object:
    """Change a price after a reader has loaded it and before it is stored.

    Returns:
        What the next reader gets.
    """

    async def read() -> object:
        return await get("A-17", load)

    async def load(name: str) -> str:
        timeline.add("reader", "waits", f"loads {prices.now}")
        return await prices.load(name)

    async def load_again(name: str) -> str:
        timeline.add("next reader", "notes", f"loads {prices.now}")
        return await prices.load_at_once(name)

    prices = Prices("10 EUR")
    reader = asyncio.create_task(read())
    await prices.loading.acquire()
    prices.now = "12 EUR"
    timeline.add("writer", "notes", "commits 12 EUR")
    await forget("A-17")
    timeline.add("writer", "notes", "forgets the price")
    prices.go_on.release()
    timeline.add("reader", "ends", f"has {await reader}")
    found = await get("A-17", load_again)
    timeline.add("next reader", "ends", f"has {found}")
    return found


async def test_a_change_during_a_load_is_not_undone_when_the_load_ends(
    redis: Redis, key_prefix: str, timeline: Timeline
) -> None:
    async def get(name: str, load: Load) -> str:
        return await cached(redis, key_prefix, load).get(name)

    forget = cached(redis, key_prefix, refuse).forget
    assert await change_during_a_load(timeline, get, forget) == "12 EUR"
    assert timeline.told == [
        "reader waits: loads 10 EUR",
        "writer notes: commits 12 EUR",
        "writer notes: forgets the price",
        "reader ends: has 10 EUR",
        "next reader notes: loads 12 EUR",
        "next reader ends: has 12 EUR",
    ]


async def test_without_a_lease_the_end_of_a_load_undoes_the_change(
    redis: Redis, key_prefix: str, timeline: Timeline
) -> None:
    async def get(name: str, load: Load) -> object:
        return await get_without_a_lock(redis, key_prefix + name, load)

    async def forget(name: str) -> int:
        return await redis.delete(key_prefix + name)

    assert await change_during_a_load(timeline, get, forget) == "10 EUR"
    assert timeline.told == [
        "reader waits: loads 10 EUR",
        "writer notes: commits 12 EUR",
        "writer notes: forgets the price",
        "reader ends: has 10 EUR",
        "next reader ends: has 10 EUR",
    ]


async def test_without_a_lock_fifty_misses_at_once_load_fifty_times(
    redis: Redis, key_prefix: str, observe: Observe
) -> None:
    loads = await loads_without_a_lock(redis, f"{key_prefix}A-17")
    observe(f"{loads} loads")
    assert loads == CALLERS


async def test_a_late_set_brings_the_old_price_back_for_good(
    redis: Redis, key_prefix: str, observe: Observe
) -> None:
    key, prices = f"{key_prefix}A-17", Prices("10 EUR")
    reader = asyncio.create_task(get_without_a_lock(redis, key, prices.load))
    await prices.loading.acquire()
    prices.now = "12 EUR"
    await redis.delete(key)
    prices.go_on.release()
    await reader
    kept = await redis.get(key), await redis.pttl(key)
    observe("{} is kept, PTTL {}".format(*kept))
    assert kept == ("10 EUR", FOR_EVER)


async def test_a_lock_without_a_timeout_outlives_its_holder(
    connect: Connect, key_prefix: str, observe: Observe
) -> None:
    dying, redis = connect(), connect()
    key, prices = f"{key_prefix}A-17", Prices()
    get = get_under_a_lock_for_good(dying, key, prices.load)
    dead = asyncio.create_task(get)
    await prices.loading.acquire()
    await dying.aclose()
    left = await redis.pttl(f"{key}:lock")
    observe(f"holder gone, PTTL of its lock {left}")
    assert left == FOR_EVER
    assert not await redis.lock(f"{key}:lock", blocking=False).acquire()
    prices.go_on.release()
    assert await dead == "10 EUR"


async def test_a_late_holder_deletes_the_lock_of_the_next_and_two_load_at_once(
    redis: Redis, key_prefix: str, waiters: Waiters, observe: Observe
) -> None:
    def begin(load: Load) -> asyncio.Task[str | bytes]:
        return asyncio.create_task(get_under_anyones_lock(redis, key, load))

    async def time_out(_name: str) -> str:
        late_loads.set()
        await give_up.wait()
        raise TimeoutError

    key, prices = f"{key_prefix}A-17", Prices()
    late_loads, give_up = asyncio.Event(), asyncio.Event()
    late = begin(time_out)
    await late_loads.wait()
    assert await redis.pexpire(f"{key}:lock", 0)
    second = begin(prices.load)
    await prices.loading.acquire()
    third = begin(prices.load)
    await waiters.all_wait.wait()  # the third finds the lock of the second
    give_up.set()
    with pytest.raises(TimeoutError):
        await late
    await prices.loading.acquire()
    observe(f"{len(prices.loaded)} loads at once")
    assert prices.loaded == [key, key]
    prices.go_on.release()
    prices.go_on.release()
    assert [await second, await third] == ["10 EUR", "10 EUR"]


async def test_the_lock_of_the_library_complains_after_a_late_holder_has_stored(
    redis: Redis, key_prefix: str
) -> None:
    async def store_late() -> None:
        async with redis.lock(f"{key}:lock", timeout=5):
            await redis.pexpire(f"{key}:lock", 0)
            await redis.set(key, "new")  # by the next holder
            await redis.set(key, "old")

    key = f"{key_prefix}A-17"
    with pytest.raises(LockNotOwnedError):
        await store_late()
    assert await redis.get(key) == "old"


@pytest.mark.usefixtures("counting")
async def test_fifty_values_put_one_by_one_take_fifty_round_trips(
    redis: Redis, key_prefix: str, observe: Observe
) -> None:
    async def put() -> None:
        await put_one_by_one(redis, values)

    values = {f"{key_prefix}{key}": price for key, price in VALUES.items()}
    each_read = (len(VALUES), len(VALUES))
    reads, commands = await reads_and_commands(redis, put, least=each_read)
    observe(f"{reads} reads at the server")
    assert (reads, commands) == each_read
    assert await redis.mget(list(values)) == list(VALUES.values())
