import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from math import inf, nan
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, ControlledLoop
from proof.testing.record import Measured, Timeline
from snippets.concurrency import semaphore
from snippets.concurrency.semaphore import Carrier, RateLimiter
from snippets.concurrency.semaphore_avoid import (
    CarrierRatedBySemaphore,
    CarrierSleepingInSlot,
    CarrierWithTurnBeforeSlot,
)

pytestmark = pytest.mark.anyio

AT_ONCE = 4
PER_SECOND = 5
ANSWER_SECONDS = 0.125
STALLED_SECONDS = 2.0
TIME_LIMIT = 60
PARCELS = [f"parcel {number}" for number in range(20)]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the limiter look at the clock of the loop, which the test controls."""

    def now() -> float:
        return asyncio.get_running_loop().time()

    monkeypatch.setattr(semaphore, "monotonic", now)


type Ask = Callable[[str], Coroutine[Any, Any, str]]


class Tracker(Protocol):
    def track(self, parcel: str) -> Coroutine[Any, Any, str]: ...


class Api:
    """The carrier's side: counts what it is asked, on the controlled clock."""

    def __init__(self, *, stalls_until: float = 0) -> None:
        self.stalls_until = stalls_until
        self.open = 0
        self.most_open = 0
        self.began: list[float] = []
        self.asked: list[str] = []

    async def ask(self, parcel: str) -> str:
        now = asyncio.get_running_loop().time()
        self.began.append(now)
        self.asked.append(parcel)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(max(ANSWER_SECONDS, self.stalls_until - now))
        self.open -= 1
        return f"{parcel}: Oslo"

    @property
    def most_in_a_second(self) -> int:
        return max(
            sum(first <= began < first + 1 for began in self.began)
            for first in self.began
        )


async def track_all(carrier: Tracker, parcels: Sequence[str] = PARCELS) -> float:
    """Ask for all at once; return the seconds until the last answer."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(TIME_LIMIT), asyncio.TaskGroup() as group:
        tasks = [group.create_task(carrier.track(parcel)) for parcel in parcels]
    assert [task.result() for task in tasks] == [f"{each}: Oslo" for each in parcels]
    return asyncio.get_running_loop().time() - began


def no_rate() -> RateLimiter:
    return RateLimiter(len(PARCELS), 1.0)


async def test_as_many_calls_are_open_as_the_bound_allows_and_no_more() -> None:
    api = Api()
    await track_all(Carrier(api.ask, at_once=AT_ONCE, limiter=no_rate()))
    assert api.most_open == AT_ONCE


async def test_the_limiter_keeps_the_rate_that_the_semaphore_cannot() -> None:
    api = Api()
    limiter = RateLimiter(PER_SECOND, 1.0)
    await track_all(Carrier(api.ask, at_once=AT_ONCE, limiter=limiter), PARCELS[:12])
    assert api.began == [0, 0, 0, 0, 0.125, 1, 1, 1, 1, 1.125, 2, 2]
    assert api.most_in_a_second == PER_SECOND


async def test_two_clients_of_one_account_share_the_rate() -> None:
    first, second = Api(), Api()
    limiter = RateLimiter(PER_SECOND, 1.0)
    async with asyncio.TaskGroup() as group:
        for api in (first, second):
            carrier = Carrier(api.ask, at_once=AT_ONCE, limiter=limiter)
            group.create_task(track_all(carrier))
    together = Api()
    together.began = [*first.began, *second.began]
    assert together.most_in_a_second == PER_SECOND


async def test_parcels_are_asked_for_in_the_order_they_came() -> None:
    api = Api()
    limiter = RateLimiter(1, 1.0)
    await track_all(Carrier(api.ask, at_once=AT_ONCE, limiter=limiter))
    assert api.asked == PARCELS


@settings(derandomize=True, database=None, deadline=None, max_examples=50)
@given(
    eighths=st.lists(st.integers(0, 12), max_size=12),
    calls=st.integers(1, 4),
    quarters=st.integers(1, 8),
)
def test_each_caller_passes_as_soon_as_its_window_has_room(
    eighths: list[int], calls: int, quarters: int
) -> None:
    arrivals = [sum(eighths[: at + 1]) / 8 for at in range(len(eighths))]
    seconds = quarters / 4

    async def main() -> list[float]:
        async def arrive(at: float) -> float:
            await asyncio.sleep(at)
            await limiter.wait()
            return asyncio.get_running_loop().time()

        limiter = RateLimiter(calls, seconds)
        async with asyncio.timeout(TIME_LIMIT):
            return await asyncio.gather(*map(arrive, arrivals))

    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        passed = runner.run(main())

    earliest: list[float] = []
    for at, arrival in enumerate(arrivals):
        room = earliest[at - calls] + seconds if at >= calls else 0
        earliest.append(max(arrival, room))
    assert sorted(passed) == earliest


async def test_a_loop_that_was_held_up_does_not_make_up_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    clock, blocked = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: clock() + blocked)
    limiter = RateLimiter(1, 1.0)
    async with asyncio.timeout(TIME_LIMIT):
        await limiter.wait()
        late = asyncio.create_task(limiter.wait())
        await asyncio.sleep(0.5)
        blocked = 2.0  # as a blocking call of two seconds leaves it
        await late
        assert loop.time() == 2.5
        await limiter.wait()
        assert loop.time() == 3.5


async def test_a_sleep_that_ends_early_lets_nobody_pass_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleep = asyncio.sleep

    async def early(seconds: float) -> None:
        await sleep(seconds * 0.75)

    monkeypatch.setattr(asyncio, "sleep", early)
    limiter = RateLimiter(1, 1.0)
    async with asyncio.timeout(TIME_LIMIT):
        for due in range(4):
            await limiter.wait()
            assert asyncio.get_running_loop().time() == due


async def test_a_carrier_that_never_answers_gives_its_slot_back_after_ten_seconds() -> (
    None
):
    async def ask(parcel: str) -> str:
        await asyncio.sleep(10**6 if parcel == "lost" else 9.5)
        return f"{parcel}: Oslo"

    carrier = Carrier(ask, at_once=1, limiter=no_rate())
    lost = asyncio.create_task(carrier.track("lost"))
    next_one = asyncio.create_task(carrier.track("A1"))
    async with asyncio.timeout(TIME_LIMIT):
        with pytest.raises(TimeoutError):
            await lost
        assert asyncio.get_running_loop().time() == 10
        assert await next_one == "A1: Oslo"
    assert asyncio.get_running_loop().time() == 19.5


async def test_the_wait_for_a_turn_is_not_counted_as_the_carriers_silence() -> None:
    carrier = Carrier(Api().ask, at_once=2, limiter=RateLimiter(1, 30.0))
    await track_all(carrier, PARCELS[:2])
    assert asyncio.get_running_loop().time() == 30 + ANSWER_SECONDS


async def test_a_caller_that_gives_up_leaves_its_turn_to_the_next() -> None:
    limiter = RateLimiter(1, 1.0)
    async with asyncio.timeout(TIME_LIMIT):
        await limiter.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await limiter.wait()
        await limiter.wait()
    assert asyncio.get_running_loop().time() == 1


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_a_call_that_fails_or_is_cancelled_gives_its_slot_back(how: str) -> None:
    async def ask(parcel: str) -> str:
        if parcel == "lost":
            begun.set()
            await (never.wait() if how == "is cancelled" else asyncio.sleep(0))
            raise ConnectionError(parcel)
        return f"{parcel}: Oslo"

    begun, never = asyncio.Event(), asyncio.Event()
    carrier = Carrier(ask, at_once=1, limiter=no_rate())
    lost = asyncio.create_task(carrier.track("lost"))
    async with asyncio.timeout(TIME_LIMIT):
        await begun.wait()
    if how == "is cancelled":
        lost.cancel()
    with pytest.raises((ConnectionError, asyncio.CancelledError)):
        await lost
    assert lost.cancelled() is (how == "is cancelled")
    async with asyncio.timeout(1):
        assert await carrier.track("A1") == "A1: Oslo"


@pytest.mark.parametrize("calls", [0, -1])
def test_a_limiter_that_lets_nobody_pass_is_refused(calls: int) -> None:
    with pytest.raises(ValueError, match="calls must be") as refused:
        RateLimiter(calls, 1.0)
    assert str(refused.value) == f"calls must be at least 1, not {calls}"


@pytest.mark.parametrize("seconds", [0.0, -0.0, -1.0, nan, inf, 86_400.5, 10**400])
def test_a_window_without_an_end_or_a_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be") as refused:
        RateLimiter(1, seconds)
    expected = f"seconds must be above 0, up to a day, not {seconds}"
    assert str(refused.value) == expected


@pytest.mark.parametrize("seconds", [0.125, 86_400.0])
async def test_a_window_may_be_short_or_last_a_day(seconds: float) -> None:
    limiter = RateLimiter(1, seconds)
    await limiter.wait()
    await limiter.wait()
    assert asyncio.get_running_loop().time() == seconds


def test_more_calls_than_a_list_may_be_long_are_refused() -> None:
    with pytest.raises(OverflowError):
        RateLimiter(10**400, 1.0)


@pytest.mark.parametrize("at_once", [0, -1])
def test_a_bound_that_would_wait_for_ever_is_refused(at_once: int) -> None:
    with pytest.raises(ValueError, match="at_once must be") as refused:
        Carrier(Api().ask, at_once=at_once, limiter=no_rate())
    assert str(refused.value) == f"at_once must be at least 1, not {at_once}"


async def test_a_semaphore_of_zero_is_legal_and_waits_for_ever() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600), asyncio.Semaphore(0):
            raise AssertionError


async def test_the_third_parcel_waits_for_a_new_second(timeline: Timeline) -> None:
    limiter = RateLimiter(2, 1.0)
    await tell(timeline, lambda api: Carrier(api, at_once=2, limiter=limiter))
    assert timeline.told == [
        "A1 starts",
        "A1 waits: its turn",
        "A1 goes on",
        "B2 starts",
        "B2 waits: its turn",
        "B2 goes on",
        "C3 starts",
        "C3 waits: its turn",
        "A1 ends",
        "B2 ends",
        "clock notes: a second is over",
        "C3 goes on",
        "C3 ends",
    ]


async def test_with_a_semaphore_the_third_parcel_waits_for_a_slot_only(
    timeline: Timeline,
) -> None:
    await tell(timeline, lambda api: CarrierRatedBySemaphore(api, per_second=2))
    assert timeline.told == [
        "A1 starts",
        "A1 waits: its turn",
        "A1 goes on",
        "B2 starts",
        "B2 waits: its turn",
        "B2 goes on",
        "C3 starts",
        "C3 waits: its turn",
        "A1 ends",
        "B2 ends",
        "C3 goes on",
        "C3 ends",
        "clock notes: a second is over",
    ]


async def tell(timeline: Timeline, carrier_of: Callable[[Ask], Tracker]) -> None:
    """Record three parcels where two may begin in a second."""

    async def second() -> None:
        await asyncio.sleep(1)
        timeline.add("clock", "notes", "a second is over")

    async def ask(parcel: str) -> str:
        timeline.add(parcel, "goes on")
        await asyncio.sleep(ANSWER_SECONDS)
        return f"{parcel}: Oslo"

    async def follow(parcel: str) -> None:
        with timeline.lane(parcel):
            timeline.add(parcel, "waits", "its turn")
            await carrier.track(parcel)

    carrier = carrier_of(ask)
    async with asyncio.timeout(TIME_LIMIT), asyncio.TaskGroup() as group:
        group.create_task(second())
        for parcel in ("A1", "B2", "C3"):
            group.create_task(follow(parcel))


async def test_a_semaphore_lets_a_call_begin_whenever_another_ends(
    observe: Observe,
) -> None:
    api = Api()
    await track_all(CarrierRatedBySemaphore(api.ask, per_second=PER_SECOND))
    observe(f"{api.most_in_a_second} calls begin in one second, {PER_SECOND} may")
    assert api.most_open == PER_SECOND
    assert api.most_in_a_second == len(PARCELS)


async def test_turns_saved_up_while_slots_are_taken_are_all_used_at_once(
    observe: Observe,
) -> None:
    api = Api(stalls_until=STALLED_SECONDS)
    limiter = RateLimiter(PER_SECOND, 1.0)
    carrier = CarrierWithTurnBeforeSlot(api.ask, at_once=AT_ONCE, limiter=limiter)
    await track_all(carrier)
    observe(f"{api.most_in_a_second} calls begin in one second, {PER_SECOND} may")
    assert api.most_open == AT_ONCE
    assert api.most_in_a_second == 11


async def test_a_sleep_in_the_slot_delays_answers_that_are_there(
    observe: Observe,
) -> None:
    api = Api()
    carrier = CarrierSleepingInSlot(api.ask, per_second=PER_SECOND)
    seconds = await track_all(carrier, PARCELS[:1])
    observe(f"answered after {ANSWER_SECONDS} s, returned after {seconds} s")
    assert seconds == 1 + ANSWER_SECONDS


async def test_a_slot_then_a_turn_keeps_the_rate_and_delays_no_answer(
    measured: Measured,
) -> None:
    limiters = [RateLimiter(PER_SECOND, 1.0), RateLimiter(PER_SECOND, 1.0)]
    variants: dict[str, Callable[[Ask], Tracker]] = {
        "slot, then turn": partial(Carrier, at_once=AT_ONCE, limiter=limiters[0]),
        "semaphore alone": partial(CarrierRatedBySemaphore, per_second=PER_SECOND),
        "turn, then slot": partial(
            CarrierWithTurnBeforeSlot, at_once=AT_ONCE, limiter=limiters[1]
        ),
        "sleep in the slot": partial(CarrierSleepingInSlot, per_second=PER_SECOND),
    }
    begun: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for name, carrier_of in variants.items():
        api = Api(stalls_until=asyncio.get_running_loop().time() + STALLED_SECONDS)
        seconds[name] = await track_all(carrier_of(api.ask))
        begun[name] = api.most_in_a_second
    measured.row("Most requests begun within one second", "requests", begun)
    measured.row("Last answer after", "s of the controlled clock", seconds)
    assert list(begun.values()) == [5, 15, 11, 5]
    assert list(seconds.values()) == [5.125, 2.375, 3.25, 6.375]
