import asyncio
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from contextlib import aclosing, asynccontextmanager
from typing import Any, override

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, ControlledLoop
from proof.testing.record import Timeline
from snippets.concurrency import async_generators_avoid
from snippets.concurrency.async_generators import find, stream
from snippets.concurrency.async_generators_avoid import (
    check_and_report,
    find_and_leave,
    stream_in_time,
)

pytestmark = pytest.mark.anyio

NAMES = ("ada", "bob", "eve")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class Pool:
    """One connection, and the cursor of the query that holds it."""

    def __init__(self, rows: Iterable[str] = NAMES) -> None:
        self._rows = list(rows)
        self._connection = asyncio.Semaphore(1)
        self.pages: list[int] = []
        self.closed_by: list[asyncio.Task[Any] | None] = []
        self.failure: Exception | None = None

    @property
    def free(self) -> bool:
        return not self._connection.locked()

    async def query(self) -> "Pool":
        await self._connection.acquire()
        return self

    async def fetch(self, rows: int) -> list[str]:
        await asyncio.sleep(0)
        page, self._rows = self._rows[:rows], self._rows[rows:]
        self.pages.append(len(page))
        return page

    async def close(self) -> None:
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        self.closed_by.append(asyncio.current_task())
        self._connection.release()


type Find = Callable[
    [Callable[[], Awaitable[Pool]], Callable[[str], bool]], Awaitable[str | None]
]


def is_bob(name: str) -> bool:
    return name == "bob"


async def test_the_connection_is_free_before_the_next_statement_runs() -> None:
    pool = Pool()
    assert await find(pool.query, is_bob) == "bob"
    assert pool.free


async def test_a_row_that_is_not_there_is_none_and_the_connection_is_free() -> None:
    pool = Pool()
    assert await find(pool.query, lambda name: name == "zoe") is None
    assert pool.free


async def test_the_one_who_iterates_is_the_one_who_closes() -> None:
    pool = Pool()
    await find(pool.query, is_bob)
    assert pool.closed_by == [asyncio.current_task()]


async def test_rows_come_in_the_order_of_the_query_page_by_page() -> None:
    pool = Pool("abcdefg")
    assert [row async for row in stream(pool.query, page=3)] == list("abcdefg")
    assert pool.pages == [3, 3, 1, 0]
    assert [row async for row in stream(Pool("ab").query, page=1)] == ["a", "b"]
    assert pool.free


async def test_a_page_is_a_hundred_rows_and_a_row_found_early_needs_one() -> None:
    pool = Pool(map(str, range(1000)))
    assert await find(pool.query, lambda name: name == "42") == "42"
    assert pool.pages == [100]


async def test_a_failure_while_iterating_frees_the_connection() -> None:
    def wanted(_name: str) -> bool:
        assert not pool.free
        raise ValueError("wanted")

    pool = Pool()
    with pytest.raises(ValueError, match="wanted"):
        await find(pool.query, wanted)
    assert pool.free


async def test_a_failed_fetch_frees_the_connection() -> None:
    class Broken(Pool):
        @override
        async def fetch(self, rows: int) -> list[str]:
            await super().fetch(rows)
            raise ConnectionError("fetch")

    pool = Broken()
    with pytest.raises(ConnectionError, match="fetch"):
        await find(pool.query, is_bob)
    assert pool.free


async def test_a_cancelled_search_frees_the_connection() -> None:
    class Slow(Pool):
        @override
        async def fetch(self, rows: int) -> list[str]:
            await asyncio.sleep(3600)
            return await super().fetch(rows)

    pool = Slow()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await find(pool.query, is_bob)
    assert pool.free


@pytest.mark.parametrize("find", [find, find_and_leave])
async def test_a_failure_to_close_is_logged_and_the_row_is_kept(
    find: Find, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool()
    pool.failure = RuntimeError("close")
    assert await find(pool.query, is_bob) == "bob"
    await some_turns()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "a cursor was not closed"
    assert record.exc_info is not None
    assert record.exc_info[1] is pool.failure


async def test_a_failure_to_close_does_not_replace_the_failure_of_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def wanted(_name: str) -> bool:
        raise ValueError("wanted")

    pool = Pool()
    pool.failure = OSError("close")
    with pytest.raises(ValueError, match="wanted"):
        await find(pool.query, wanted)
    assert caplog.messages == ["a cursor was not closed"]


async def test_a_cancelled_search_ends_cancelled_where_closing_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Slow(Pool):
        @override
        async def fetch(self, rows: int) -> list[str]:
            await asyncio.sleep(3600)
            return await super().fetch(rows)

    pool = Slow()
    pool.failure = OSError("close")

    async def search() -> None:
        await find(pool.query, is_bob)

    searching = asyncio.create_task(search())
    asyncio.get_running_loop().call_later(1, searching.cancel)
    await asyncio.wait([searching])
    assert searching.cancelled()
    assert caplog.messages == ["a cursor was not closed"]


async def test_closing_that_hangs_is_given_up_after_five_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Hanging(Pool):
        @override
        async def close(self) -> None:
            await asyncio.sleep(3600)

    assert await find(Hanging().query, is_bob) == "bob"
    assert asyncio.get_running_loop().time() == 5
    assert caplog.messages == ["a cursor was not closed"]


@pytest.mark.parametrize("stream", [stream, async_generators_avoid.stream])
@pytest.mark.parametrize("page", [0, -1, -(10**400)])
async def test_a_page_without_rows_is_refused_before_the_query_starts(
    page: int, stream: Callable[..., AsyncGenerator[str]]
) -> None:
    pool = Pool()
    with pytest.raises(ValueError, match=f"^page must be at least 1, not {page}$"):
        await anext(stream(pool.query, page=page))
    assert pool.free


async def test_a_query_that_cannot_be_started_leaves_nothing_to_close() -> None:
    async def query() -> Pool:
        await asyncio.sleep(0)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await find(query, is_bob)


async def test_a_stream_that_is_never_started_takes_no_connection() -> None:
    pool = Pool()
    async with aclosing(stream(pool.query)):
        assert pool.free
    assert pool.free
    assert pool.closed_by == []


async def test_a_closed_stream_gives_no_more_rows() -> None:
    rows = stream(Pool().query)
    assert await anext(rows) == "ada"
    await rows.aclose()
    assert [row async for row in rows] == []


def test_a_plain_generator_is_closed_as_soon_as_nobody_refers_to_it() -> None:
    def names() -> Iterator[str]:
        try:
            yield "ada"
        finally:
            events.append("closed")

    events: list[str] = []
    for _ in names():
        break
    events.append("next statement")
    assert events == ["closed", "next statement"]


async def test_annotated_as_an_iterator_the_stream_is_refused_by_the_checkers() -> None:
    def rows() -> AsyncIterator[str]:
        return stream(Pool().query)

    # ignored because it is the claim: each checker reports the argument
    async with aclosing(rows()):  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
        pass


async def test_closing_the_outer_generator_leaves_the_inner_one_open() -> None:
    async def shouted() -> AsyncGenerator[str]:
        async for name in inner:
            yield name.upper()

    pool = Pool()
    inner = stream(pool.query)
    async with aclosing(inner):
        async with aclosing(shouted()) as outer:
            assert await anext(outer) == "ADA"
        assert not pool.free
    assert pool.free


async def test_a_context_manager_closes_for_a_caller_who_just_breaks() -> None:
    @asynccontextmanager
    async def opened(pool: Pool) -> AsyncGenerator[AsyncIterator[str]]:
        async with aclosing(stream(pool.query)) as rows:
            yield rows

    pool = Pool()
    async with opened(pool) as rows:
        async for _ in rows:
            break
    assert pool.free


async def test_the_cursor_ends_before_the_report_goes_on(timeline: Timeline) -> None:
    await tell(timeline, find)
    assert timeline.told == [
        "report starts",
        "cursor starts",
        "cursor notes: page",
        "cursor ends",
        "report notes: next statement",
        "report ends",
    ]


async def test_left_alone_the_cursor_is_still_open_when_the_report_goes_on(
    timeline: Timeline,
) -> None:
    await tell(timeline, find_and_leave)
    assert timeline.told == [
        "report starts",
        "cursor starts",
        "cursor notes: page",
        "report notes: next statement",
        "report ends",
        "cursor ends",
    ]


async def tell(timeline: Timeline, find: Find) -> None:
    """Record one search, and what the caller does next."""

    class Told(Pool):
        @override
        async def query(self) -> Pool:
            timeline.add("cursor", "starts")
            return await super().query()

        @override
        async def fetch(self, rows: int) -> list[str]:
            timeline.add("cursor", "notes", "page")
            return await super().fetch(rows)

        @override
        async def close(self) -> None:
            await super().close()
            timeline.add("cursor", "ends")

    pool = Told()
    with timeline.lane("report"):
        await find(pool.query, is_bob)
        timeline.add("report", "notes", "next statement")
    await some_turns()


async def some_turns() -> None:
    """Let the loop do what is ready, and what becomes ready by that."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_finally_has_not_run_when_the_callers_next_statement_does(
    observe: Observe,
) -> None:
    pool = Pool()
    assert await find_and_leave(pool.query, is_bob) == "bob"
    observe(f"connection free: {pool.free}")
    assert not pool.free
    await some_turns()
    assert pool.free


async def test_left_alone_the_cursor_is_closed_by_a_task_of_the_loop() -> None:
    pool = Pool()
    await find_and_leave(pool.query, is_bob)
    await some_turns()
    [closed_by] = pool.closed_by
    assert closed_by not in {asyncio.current_task(), None}


async def test_without_a_break_nothing_is_left_to_close() -> None:
    pool = Pool()
    assert await find_and_leave(pool.query, lambda name: name == "zoe") is None
    assert pool.free
    assert pool.closed_by == [asyncio.current_task()]


def test_a_stream_that_a_variable_holds_is_closed_when_the_loop_shuts_down() -> None:
    async def main() -> None:
        async for _ in rows:
            break
        await asyncio.sleep(3600)
        states.append(pool.free)

    states: list[bool] = []
    pool = Pool()
    rows = stream(pool.query)
    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        runner.run(main())
    states.append(pool.free)
    assert states == [False, True]


def test_an_error_in_the_finally_of_what_was_left_alone_reaches_nobody() -> None:
    async def names() -> AsyncGenerator[str]:
        try:
            yield "ada"
        finally:
            await asyncio.sleep(0)
            raise OSError("close")

    async def main() -> list[str]:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: told.append(context["message"])
        )
        found: list[str] = []
        async for name in names():
            found.append(name)
            break
        await some_turns()
        return found

    told: list[str] = []
    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        assert runner.run(main()) == ["ada"]
    assert told == ["Task exception was never retrieved"]


def refuse_bob(name: str) -> None:
    if is_bob(name):
        raise ValueError(name)


async def take(pool: Pool, *, within: float = 3600) -> float:
    """Return the seconds until the pool gave its connection."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(within):
        await pool.query()
    return asyncio.get_running_loop().time() - began


async def test_in_aclosing_the_report_of_a_failure_gets_the_connection() -> None:
    pool = Pool()
    try:
        async with aclosing(stream(pool.query)) as rows:
            async for row in rows:
                refuse_bob(row)
    except ValueError:
        assert await take(pool) == 0
    assert not pool.free  # taken by the report, that is


async def test_a_variable_keeps_the_connection_that_the_report_waits_for(
    observe: Observe,
) -> None:
    async def report(_error: ValueError) -> None:
        await take(pool)

    pool = Pool()
    with pytest.raises(TimeoutError) as raised:
        await check_and_report(pool.query, refuse_bob, report)
    now = asyncio.get_running_loop().time()
    observe(f"{raised.type.__name__} after {now:.0f} s")
    assert now == 3600


async def test_a_deadline_round_a_yield_cancels_who_iterates(observe: Observe) -> None:
    async def iterate() -> None:
        pool = Pool()
        async with aclosing(stream_in_time(pool.query, seconds=1)) as rows:
            async for _ in rows:
                await asyncio.sleep(3600)

    task = asyncio.create_task(iterate())
    await asyncio.wait([task])
    observe(f"cancelled: {task.cancelled()}, though nobody called cancel()")
    assert task.cancelled()


async def test_within_the_deadline_all_rows_come() -> None:
    pool = Pool()
    rows = stream_in_time(pool.query, seconds=1)
    assert [row async for row in rows] == list(NAMES)
    assert pool.free
