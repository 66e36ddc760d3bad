import asyncio
import gc
from collections.abc import Generator
from typing import Any, override
from weakref import WeakValueDictionary, ref

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Timeline
from snippets.concurrency.task_references import Background, place
from snippets.concurrency.task_references_avoid import (
    HoardingBackground,
    place_and_drop,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class MailServer:
    """A shop whose mail server answers late, and knows who waits only weakly."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.waiting = WeakValueDictionary[str, asyncio.Future[None]]()

    async def charge(self, order: str) -> None:
        await asyncio.sleep(1, order)

    async def reserve(self, order: str) -> None:
        await asyncio.sleep(1, order)

    async def send_receipt(self, order: str) -> None:
        with self.timeline.lane("receipt"):
            answer = asyncio.get_running_loop().create_future()
            self.waiting[order] = answer
            with self.timeline.wait("receipt", "answer"):
                await answer

    def answer(self, order: str, error: Exception | None = None) -> None:
        """Answer the one who waits, if there is one."""
        waiting = self.waiting.get(order)
        word = "nobody waits" if waiting is None else "ok"
        self.timeline.add("mail server", "notes", word if error is None else "refuses")
        if waiting is not None and error is None:
            waiting.set_result(None)
        if waiting is not None and error is not None:
            waiting.set_exception(error)


@pytest.fixture
def shop() -> MailServer:
    return MailServer(Timeline())


@pytest.fixture(autouse=True)
def collector_that_runs_when_told() -> Generator[None]:
    gc.disable()
    yield
    gc.enable()


def heard_by_the_loop() -> list[str]:
    """Return what the event loop is told of that nobody else can be told of."""
    told: list[str] = []

    def hear(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        told.append(context["message"])

    asyncio.get_running_loop().set_exception_handler(hear)
    return told


async def turn_the_loop() -> None:
    """Let every task go on until it waits for something."""
    await asyncio.sleep(1e-9)


def named(name: str) -> "ref[asyncio.Task[Any]]":
    """Find a task without holding it."""
    [task] = [each for each in asyncio.all_tasks() if each.get_name() == name]
    return ref(task)


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    return [(each.name, each.levelname, each.message) for each in caplog.records]


async def test_a_kept_task_survives_the_collector_and_gets_its_answer(
    timeline: Timeline,
) -> None:
    shop = MailServer(timeline)
    background = Background()
    with timeline.lane("order"):
        answer = await place("A-17", shop, background)
    assert answer == "A-17: thank you"
    await turn_the_loop()
    timeline.add("collector", "notes", "runs")
    gc.collect()
    shop.answer("A-17")
    await background.drain(seconds=10)
    assert timeline.told == [
        "order starts",
        "order ends",
        "receipt starts",
        "receipt waits: answer",
        "collector notes: runs",
        "mail server notes: ok",
        "receipt goes on",
        "receipt ends",
    ]


async def test_a_task_group_keeps_its_tasks_as_well(shop: MailServer) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(shop.send_receipt("A-17"))
        await turn_the_loop()
        gc.collect()
        shop.answer("A-17")
    assert shop.timeline.told[-1] == "receipt ends"


async def test_the_answer_depends_on_money_and_goods_taken_together() -> None:
    class Recording(MailServer):
        @override
        async def charge(self, order: str) -> None:
            events.append(f"charge {order}")
            await asyncio.sleep(3)
            events.append("charged")

        @override
        async def reserve(self, order: str) -> None:
            events.append(f"reserve {order}")
            await asyncio.sleep(2)
            events.append("reserved")

        @override
        async def send_receipt(self, order: str) -> None:
            await asyncio.sleep(0)
            events.append(f"receipt {order}")

    events: list[str] = []
    background = Background()
    await place("A-17", Recording(Timeline()), background)
    events.append("answered")
    await background.drain(seconds=10)
    assert events == [
        "charge A-17",
        "reserve A-17",
        "reserved",
        "charged",
        "answered",
        "receipt A-17",
    ]


async def test_an_order_that_fails_sends_no_receipt() -> None:
    class Declining(MailServer):
        @override
        async def charge(self, order: str) -> None:
            await asyncio.sleep(1)
            raise PermissionError(f"{order}: declined")

    timeline = Timeline()
    with pytest.raises(ExceptionGroup) as caught:
        await place("A-17", Declining(timeline), Background())
    assert [repr(each) for each in caught.value.exceptions] == [
        "PermissionError('A-17: declined')"
    ]
    await turn_the_loop()
    assert timeline.told == []


async def test_a_receipt_that_fails_is_logged_at_once_with_its_name_and_error(
    shop: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    background = Background()
    await place("A-17", shop, background)
    await turn_the_loop()
    error = ConnectionError("mailbox full")
    shop.answer("A-17", error)
    await turn_the_loop()
    assert logged(caplog) == [
        (
            "snippets.concurrency.task_references",
            "ERROR",
            "receipt for A-17: failed",
        )
    ]
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[1] is error


async def test_a_receipt_that_is_sent_leaves_nothing_behind(
    shop: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    background = Background()
    await place("A-17", shop, background)
    await turn_the_loop()
    task = named("receipt for A-17")
    assert task() is not None
    shop.answer("A-17")
    await turn_the_loop()
    gc.collect()
    assert task() is None
    assert logged(caplog) == []


async def test_drain_waits_for_every_task_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(seconds: float) -> None:
        await asyncio.sleep(seconds)
        done.append(seconds)

    done: list[float] = []
    background = Background()
    for seconds in (3, 8):
        background.start(work(seconds), name=f"{seconds} seconds")
    await background.drain(seconds=10)
    assert done == [3, 8]
    assert asyncio.get_running_loop().time() == 8
    assert logged(caplog) == []


async def test_drain_returns_at_once_where_nothing_is_under_way() -> None:
    await Background().drain(seconds=10)
    assert asyncio.get_running_loop().time() == 0


async def test_drain_cancels_what_is_late_says_so_and_waits_for_its_clean_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2)
            cleaned_up.append("late")

    cleaned_up: list[str] = []
    background = Background()
    background.start(work(), name="late")
    await background.drain(seconds=10)
    assert cleaned_up == ["late"]
    assert asyncio.get_running_loop().time() == 10 + 2
    assert logged(caplog) == [
        ("snippets.concurrency.task_references", "WARNING", "late: cancelled")
    ]


async def test_drain_does_not_fail_with_a_task_that_fails_while_it_is_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("disk full")

    background = Background()
    background.start(work(), name="late")
    await background.drain(seconds=10)
    assert [each.message for each in caplog.records] == ["late: failed"]


@pytest.mark.parametrize(("seconds", "given_up"), [(0.1, 0.1), (0, 0), (-1, 0)])
async def test_drain_ends_five_seconds_after_its_deadline_whatever_clean_up_does(
    caplog: pytest.LogCaptureFixture, seconds: float, given_up: float
) -> None:
    async def work(clean_up: float) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(clean_up)

    background = Background()
    for clean_up in (2.9, 60):
        background.start(work(clean_up), name=f"{clean_up} s of clean-up")
    await turn_the_loop()
    begun = asyncio.get_running_loop().time()
    await background.drain(seconds=seconds)
    ended = asyncio.get_running_loop().time()
    assert ended - begun == pytest.approx(given_up + 5)
    assert logged(caplog) == [
        (
            "snippets.concurrency.task_references",
            "WARNING",
            "2.9 s of clean-up: cancelled",
        ),
        (
            "snippets.concurrency.task_references",
            "ERROR",
            "60 s of clean-up: still running",
        ),
    ]


async def test_drain_leaves_nothing_unfinished_that_another_task_has_started(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        await asyncio.sleep(1)
        background.start(asyncio.sleep(60), name="started late")

    background = Background()
    background.start(work(), name="early")
    await background.drain(seconds=10)
    assert asyncio.get_running_loop().time() == 1
    assert [each.message for each in caplog.records] == ["started late: cancelled"]


async def test_a_drain_that_is_cancelled_cancels_the_tasks_before_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background()
    for name in ("late", "later"):
        background.start(asyncio.sleep(60), name=name)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await background.drain(seconds=10)
    messages = sorted(each.message for each in caplog.records)
    assert messages == ["late: cancelled", "later: cancelled"]
    assert asyncio.get_running_loop().time() == 5


async def test_an_error_that_counts_as_false_is_logged_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class NoReplyError(Exception):
        def __len__(self) -> int:
            return 0

    async def work() -> None:
        await asyncio.sleep(0)
        raise NoReplyError

    background = Background()
    background.start(work(), name="odd")
    await background.drain(seconds=10)
    assert [each.message for each in caplog.records] == ["odd: failed"]


def test_no_work_is_started_where_no_loop_runs() -> None:
    work = asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="no running event loop"):
        Background().start(work, name="mail")
    work.close()


async def test_a_number_of_seconds_is_named_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were"):
        await Background().drain(10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - refused by design


async def test_a_tasks_name_is_named_at_the_call() -> None:
    work = asyncio.sleep(0)
    with pytest.raises(TypeError, match=r"takes 2 positional arguments but 3 were"):
        Background().start(work, "mail")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - refused by design
    await work


async def test_a_dropped_task_is_collected_while_it_waits_for_an_answer(
    timeline: Timeline, observe: Observe
) -> None:
    shop = MailServer(timeline)
    told = heard_by_the_loop()
    with timeline.lane("order"):
        await place_and_drop("A-17", shop)
    await turn_the_loop()
    timeline.add("collector", "notes", "runs")
    gc.collect()
    shop.answer("A-17")
    await turn_the_loop()
    observe(told[0])
    assert told == ["Task was destroyed but it is pending!"]
    assert timeline.told == [
        "order starts",
        "order ends",
        "receipt starts",
        "receipt waits: answer",
        "collector notes: runs",
        "receipt fails: GeneratorExit",
        "mail server notes: nobody waits",
    ]


async def test_the_error_of_a_dropped_task_never_reaches_the_caller(
    shop: MailServer, observe: Observe
) -> None:
    told = heard_by_the_loop()
    answer = await place_and_drop("A-17", shop)
    await turn_the_loop()
    shop.answer("A-17", ConnectionError("mailbox full"))
    await turn_the_loop()
    gc.collect()
    observe(f"the customer reads {answer!r}, the loop {told[0]!r}")
    assert answer == "A-17: thank you"
    assert told == ["Task exception was never retrieved"]


async def test_a_task_that_waits_for_a_timer_is_kept_by_the_loop() -> None:
    class Sleeping(MailServer):
        @override
        async def send_receipt(self, order: str) -> None:
            with self.timeline.lane(order):
                await asyncio.sleep(60)

    timeline = Timeline()
    await place_and_drop("A-17", Sleeping(timeline))
    await turn_the_loop()
    gc.collect()
    await asyncio.sleep(60)
    assert timeline.told == ["A-17 starts", "A-17 ends"]


async def test_a_task_that_is_never_let_go_hides_its_error_even_from_the_log(
    shop: MailServer, caplog: pytest.LogCaptureFixture, observe: Observe
) -> None:
    told = heard_by_the_loop()
    background = HoardingBackground()
    background.start(shop.send_receipt("A-17"), name="receipt for A-17")
    await turn_the_loop()
    task = named("receipt for A-17")
    shop.answer("A-17", ConnectionError("mailbox full"))
    await turn_the_loop()
    gc.collect()
    assert (told, logged(caplog)) == ([], [])
    hoarded = task()
    assert hoarded is not None
    error = hoarded.exception()
    observe(f"logged: nothing; kept for good: {type(error).__name__}('{error}')")
    assert repr(error) == "ConnectionError('mailbox full')"
