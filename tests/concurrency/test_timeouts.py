import asyncio
import errno
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from itertools import repeat
from math import inf, nan
from typing import Any

import pytest

from proof.testing.basics import Observe, untyped
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Timeline
from snippets.concurrency import timeouts_avoid
from snippets.concurrency.timeouts import (
    Connection,
    OverdueError,
    SilentError,
    TooLargeError,
    download,
)
from snippets.concurrency.timeouts_avoid import (
    download_blaming_itself,
    download_bounding_each_wait,
    download_without_deadline,
)

pytestmark = pytest.mark.anyio

WEEK = 7 * 24 * 3600
NEVER = 10 * WEEK
TOO_LONG_SECONDS = 20


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


def clock() -> float:
    return asyncio.get_running_loop().time()


class Sender:
    """Sends one byte after each pause, and records when."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.connects_in = 0.0
        self.disconnects_in = 0.0
        self.error: OSError | None = None
        self.disconnect_error: OSError | None = None

    @asynccontextmanager
    async def sends(
        self, pauses: Iterable[float]
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        await asyncio.sleep(self.connects_in)
        with self.timeline.lane("connection"):
            try:
                yield self._chunks(pauses)
            finally:
                self.timeline.add("connection", "notes", f"closes at {clock():g} s")
                await asyncio.sleep(self.disconnects_in)
                if self.disconnect_error:
                    raise self.disconnect_error

    async def _chunks(self, pauses: Iterable[float]) -> AsyncGenerator[bytes]:
        for pause in pauses:
            await asyncio.sleep(pause)
            self.timeline.add("sender", "notes", f"chunk at {clock():g} s")
            yield b"."
        if self.error:
            raise self.error


@pytest.fixture
def sender() -> Sender:
    return Sender(Timeline())  # one that no page draws


async def test_a_dead_sender_is_given_up_and_the_connection_closed(
    timeline: Timeline,
) -> None:
    with pytest.raises(SilentError) as silent, timeline.lane("download"):
        await download(Sender(timeline).sends([4, 4, NEVER]))
    assert str(silent.value) == "nothing for 5 s after 2 bytes"
    assert clock() == 13
    assert timeline.told == [
        "download starts",
        "connection starts",
        "sender notes: chunk at 4 s",
        "sender notes: chunk at 8 s",
        "connection notes: closes at 13 s",
        "connection is cancelled",
        "download fails: SilentError",
    ]


async def test_a_sender_that_drips_meets_the_deadline_for_the_whole(
    timeline: Timeline,
) -> None:
    with pytest.raises(OverdueError) as overdue, timeline.lane("download"):
        await download(Sender(timeline).sends(repeat(4)), total=10)
    assert str(overdue.value) == "not whole after 10 s: 2 bytes"
    assert clock() == 10
    assert timeline.told == [
        "download starts",
        "connection starts",
        "sender notes: chunk at 4 s",
        "sender notes: chunk at 8 s",
        "connection notes: closes at 10 s",
        "connection is cancelled",
        "download fails: OverdueError",
    ]


async def test_a_whole_export_may_take_longer_than_one_silence(sender: Sender) -> None:
    assert await download(sender.sends([4] * 14)) == b"." * 14
    assert clock() == 56


async def test_a_minute_is_the_deadline_unless_the_caller_says_more(
    sender: Sender,
) -> None:
    with pytest.raises(OverdueError, match="not whole after 60 s: 14 bytes"):
        await download(sender.sends(repeat(4)))
    assert clock() == 60
    assert await download(sender.sends([4] * 20), total=100) == b"." * 20


async def test_a_caller_who_knows_the_sender_allows_a_longer_silence(
    sender: Sender,
) -> None:
    pauses = [1, 20]
    assert await download(sender.sends(pauses), silence=30) == b".."
    with pytest.raises(SilentError, match="nothing for 19 s after 1 bytes"):
        await download(sender.sends(pauses), silence=19)


async def test_two_numbers_of_seconds_cannot_be_mixed_up(sender: Sender) -> None:
    unchecked = untyped("snippets.concurrency.timeouts")
    with pytest.raises(TypeError, match="takes 1 positional argument but 3 were"):
        await unchecked.download(sender.sends([]), 60, 5)


async def test_connecting_is_bounded_as_well(sender: Sender) -> None:
    sender.connects_in = NEVER
    with pytest.raises(SilentError, match="nothing for 5 s after 0 bytes"):
        await download(sender.sends([]))
    assert clock() == 5


async def test_the_callers_earlier_deadline_is_not_taken_for_ours(
    sender: Sender,
) -> None:
    checkout = asyncio.timeout(3)
    with pytest.raises(TimeoutError):
        async with checkout:
            await download(sender.sends([NEVER]))
    assert checkout.expired()
    assert sender.timeline.told == [
        "connection starts",
        "connection notes: closes at 3 s",
        "connection is cancelled",
    ]


async def test_of_two_deadlines_at_one_moment_the_outer_one_is_reported(
    sender: Sender,
) -> None:
    with pytest.raises(OverdueError):
        await download(sender.sends([NEVER]), total=5, silence=5)


@pytest.mark.parametrize("first", ["the deadline", "the cancellation"])
async def test_a_cancellation_at_the_moment_of_the_deadline_stays_one(
    sender: Sender, first: str
) -> None:
    task = asyncio.create_task(download(sender.sends([NEVER])))
    if first == "the deadline":
        await asyncio.sleep(0)  # its timer is set before the other
    asyncio.get_running_loop().call_at(5, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sender.timeline.told == [
        "connection starts",
        "connection notes: closes at 5 s",
        "connection is cancelled",
    ]


async def test_an_expired_deadline_lets_clean_up_await_and_the_outer_one_ends_it(
    sender: Sender,
) -> None:
    sender.disconnects_in = NEVER
    with pytest.raises(OverdueError):
        await download(sender.sends([NEVER]))
    assert clock() == 60


async def test_a_timeout_of_the_connection_itself_passes_through(
    sender: Sender,
) -> None:
    sender.error = OSError(errno.ETIMEDOUT, "Connection timed out")
    with pytest.raises(TimeoutError) as own:
        await download(sender.sends([1]))
    assert own.value is sender.error
    assert clock() == 1


async def test_what_goes_wrong_after_the_deadline_keeps_its_name(
    sender: Sender,
) -> None:
    sender.disconnect_error = ConnectionResetError("reset by peer")
    with pytest.raises(ConnectionResetError) as after:
        await download(sender.sends([NEVER]))
    assert after.value is sender.disconnect_error
    assert isinstance(after.value.__context__, TimeoutError)


@asynccontextmanager
async def swallows(*, goes_on: bool) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Give a stream that drips, and takes a cancellation for its end or for nothing."""

    async def drip() -> AsyncGenerator[bytes]:
        yield b"id,total"
        waiting = True
        while waiting:
            try:
                await asyncio.sleep(NEVER)
            except asyncio.CancelledError:
                waiting = goes_on
            if goes_on:
                yield b"!"

    async with aclosing(drip()) as chunks:
        yield chunks


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_stream_that_ends_on_its_cancellation_is_not_taken_for_whole(
    *, goes_on: bool
) -> None:
    with pytest.raises(SilentError) as silent:
        await download(swallows(goes_on=goes_on))
    assert str(silent.value) == "nothing for 5 s after 8 bytes"
    with pytest.raises(OverdueError) as overdue:
        await download(swallows(goes_on=goes_on), total=3)
    assert str(overdue.value) == "not whole after 3 s: 8 bytes"
    assert clock() == 5 + 3


async def test_after_a_callers_deadline_a_stream_that_ends_on_it_does_look_whole() -> (
    None
):
    async with asyncio.timeout(3) as callers:
        assert await download(swallows(goes_on=False)) == b"id,total"
    assert callers.expired()


@pytest.mark.parametrize("seconds", [0.0, -0.0, -1.0, nan, -inf])
@pytest.mark.parametrize("name", ["total", "silence"])
async def test_seconds_that_are_not_positive_are_refused_before_connecting(
    sender: Sender, name: str, seconds: float
) -> None:
    both = {"total": 60.0, "silence": 5.0, name: seconds}
    with pytest.raises(ValueError, match="must be positive") as refused:
        await download(sender.sends([]), **both)
    assert str(refused.value) == (
        f"seconds must be positive, not {both['total']} and {both['silence']}"
    )
    assert sender.timeline.told == []


async def test_an_integer_beyond_any_float_is_no_number_of_seconds(
    sender: Sender,
) -> None:
    with pytest.raises(OverflowError):
        await download(sender.sends([]), total=10**400)
    assert sender.timeline.told == []


@pytest.mark.parametrize(("pause", "seconds"), [(WEEK, inf), (0.25, 0.5)])
async def test_half_a_second_and_an_endless_patience_are_allowed(
    sender: Sender, pause: float, seconds: float
) -> None:
    assert await download(sender.sends([pause]), total=seconds, silence=seconds) == b"."


async def test_an_export_that_gets_too_large_is_refused_and_the_connection_closed() -> (
    None
):
    mebibyte, closed = b"." * 2**20, list[bool]()

    @asynccontextmanager
    async def sends(*chunks: bytes) -> AsyncGenerator[AsyncIterator[bytes]]:
        async def send() -> AsyncGenerator[bytes]:
            for chunk in chunks:
                await asyncio.sleep(0)
                yield chunk

        async with aclosing(send()) as sent:
            try:
                yield sent
            finally:
                closed.append(True)

    assert len(await download(sends(*[mebibyte] * 16))) == 16 * 2**20
    with pytest.raises(TooLargeError) as refused:
        await download(sends(*[mebibyte] * 16, b"!"))
    assert str(refused.value) == "more than 16777216 bytes"
    assert closed == [True, True]


@pytest.mark.parametrize("pauses", [[NEVER], repeat(4)])
async def test_the_error_keeps_the_timeout_as_its_cause(
    sender: Sender, pauses: Iterable[float]
) -> None:
    with pytest.raises((SilentError, OverdueError)) as given_up:
        await download(sender.sends(pauses))
    assert isinstance(given_up.value.__cause__, TimeoutError)
    assert isinstance(given_up.value.__cause__.__cause__, asyncio.CancelledError)


async def test_a_deadline_ends_the_wait_for_a_thread_and_not_the_thread() -> None:
    release = threading.Event()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def write_report() -> None:
        release.wait(TOO_LONG_SECONDS)
        loop.call_soon_threadsafe(done.set)

    with ThreadPoolExecutor() as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await loop.run_in_executor(pool, write_report)
        assert not done.is_set()
        release.set()
        await done.wait()


@pytest.mark.parametrize(
    "careless",
    [
        download_without_deadline,
        download_bounding_each_wait,
        download_blaming_itself,
    ],
)
async def test_on_a_good_day_the_careless_download_as_well(
    sender: Sender, careless: Callable[[Connection], Awaitable[bytes]]
) -> None:
    assert await careless(sender.sends([1, 2])) == b".."


@pytest.mark.parametrize(
    "careless",
    [
        download_without_deadline,
        download_bounding_each_wait,
        download_blaming_itself,
    ],
)
async def test_the_careless_download_keeps_to_the_bytes_as_well(
    sender: Sender,
    careless: Callable[[Connection], Awaitable[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeouts_avoid, "MOST_BYTES", 1)
    with pytest.raises(timeouts_avoid.TooLargeError):
        await careless(sender.sends([1, 2]))


async def test_a_dead_sender_is_awaited_for_a_week(
    sender: Sender, observe: Observe
) -> None:
    task = asyncio.create_task(download_without_deadline(sender.sends([4, 4, NEVER])))
    await asyncio.wait([task], timeout=WEEK)
    days = clock() / 24 / 3600
    observe(f"after {days:g} days: 2 bytes, and a connection that is still open")
    assert sender.timeline.told == [
        "connection starts",
        "sender notes: chunk at 4 s",
        "sender notes: chunk at 8 s",
    ]
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_sender_that_drips_is_never_late(
    timeline: Timeline, observe: Observe
) -> None:
    with pytest.raises(TimeoutError), timeline.lane("download"):
        async with asyncio.timeout(21):
            await download_bounding_each_wait(Sender(timeline).sends(repeat(4)))
    assert timeline.told == [
        "download starts",
        "connection starts",
        "sender notes: chunk at 4 s",
        "sender notes: chunk at 8 s",
        "sender notes: chunk at 12 s",
        "sender notes: chunk at 16 s",
        "sender notes: chunk at 20 s",
        "connection notes: closes at 21 s",
        "connection is cancelled",
        "download fails: TimeoutError",
    ]
    hour = Sender(Timeline())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await download_bounding_each_wait(hour.sends(repeat(4)))
    chunks = [event for event in hour.timeline.told if event.startswith("sender")]
    observe(f"after an hour: {len(chunks)} bytes, and no end")
    assert len(chunks) > 800


async def test_a_dropped_connection_is_reported_as_a_missed_deadline(
    sender: Sender, observe: Observe
) -> None:
    sender.error = OSError(errno.ETIMEDOUT, "Connection timed out")
    with pytest.raises(timeouts_avoid.OverdueError) as wrong:
        await download_blaming_itself(sender.sends([1]))
    observe(f"after {clock():g} s: {wrong.value}")
    assert str(wrong.value) == "not whole after 60 s: 1 bytes"
    assert clock() == 1
