import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, override

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Timeline
from snippets.concurrency.cancellation import (
    Leases,
    Pay,
    StillRunningError,
    settle,
    stop,
)
from snippets.concurrency.cancellation_avoid import (
    settle_cleaning_up_without_end,
    settle_converting,
    settle_swallowing,
    stop_as_ruff_offers_it,
)

pytestmark = pytest.mark.anyio

HOUR = 3600
NEVER = 1000 * HOUR

type Settle = Callable[[str, Leases, Pay, MutableMapping[str, str]], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


def clock() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """Leases, and what became of them; slow or broken where a test says so."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.acquires_in = 0.0
        self.releases_in = 0.0
        self.error: Exception | None = None
        self.held = list[str]()

    async def acquire(self, account: str) -> None:
        await asyncio.sleep(self.acquires_in)
        self.held.append(account)

    async def release(self, account: str) -> None:
        await asyncio.sleep(self.releases_in)
        if self.error:
            raise self.error
        self.held.remove(account)
        self.timeline.add("leases", "notes", f"{account} given back")


@pytest.fixture
def leases() -> Server:
    return Server(Timeline())  # one that no page draws


def bank(timeline: Timeline, seconds: float) -> Pay:
    async def pay(account: str) -> str:
        with timeline.lane(account):
            await asyncio.sleep(seconds)
        return f"receipt at {clock():g} s"

    return pay


async def test_a_deadline_stops_the_batch_and_each_lease_is_given_back(
    timeline: Timeline,
) -> None:
    async def batch() -> None:
        with timeline.lane("batch"):
            async with asyncio.timeout(3):
                for account in ("ada", "bob", "eve"):
                    await settle(account, leases, bank(timeline, 2), receipts)

    leases, receipts = Server(timeline), dict[str, str]()
    with pytest.raises(TimeoutError):
        await batch()
    assert timeline.told == [
        "batch starts",
        "ada starts",
        "ada ends",
        "leases notes: ada given back",
        "bob starts",
        "bob is cancelled",
        "leases notes: bob given back",
        "batch fails: TimeoutError",
    ]
    assert receipts == {"ada": "receipt at 2 s"}
    assert leases.held == []


async def test_a_cancelled_task_gives_its_lease_back_and_ends_cancelled(
    leases: Server,
) -> None:
    task = asyncio.create_task(settle("ada", leases, bank(leases.timeline, NEVER), {}))
    await asyncio.sleep(1)
    assert leases.held == ["ada"]
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert leases.held == []


async def test_an_error_of_the_bank_is_the_callers_and_the_lease_is_given_back(
    leases: Server,
) -> None:
    error = ConnectionError("bank")

    async def pay(_: str) -> str:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(ConnectionError) as raised:
        await settle("ada", leases, pay, {})
    assert raised.value is error
    assert leases.held == []


async def test_a_lease_that_was_not_got_is_not_given_back(leases: Server) -> None:
    leases.acquires_in = NEVER
    deadline = asyncio.timeout(3)
    with pytest.raises(TimeoutError):
        async with deadline:
            await settle("ada", leases, bank(leases.timeline, 1), {})
    assert leases.timeline.told == []


async def test_a_lease_server_that_hangs_delays_the_end_by_two_seconds(
    leases: Server, caplog: pytest.LogCaptureFixture
) -> None:
    leases.releases_in = NEVER
    task = asyncio.create_task(settle("ada", leases, bank(leases.timeline, NEVER), {}))
    asyncio.get_running_loop().call_later(3, task.cancel)
    await asyncio.wait([task])
    assert clock() == 5
    assert task.cancelled()
    [record] = caplog.records
    assert record.name == "snippets.concurrency.cancellation"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "the lease on ada has to run out"
    assert record.exc_info is not None
    assert record.exc_info[0] is TimeoutError


async def test_a_lease_server_that_fails_does_not_replace_the_siblings_error(
    leases: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        message = "out of money"
        raise ValueError(message)

    async def batch() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(settle("ada", leases, bank(leases.timeline, NEVER), {}))
            group.create_task(fail())

    leases.error = RuntimeError("leases")
    with pytest.raises(ExceptionGroup) as raised:
        await batch()
    assert [repr(error) for error in raised.value.exceptions] == [
        "ValueError('out of money')"
    ]
    assert "RuntimeError: leases" in caplog.text


async def test_what_was_paid_stays_paid_where_the_lease_server_fails(
    leases: Server, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = dict[str, str]()
    leases.error = ConnectionResetError("leases")
    await settle("ada", leases, bank(leases.timeline, 1), receipts)
    assert receipts == {"ada": "receipt at 1 s"}
    assert "ConnectionResetError: leases" in caplog.text


async def test_a_second_cancellation_cuts_the_clean_up_short(
    leases: Server, caplog: pytest.LogCaptureFixture
) -> None:
    leases.releases_in = 1
    task = asyncio.create_task(settle("ada", leases, bank(leases.timeline, NEVER), {}))
    for seconds in (3, 3.5):
        asyncio.get_running_loop().call_later(seconds, task.cancel)
    await asyncio.wait([task])
    assert clock() == 3.5
    assert task.cancelled()
    assert leases.held == ["ada"]
    assert caplog.records == []


async def clean_up_for(seconds: float, cleaned: list[float]) -> None:
    try:
        await asyncio.sleep(NEVER)
    finally:
        await asyncio.sleep(seconds)
        cleaned.append(clock())


async def test_stop_waits_until_the_worker_has_cleaned_up() -> None:
    cleaned = list[float]()
    worker = asyncio.create_task(clean_up_for(4, cleaned))
    await asyncio.sleep(1)
    await stop(worker)
    assert cleaned == [5]
    assert worker.cancelled()


async def test_a_supervisor_told_to_stop_while_it_stops_a_worker_stops() -> None:
    async def supervise() -> None:
        await stop(worker)
        cleaned.append(-1)

    cleaned = list[float]()
    worker = asyncio.create_task(clean_up_for(4, cleaned))
    supervisor = asyncio.create_task(supervise())
    await asyncio.sleep(1)
    supervisor.cancel()
    await asyncio.wait([supervisor, worker])
    assert supervisor.cancelled()
    assert cleaned == [4]


async def test_stop_gives_up_a_worker_that_runs_on_after_ten_seconds() -> None:
    cleaned = list[float]()
    worker = asyncio.create_task(clean_up_for(11, cleaned), name="payer")
    await asyncio.sleep(0)
    with pytest.raises(StillRunningError) as runs_on:
        await stop(worker)
    assert str(runs_on.value) == "payer runs on after 10 s"
    assert StillRunningError.__bases__ == (Exception,)  # no TimeoutError of the worker
    assert clock() == 10
    await asyncio.wait([worker])
    assert cleaned == [11]


async def test_a_worker_has_ten_seconds_to_clean_up() -> None:
    cleaned = list[float]()
    worker = asyncio.create_task(clean_up_for(9.999, cleaned))
    await asyncio.sleep(0)
    await stop(worker)
    assert cleaned == [9.999]


@pytest.mark.parametrize("error", [OSError("disk full"), TimeoutError("bank")])
async def test_stop_raises_what_the_worker_failed_with(error: Exception) -> None:
    async def fail() -> None:
        try:
            await asyncio.sleep(NEVER)
        finally:
            raise error

    worker = asyncio.create_task(fail())
    await asyncio.sleep(0)
    with pytest.raises(type(error)) as raised:
        await stop(worker)
    assert raised.value is error


async def test_stop_accepts_a_worker_that_ends_well_on_its_cancellation() -> None:
    async def finish() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(NEVER)

    worker = asyncio.create_task(finish())
    await asyncio.sleep(0)
    await stop(worker)
    assert not worker.cancelled()


@pytest.mark.parametrize("whose", ["the worker's", "your own"])
async def test_only_cancelling_tells_whose_cancelled_error_an_await_raised(
    whose: str,
) -> None:
    async def supervise() -> int:
        try:
            await worker
        except asyncio.CancelledError:
            return supervisor.cancelling()
        raise AssertionError

    worker = asyncio.create_task(asyncio.sleep(NEVER))
    supervisor = asyncio.create_task(supervise())
    await asyncio.sleep(0)
    {"the worker's": worker, "your own": supervisor}[whose].cancel()
    assert await supervisor == {"the worker's": 0, "your own": 1}[whose]
    assert worker.cancelled()  # awaiting it hands your own cancellation on to it


async def test_a_lease_that_is_refused_is_the_callers_error(leases: Server) -> None:
    class Refusing(Server):
        @override
        async def acquire(self, account: str) -> None:
            await super().acquire(account)
            self.held.remove(account)
            raise PermissionError(account)

    refusing, receipts = Refusing(leases.timeline), dict[str, str]()
    with pytest.raises(PermissionError, match=r"^ada$"):
        await settle("ada", refusing, bank(leases.timeline, 1), receipts)
    assert receipts == {}
    assert leases.timeline.told == []


async def test_a_worker_that_has_ended_is_stopped_at_once() -> None:
    worker = asyncio.create_task(asyncio.sleep(1))
    await asyncio.sleep(2)
    await stop(worker)
    assert clock() == 2
    assert not worker.cancelled()


async def test_after_the_deadline_the_next_account_is_paid_and_no_one_is_told(
    timeline: Timeline, observe: Observe
) -> None:
    leases, receipts = Server(timeline), dict[str, str]()
    deadline = asyncio.timeout(3)
    with timeline.lane("batch"):
        async with deadline:
            for account in ("ada", "bob", "eve"):
                await settle_swallowing(account, leases, bank(timeline, 2), receipts)
    assert deadline.expired()
    observe(f"timeout(3) raises nothing; {receipts}")
    assert timeline.told == [
        "batch starts",
        "ada starts",
        "ada ends",
        "leases notes: ada given back",
        "bob starts",
        "bob is cancelled",
        "leases notes: bob given back",
        "eve starts",
        "eve ends",
        "leases notes: eve given back",
        "batch ends",
    ]
    assert receipts == {"ada": "receipt at 2 s", "eve": "receipt at 5 s"}


async def test_a_swallowed_cancellation_comes_back_at_some_later_await(
    leases: Server, observe: Observe
) -> None:
    reached = list[str]()

    async def fail() -> None:
        await asyncio.sleep(1)
        message = "rates"
        raise ValueError(message)

    async def close_the_day() -> None:
        await settle_swallowing("ada", leases, bank(leases.timeline, NEVER), {})
        reached.append("ada settled")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        except* ValueError:
            reached.append("no rates: yesterday's will do")
        await asyncio.sleep(0)
        reached.append("closed")

    task = asyncio.create_task(close_the_day())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    observe(f"{reached}, then CancelledError")
    assert task.cancelled()
    assert reached == ["ada settled", "no rates: yesterday's will do"]


async def test_uncancel_withdraws_a_request_for_good() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def deny() -> str:
        try:
            await asyncio.sleep(NEVER)
        except asyncio.CancelledError:
            task.uncancel()
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        await asyncio.sleep(0)
        return "closed"

    task = asyncio.create_task(deny())
    await asyncio.sleep(1)
    task.cancel()
    assert await task == "closed"
    assert task.cancelling() == 0


async def test_the_caller_waits_for_a_timeout_error_that_never_comes(
    leases: Server, observe: Observe
) -> None:
    deadline = asyncio.timeout(3)
    with pytest.raises(ValueError, match="paying ada was interrupted") as wrong:
        async with deadline:
            await settle_converting("ada", leases, bank(leases.timeline, NEVER), {})
    observe(wrong.value)
    assert deadline.expired()
    assert isinstance(wrong.value.__cause__, asyncio.CancelledError)
    assert isinstance(wrong.value.__context__, TimeoutError)


async def test_a_lease_server_that_hangs_outlasts_every_deadline(
    leases: Server, observe: Observe
) -> None:
    async def batch() -> None:
        async with asyncio.timeout(3):
            await settle_cleaning_up_without_end(
                "ada", leases, bank(leases.timeline, NEVER), {}
            )

    leases.releases_in = NEVER
    task = asyncio.create_task(batch())
    _, waiting = await asyncio.wait([task], timeout=HOUR)
    observe(f"timeout(3) still waits after {clock():g} s")
    assert waiting == {task}
    task.cancel()
    await asyncio.wait([task])


async def test_an_error_of_the_clean_up_takes_the_place_of_the_cancellation(
    leases: Server, observe: Observe
) -> None:
    leases.error = ConnectionResetError("leases")
    task = asyncio.create_task(
        settle_cleaning_up_without_end("ada", leases, bank(leases.timeline, NEVER), {})
    )
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert not task.cancelled()
    error = task.exception()
    observe(error)
    assert repr(error) == "ConnectionResetError('leases')"


async def test_shield_keeps_the_payment_alive_and_nobody_takes_its_receipt() -> None:
    async def write_receipt() -> None:
        receipts["ada"] = await asyncio.shield(payment)

    async def run() -> str:
        return await bank(Timeline(), 2)("ada")

    receipts = dict[str, str]()
    payment = asyncio.create_task(run())
    task = asyncio.create_task(write_receipt())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task, payment])
    assert task.cancelled()
    assert payment.result() == "receipt at 2 s"
    assert receipts == {}


async def test_a_supervisor_told_to_stop_meanwhile_runs_on(observe: Observe) -> None:
    async def supervise() -> None:
        await stop_as_ruff_offers_it(worker)
        await start_the_next()

    async def start_the_next() -> None:
        await asyncio.sleep(1)
        events.append(f"next worker at {clock():g} s")

    cleaned = list[float]()
    events = list[str]()
    worker = asyncio.create_task(clean_up_for(4, cleaned))
    supervisor = asyncio.create_task(supervise())
    await asyncio.sleep(1)
    supervisor.cancel()
    await asyncio.wait([supervisor])
    observe(f"cancelled at 1 s; {', '.join(events)}")
    assert not supervisor.cancelled()
    assert events == ["next worker at 2 s"]


@pytest.mark.parametrize("careless", [settle_swallowing, settle_converting])
async def test_two_of_the_careless_ways_bound_their_clean_up_as_well(
    leases: Server, caplog: pytest.LogCaptureFixture, careless: Settle
) -> None:
    leases.releases_in = NEVER
    await careless("ada", leases, bank(leases.timeline, 1), {})
    assert clock() == 1 + 2
    assert caplog.messages == ["the lease on ada has to run out"]


@pytest.mark.parametrize(
    "careless", [settle_swallowing, settle_converting, settle_cleaning_up_without_end]
)
async def test_undisturbed_the_careless_ways_pay_as_well(
    leases: Server, careless: Settle
) -> None:
    receipts = dict[str, str]()
    await careless("ada", leases, bank(leases.timeline, 1), receipts)
    assert receipts == {"ada": "receipt at 1 s"}
    assert leases.held == []
