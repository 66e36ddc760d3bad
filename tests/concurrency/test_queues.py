import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, override

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, ControlledLoop
from proof.testing.record import Timeline
from snippets.concurrency import queues, queues_avoid
from snippets.concurrency.queues import book_all
from snippets.concurrency.queues_avoid import (
    book_all_and_join,
    book_all_until_it_raises,
    book_all_with_a_sentinel,
)

pytestmark = pytest.mark.anyio

AN_HOUR = 3600


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


async def shop(*orders: str, every: float = 0) -> AsyncGenerator[str]:
    for order in orders:
        await asyncio.sleep(every)
        yield order


def refuse(order: str, error: Exception) -> None:
    raise AssertionError(order) from error


class Ledger:
    """Books orders in the seconds that each takes; one second if not told."""

    def __init__(self, **seconds: float) -> None:
        self._seconds = seconds
        self.begun: list[str] = []
        self.booked: list[str] = []
        self.cancelled: list[str] = []
        self.most_at_once = 0

    async def book(self, order: str) -> None:
        self.begun.append(order)
        open_now = len(self.begun) - len(self.booked) - len(self.cancelled)
        self.most_at_once = max(self.most_at_once, open_now)
        try:
            await asyncio.sleep(self._seconds.get(order, 1))
        except asyncio.CancelledError:
            self.cancelled.append(order)
            raise
        self.booked.append(order)


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(
    shops=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([0, 0.25, 1])), max_size=4
    ),
    workers=st.integers(1, 4),
    data=st.data(),
)
def test_every_order_is_booked_exactly_once_and_all_tasks_end(
    shops: list[tuple[int, float]], workers: int, data: st.DataObject
) -> None:
    async def main() -> None:
        async with asyncio.timeout(AN_HOUR):
            await book_all(feeds, ledger.book, refuse, workers=workers)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    orders = [
        [f"shop{at}_order{number}" for number in range(count)]
        for at, (count, _) in enumerate(shops)
    ]
    feeds = tuple(
        shop(*each, every=every) for each, (_, every) in zip(orders, shops, strict=True)
    )
    expected = [order for each in orders for order in each]
    seconds = data.draw(
        st.fixed_dictionaries({each: st.sampled_from([0, 0.5, 3]) for each in expected})
    )
    ledger = Ledger(**seconds)
    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        runner.run(main())
    assert Counter(ledger.booked) == Counter(expected)
    assert ledger.cancelled == []


async def test_one_shops_orders_are_begun_in_their_order() -> None:
    orders = [f"order {number}" for number in range(9)]
    ledger = Ledger()
    await book_all([shop(*orders)], ledger.book, refuse, workers=3)
    assert ledger.begun == orders


@pytest.mark.parametrize(("chosen", "at_once"), [({}, 4), ({"workers": 2}, 2)])
async def test_as_many_orders_are_booked_at_once_as_there_are_workers(
    chosen: dict[str, int], at_once: int
) -> None:
    ledger = Ledger()
    await book_all([shop(*map(str, range(12)))], ledger.book, refuse, **chosen)
    assert ledger.most_at_once == at_once


async def test_shops_are_read_no_further_ahead_than_the_queue_is_long() -> None:
    async def busy() -> AsyncGenerator[str]:
        for number in range(50):
            read.append(number)
            await asyncio.sleep(0)
            yield "order"

    async def book(_order: str) -> None:
        await asyncio.Event().wait()

    read: list[int] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(20):
            await book_all([busy(), busy()], book, refuse, workers=3)
    in_hand_of_workers, queued, in_hand_of_shops = 3, 3, 2
    assert len(read) == in_hand_of_workers + queued + in_hand_of_shops


async def test_a_shop_that_is_open_longer_still_gets_its_orders_booked() -> None:
    ledger = Ledger()
    shops = [shop("early"), shop("late", every=AN_HOUR)]
    await book_all(shops, ledger.book, refuse, workers=2)
    assert ledger.booked == ["early", "late"]


async def test_an_order_that_cannot_be_booked_is_set_aside_and_the_rest_booked() -> (
    None
):
    async def book(order: str) -> None:
        if order == "bad":
            raise error
        await ledger.book(order)

    ledger, aside = Ledger(), list[tuple[str, Exception]]()
    error = KeyError("no such article")

    def set_aside(order: str, reason: Exception) -> None:
        aside.append((order, reason))

    shops = [shop("A1", "bad", "A2")]
    await book_all(shops, book, set_aside, workers=1)
    assert ledger.booked == ["A1", "A2"]
    assert aside == [("bad", error)]


async def test_a_booking_that_hangs_is_set_aside_after_half_a_minute() -> None:
    ledger, aside = Ledger(hangs=AN_HOUR, slow=29.5), list[str]()

    def set_aside(order: str, reason: Exception) -> None:
        now = asyncio.get_running_loop().time()
        aside.append(f"{order}: {type(reason).__name__} after {now:g} s")

    await book_all([shop("slow", "hangs")], ledger.book, set_aside, workers=2)
    assert ledger.booked == ["slow"]
    assert aside == ["hangs: TimeoutError after 30 s"]


async def test_an_order_that_cannot_be_set_aside_ends_shops_and_workers() -> None:
    async def book(order: str) -> None:
        if order == "bad":
            raise LookupError(order)
        await ledger.book(order)

    def set_aside(_order: str, error: Exception) -> None:
        raise OSError("disk full") from error

    ledger, before = Ledger(slow=20), asyncio.all_tasks()
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="disk full")):
        async with asyncio.timeout(AN_HOUR):
            shops = [shop("slow", "bad"), endless_shop()]
            await book_all(shops, book, set_aside, workers=2)
    assert ledger.cancelled == ["slow"]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_a_shop_is_closed_when_the_work_fails_or_is_cancelled(how: str) -> None:
    async def watched() -> AsyncGenerator[str]:
        try:
            for order in ("A1", "A2", "A3", "A4"):
                await asyncio.sleep(0)
                yield order
        finally:
            closed.append("watched")

    async def fails() -> AsyncGenerator[str]:
        await asyncio.sleep(1)
        yield "B1"
        raise ConnectionError("Oslo")

    closed = list[str]()
    shops = [watched(), fails() if how == "fails" else endless_shop()]
    work = asyncio.create_task(
        book_all(shops, Ledger(A1=20).book, refuse, workers=1), name="work"
    )
    await asyncio.sleep(25)
    work.cancel()
    await asyncio.wait([work])
    assert work.cancelled() is (how == "is cancelled")
    assert closed == ["watched"]


async def test_a_shop_that_fails_ends_the_other_shops_and_the_workers() -> None:
    async def failing() -> AsyncGenerator[str]:
        yield "slow"
        await asyncio.sleep(1)
        raise ConnectionError("Oslo")

    ledger, before = Ledger(slow=20), asyncio.all_tasks()
    failure = pytest.RaisesExc(ConnectionError, match="Oslo")
    with pytest.RaisesGroup(pytest.RaisesGroup(failure)):
        async with asyncio.timeout(AN_HOUR):
            await book_all([failing(), endless_shop()], ledger.book, refuse, workers=1)
    assert ledger.cancelled == ["slow"]
    assert asyncio.all_tasks() == before


async def test_a_booking_whose_own_queue_is_shut_down_is_a_failure_and_no_end() -> None:
    async def book(order: str) -> None:
        if order == "A1":
            await mail.put("booked")
        await ledger.book(order)

    ledger, mail, aside = Ledger(), asyncio.Queue[str](), list[str]()
    mail.shutdown()

    def set_aside(order: str, error: Exception) -> None:
        aside.append(f"{order}: {type(error).__name__}")

    await book_all([shop("A1", "A2")], book, set_aside, workers=1)
    assert (aside, ledger.booked) == (["A1: QueueShutDown"], ["A2"])


@pytest.mark.parametrize("workers", [0, -1, 1001, 10**400])
async def test_too_few_or_too_many_workers_are_refused(workers: int) -> None:
    ledger = Ledger()
    with pytest.raises(ValueError, match="workers must be") as refused:
        await book_all([shop("A1")], ledger.book, refuse, workers=workers)
    assert str(refused.value) == f"workers must be 1 to 1000, not {workers}"
    assert ledger.begun == []


async def test_a_thousand_workers_are_allowed() -> None:
    ledger = Ledger()
    orders = list(map(str, range(1100)))
    await book_all([shop(*orders)], ledger.book, refuse, workers=1000)
    assert ledger.most_at_once == 1000


async def endless_shop() -> AsyncGenerator[str]:
    await asyncio.Event().wait()
    yield "never"


async def test_what_is_queued_at_shut_down_is_still_handed_out() -> None:
    orders = asyncio.Queue[str]()
    orders.put_nowait("A1")
    orders.shutdown()
    assert await orders.get() == "A1"
    with pytest.raises(asyncio.QueueShutDown):
        await orders.get()


async def test_an_immediate_shut_down_throws_away_what_is_queued() -> None:
    orders = asyncio.Queue[str]()
    orders.put_nowait("A1")
    orders.shutdown(immediate=True)
    assert orders.empty()
    with pytest.raises(asyncio.QueueShutDown):
        await orders.get()


async def test_a_queue_that_is_shut_down_refuses_the_next_producer() -> None:
    orders = asyncio.Queue[str]()
    orders.shutdown()
    with pytest.raises(asyncio.QueueShutDown):
        await orders.put("A1")


async def test_a_shut_down_wakes_every_worker_that_waits() -> None:
    async def wait() -> str:
        try:
            return await orders.get()
        except asyncio.QueueShutDown:
            return "ends"

    orders = asyncio.Queue[str]()
    workers = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    orders.shutdown()
    async with asyncio.timeout(1):
        assert await asyncio.gather(*workers) == ["ends"] * 3


async def test_an_order_comes_to_the_next_worker_if_the_first_is_cancelled() -> None:
    orders = asyncio.Queue[str]()
    first = asyncio.create_task(orders.get())
    second = asyncio.create_task(orders.get())
    await asyncio.sleep(0)
    orders.put_nowait("A1")  # wakes the first
    first.cancel()
    async with asyncio.timeout(1):
        assert await second == "A1"
    assert first.cancelled()


def test_a_sentinel_does_not_fit_into_a_priority_queue() -> None:
    orders = asyncio.PriorityQueue[Any]()
    orders.put_nowait("A1")
    with pytest.raises(TypeError, match="not supported between instances"):
        orders.put_nowait(None)


async def test_after_the_last_order_the_shut_down_ends_both_workers(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "Queue", told_in(timeline))
    await tell(book_all)
    assert timeline.told == [
        "worker 1 waits: an order",
        "worker 2 waits: an order",
        "shop notes: put(A1)",
        "shop notes: put(B2)",
        "worker 1 goes on: A1",
        "worker 2 goes on: B2",
        "worker 1 waits: an order",
        "worker 2 waits: an order",
        "shop notes: shutdown()",
        "worker 1 ends: QueueShutDown",
        "worker 2 ends: QueueShutDown",
    ]


async def test_after_the_last_order_one_sentinel_ends_one_worker_of_two(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues_avoid, "Queue", told_in(timeline))
    with pytest.raises(TimeoutError):
        await tell(book_all_with_a_sentinel)
    assert timeline.told == [
        "worker 1 waits: an order",
        "worker 2 waits: an order",
        "shop notes: put(A1)",
        "shop notes: put(B2)",
        "worker 1 goes on: A1",
        "worker 2 goes on: B2",
        "worker 1 waits: an order",
        "worker 2 waits: an order",
        "shop notes: put(None)",
        "worker 1 ends: None",
        "worker 2 is cancelled",
    ]


def told_in(timeline: Timeline) -> type[asyncio.Queue[Any]]:
    """Make a queue that tells what its workers get from it."""
    names: dict[asyncio.Task[Any] | None, str] = {}

    class Told(asyncio.Queue[Any]):
        @override
        async def get(self) -> Any:
            task = asyncio.current_task()
            name = names.setdefault(task, f"worker {len(names) + 1}")
            timeline.add(name, "waits", "an order")
            try:
                order = await super().get()
            except asyncio.QueueShutDown:
                timeline.add(name, "ends", "QueueShutDown")
                raise
            except asyncio.CancelledError:
                timeline.add(name, "is cancelled")
                raise
            if order is None:
                timeline.add(name, "ends", "None")
            else:
                timeline.add(name, "goes on", order)
            return order

        @override
        def shutdown(self, immediate: bool = False) -> None:
            timeline.add("shop", "notes", "shutdown()")
            super().shutdown(immediate)

        @override
        async def put(self, item: Any) -> None:
            timeline.add("shop", "notes", f"put({item})")
            await super().put(item)

    return Told


async def tell(book_all: Callable[..., Awaitable[None]]) -> None:
    """Book two orders with two workers, with an hour for all of it."""

    async def oslo() -> AsyncGenerator[str]:
        for order in ("A1", "B2"):
            yield order
        await asyncio.sleep(9)

    async with asyncio.timeout(AN_HOUR):
        await book_all([oslo()], Ledger().book, refuse, workers=2)


async def test_an_idle_workers_shut_down_cancels_a_booking_half_way(
    observe: Observe,
) -> None:
    ledger = Ledger(quick=1, slow=9)
    with pytest.RaisesGroup(asyncio.QueueShutDown):
        await book_all_until_it_raises(
            [shop("quick", "slow")], ledger.book, refuse, workers=2
        )
    observe(f"booked {ledger.booked}, cancelled half way {ledger.cancelled}")
    assert (ledger.booked, ledger.cancelled) == (["quick"], ["slow"])


async def test_one_sentinel_ends_one_of_two_workers_and_the_group_waits_on(
    observe: Observe,
) -> None:
    ledger = Ledger()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(AN_HOUR):
            await book_all_with_a_sentinel(
                [shop("A1", "B2")], ledger.book, refuse, workers=2
            )
    now = asyncio.get_running_loop().time()
    observe(f"booked {sorted(ledger.booked)}, given up after {now:.0f} s")
    assert (sorted(ledger.booked), now) == (["A1", "B2"], AN_HOUR)


async def test_join_works_as_long_as_nothing_fails() -> None:
    ledger, before = Ledger(), asyncio.all_tasks()
    await book_all_and_join([shop("A1", "B2")], ledger.book, refuse, workers=2)
    await asyncio.sleep(0)
    assert sorted(ledger.booked) == ["A1", "B2"]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    "careless", [book_all_and_join, book_all_until_it_raises, book_all_with_a_sentinel]
)
async def test_the_careless_set_aside_what_cannot_be_booked_as_well(
    careless: Callable[..., Awaitable[None]],
) -> None:
    async def book(order: str) -> None:
        if order == "bad":
            raise LookupError(order)
        await ledger.book(order)

    ledger, aside = Ledger(), list[str]()

    def set_aside(order: str, _error: Exception) -> None:
        aside.append(order)

    with contextlib.suppress(ExceptionGroup):  # of the shut-down that is not caught
        await careless([shop("A1", "bad")], book, set_aside, workers=1)
    assert (ledger.booked, aside) == (["A1"], ["bad"])


async def test_join_waits_for_ever_for_a_worker_that_failed(observe: Observe) -> None:
    def set_aside(_order: str, error: Exception) -> None:
        raise OSError("disk full") from error

    async def book(order: str) -> None:
        worker = asyncio.current_task()
        assert worker is not None
        workers.append(worker)
        if order == "bad":
            raise LookupError(order)
        await ledger.book(order)

    ledger = Ledger()
    workers: list[asyncio.Task[Any]] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(AN_HOUR):
            await book_all_and_join([shop("bad", "A1")], book, set_aside, workers=2)
    now = asyncio.get_running_loop().time()
    observe(f"booked {ledger.booked}, given up after {now:.0f} s")
    assert (ledger.booked, now) == (["A1"], AN_HOUR)
    failed, waiting = workers
    assert isinstance(failed.exception(), OSError)
    assert waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_shop_that_fails_leaves_the_workers_of_a_join_running() -> None:
    async def fails() -> AsyncGenerator[str]:
        await asyncio.sleep(1)
        yield "A1"
        raise ConnectionError("Oslo")

    before = asyncio.all_tasks()
    with pytest.RaisesGroup(ConnectionError):
        await book_all_and_join([fails()], Ledger().book, refuse, workers=2)
    left = asyncio.all_tasks() - before
    assert len(left) == 2
    await asyncio.sleep(AN_HOUR)
    assert not any(worker.done() for worker in left)
    for worker in left:
        worker.cancel()
    await asyncio.wait(left)
