import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from typing import Any

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Timeline
from snippets.concurrency.context_managers import Connection, shards, transaction
from snippets.concurrency.context_managers_avoid import (
    close_in_a_loop,
    connected_without_finally,
    shards_opened_before_try,
    transaction_for_errors_only,
    transaction_without_undoing_its_commit,
)

pytestmark = pytest.mark.anyio
EU_US_AP = ("eu", "us", "ap")
CLEAN_UP_FAILED = (
    "snippets.concurrency.context_managers",
    logging.ERROR,
    "a shard's clean-up failed",
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class Databases:
    """Databases that record what reaches them, and fail or hang where told."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.told: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.hanging: str = ""
        self.waits = asyncio.Event()

    async def connect(self, address: str) -> "Recorded":
        await self.answer(f"{address}: connect")
        self.timeline.add(address, "starts")
        return Recorded(address, self)

    async def answer(self, what: str) -> None:
        """Answer after a second, as a database that takes its time."""
        self.told.append(what)
        if what == self.hanging:
            self.waits.set()
            await asyncio.Event().wait()
        await asyncio.sleep(1)
        if what in self.failing:
            raise self.failing[what]


class Recorded:
    """A connection to one of the databases."""

    def __init__(self, address: str, databases: Databases) -> None:
        self.address = address
        self.databases = databases

    async def execute(self, statement: str) -> None:
        await self.databases.answer(f"{self.address}: {statement}")

    async def close(self) -> None:
        await self.databases.answer(f"{self.address}: close")
        self.databases.timeline.add(self.address, "ends")


@pytest.fixture
def databases() -> Databases:
    return Databases(Timeline())


async def report(
    opening: AbstractAsyncContextManager[object], timeline: Timeline
) -> None:
    with timeline.lane("report"):
        async with opening:
            pytest.fail("the block must not run with a shard missing")


async def cancel_while_it_waits(task: asyncio.Task[None], databases: Databases) -> None:
    async with asyncio.timeout(60):
        await databases.waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_shards_are_opened_in_order_and_closed_in_reverse(
    databases: Databases,
) -> None:
    async with shards(iter(EU_US_AP), databases.connect) as connections:
        for connection in connections:
            await connection.execute("COUNT")
    assert databases.told == [
        "eu: connect",
        "us: connect",
        "ap: connect",
        "eu: COUNT",
        "us: COUNT",
        "ap: COUNT",
        "ap: close",
        "us: close",
        "eu: close",
    ]


async def test_shards_are_closed_when_the_block_fails(databases: Databases) -> None:
    error = ValueError("us: no such table")
    databases.failing["us: COUNT"] = error
    with pytest.raises(ValueError, match=r"^us: no such table$") as caught:
        async with shards(EU_US_AP, databases.connect) as connections:
            await connections[1].execute("COUNT")
    assert caught.value is error
    assert databases.told[3:] == ["us: COUNT", "ap: close", "us: close", "eu: close"]


async def test_cancelling_a_report_closes_its_shards_the_last_one_first(
    timeline: Timeline,
) -> None:
    databases = Databases(timeline)

    async def count_orders() -> None:
        with timeline.lane("report"):
            async with shards(("eu", "us"), databases.connect) as connections:
                with timeline.wait("report", "count"):
                    await connections[0].execute("COUNT")

    databases.hanging = "eu: COUNT"
    await cancel_while_it_waits(asyncio.create_task(count_orders()), databases)
    assert timeline.told == [
        "report starts",
        "eu starts",
        "us starts",
        "report waits: count",
        "us ends",
        "eu ends",
        "report is cancelled",
    ]


async def test_a_shard_that_refuses_closes_those_before_it(
    timeline: Timeline,
) -> None:
    databases = Databases(timeline)
    databases.failing["ap: connect"] = ConnectionRefusedError("ap is down")
    with pytest.raises(ConnectionRefusedError, match=r"^ap is down$"):
        await report(shards(EU_US_AP, databases.connect), timeline)
    assert timeline.told == [
        "report starts",
        "eu starts",
        "us starts",
        "us ends",
        "eu ends",
        "report fails: ConnectionRefusedError",
    ]


async def test_a_cancellation_while_connecting_closes_the_shards_before_it(
    databases: Databases,
) -> None:
    async def connect() -> None:
        async with shards(EU_US_AP, databases.connect):
            pytest.fail("the block must not run with a shard missing")

    databases.hanging = "ap: connect"
    await cancel_while_it_waits(asyncio.create_task(connect()), databases)
    assert databases.told[2:] == ["ap: connect", "us: close", "eu: close"]


@pytest.fixture
def clean_up_failed(
    caplog: pytest.LogCaptureFixture,
) -> Callable[[], list[type[BaseException] | None]]:
    """Tell the errors of the clean-up that were logged."""

    def errors() -> list[type[BaseException] | None]:
        return [
            record.exc_info[0]
            if record.exc_info
            and (record.name, record.levelno, record.getMessage()) == CLEAN_UP_FAILED
            else None
            for record in caplog.records
        ]

    return errors


type Failed = Callable[[], list[type[BaseException] | None]]


async def test_a_close_that_fails_is_logged_and_the_others_are_closed(
    databases: Databases, clean_up_failed: Failed
) -> None:
    databases.failing["us: close"] = ConnectionResetError("us hung up")
    async with shards(EU_US_AP, databases.connect):
        pass
    assert databases.told[3:] == ["ap: close", "us: close", "eu: close"]
    assert clean_up_failed() == [ConnectionResetError]


async def test_a_close_that_hangs_is_given_up_after_five_seconds(
    databases: Databases, clean_up_failed: Failed
) -> None:
    databases.hanging = "us: close"
    async with shards(EU_US_AP, databases.connect):
        pass
    assert databases.told[3:] == ["ap: close", "us: close", "eu: close"]
    assert clean_up_failed() == [TimeoutError]
    seconds = asyncio.get_running_loop().time()
    assert seconds == 3 * 1 + 1 + 5 + 1


async def test_a_close_that_fails_does_not_replace_the_error_of_the_block(
    databases: Databases, clean_up_failed: Failed
) -> None:
    failed = ValueError("no such table")
    databases.failing["us: close"] = RuntimeError("us hung up")
    with pytest.raises(ValueError, match=r"^no such table$") as caught:
        async with shards(EU_US_AP, databases.connect):
            raise failed
    assert caught.value is failed
    assert clean_up_failed() == [RuntimeError]


@pytest.mark.parametrize("step", ["eu: close", "eu: ROLLBACK"])
async def test_a_clean_up_that_fails_does_not_replace_a_cancellation(
    databases: Databases, clean_up_failed: Failed, step: str
) -> None:
    async def insert() -> None:
        async with shards(["eu"], databases.connect) as [eu], transaction(eu):
            await eu.execute("INSERT")

    databases.hanging = "eu: INSERT"
    databases.failing[step] = RuntimeError("eu hung up")
    task = asyncio.create_task(insert())
    await cancel_while_it_waits(task, databases)
    assert task.cancelled()
    assert databases.told[3:] == ["eu: ROLLBACK", "eu: close"]
    assert clean_up_failed() == [RuntimeError]


async def test_a_second_cancellation_cuts_one_close_short_and_the_others_are_closed(
    databases: Databases,
) -> None:
    async def count() -> None:
        async with shards(EU_US_AP, databases.connect):
            databases.waits.set()
            await asyncio.Event().wait()

    databases.hanging = "ap: close"
    task = asyncio.create_task(count())
    await databases.waits.wait()
    databases.waits.clear()
    task.cancel()
    await databases.waits.wait()
    await cancel_while_it_waits(task, databases)
    assert databases.told[3:] == ["ap: close", "us: close", "eu: close"]


async def test_the_managers_of_a_stack_get_the_error_of_an_inner_exit() -> None:
    @asynccontextmanager
    async def manager(name: str) -> AsyncGenerator[None]:
        try:
            yield
        except ValueError as error:
            seen.append(f"{name} gets {error}")
            raise ValueError(name) from None

    async def run() -> None:
        async with AsyncExitStack() as stack:
            for name in ("outer", "inner"):
                await stack.enter_async_context(manager(name))
            raise ValueError("block")

    seen: list[str] = []
    with pytest.raises(ValueError, match=r"^outer$") as caught:
        await run()
    assert seen == ["inner gets block", "outer gets inner"]
    assert repr(caught.value.__context__) == "ValueError('inner')"


async def test_a_transaction_is_kept_when_its_block_ends_well(
    databases: Databases,
) -> None:
    eu: Connection = await databases.connect("eu")
    async with transaction(eu):
        await eu.execute("INSERT")
    assert databases.told[1:] == ["eu: BEGIN", "eu: INSERT", "eu: COMMIT"]


async def test_a_transaction_is_undone_when_its_block_fails(
    databases: Databases,
) -> None:
    eu = await databases.connect("eu")
    databases.failing["eu: INSERT"] = ValueError("sold out")
    with pytest.raises(ValueError, match=r"^sold out$"):
        async with transaction(eu):
            await eu.execute("INSERT")
    assert databases.told[1:] == ["eu: BEGIN", "eu: INSERT", "eu: ROLLBACK"]


async def test_a_transaction_is_undone_when_its_task_is_cancelled(
    databases: Databases,
) -> None:
    async def insert() -> None:
        async with transaction(eu):
            await eu.execute("INSERT")

    eu = await databases.connect("eu")
    databases.hanging = "eu: INSERT"
    await cancel_while_it_waits(asyncio.create_task(insert()), databases)
    assert databases.told[1:] == ["eu: BEGIN", "eu: INSERT", "eu: ROLLBACK"]


async def test_a_rollback_that_hangs_is_given_up_after_five_seconds(
    databases: Databases, clean_up_failed: Failed
) -> None:
    eu = await databases.connect("eu")
    failed = ValueError("sold out")
    databases.hanging = "eu: ROLLBACK"
    with pytest.raises(ValueError, match=r"^sold out$") as caught:
        async with transaction(eu):
            raise failed
    assert caught.value is failed
    assert clean_up_failed() == [TimeoutError]
    seconds = asyncio.get_running_loop().time()
    assert seconds == 1 + 1 + 5


@pytest.mark.parametrize("step", ["eu: BEGIN", "eu: COMMIT"])
async def test_a_begin_or_commit_that_fails_is_rolled_back(
    databases: Databases, step: str
) -> None:
    eu = await databases.connect("eu")
    error = databases.failing[step] = ConnectionResetError("eu hung up")
    with pytest.raises(ConnectionResetError) as caught:
        async with transaction(eu):
            pass
    assert caught.value is error
    assert databases.told[-2:] == [step, "eu: ROLLBACK"]


@pytest.mark.parametrize("step", ["eu: BEGIN", "eu: COMMIT"])
async def test_a_begin_or_commit_that_is_cancelled_is_rolled_back(
    databases: Databases, step: str
) -> None:
    async def insert() -> None:
        async with transaction(eu):
            pass

    eu = await databases.connect("eu")
    databases.hanging = step
    await cancel_while_it_waits(asyncio.create_task(insert()), databases)
    assert databases.told[-2:] == [step, "eu: ROLLBACK"]


async def test_a_commit_that_hangs_is_given_up_after_five_seconds_and_rolled_back(
    databases: Databases,
) -> None:
    eu = await databases.connect("eu")
    databases.hanging = "eu: COMMIT"
    with pytest.raises(TimeoutError):
        async with transaction(eu):
            pass
    assert databases.told[1:] == ["eu: BEGIN", "eu: COMMIT", "eu: ROLLBACK"]
    seconds = asyncio.get_running_loop().time()
    assert seconds == 1 + 1 + 5 + 1


async def test_without_finally_only_a_block_that_ends_well_closes_its_connection(
    databases: Databases, observe: Observe
) -> None:
    async def count(address: str) -> None:
        async with connected_without_finally(address, databases.connect) as connection:
            await connection.execute("COUNT")

    databases.failing["us: COUNT"] = ValueError("no such table")
    databases.hanging = "ap: COUNT"
    await count("eu")
    with suppress(ValueError):
        await count("us")
    await cancel_while_it_waits(asyncio.create_task(count("ap")), databases)
    closed = [what for what in databases.told if what.endswith("close")]
    observe(f"of {len(EU_US_AP)} connections closed: {closed}")
    assert closed == ["eu: close"]


@pytest.mark.parametrize(
    ("error", "last"), [(None, "eu: COMMIT"), (ValueError("sold out"), "eu: ROLLBACK")]
)
async def test_a_transaction_for_errors_only_looks_right_until_it_is_cancelled(
    databases: Databases, error: Exception | None, last: str
) -> None:
    eu = await databases.connect("eu")
    if error is not None:
        databases.failing["eu: INSERT"] = error
    with suppress(ValueError):
        async with transaction_for_errors_only(eu):
            await eu.execute("INSERT")
    assert databases.told[-1] == last


async def test_a_cancelled_transaction_is_neither_kept_nor_undone(
    databases: Databases, observe: Observe
) -> None:
    async def insert() -> None:
        async with transaction_for_errors_only(eu):
            await eu.execute("INSERT")

    eu = await databases.connect("eu")
    databases.hanging = "eu: INSERT"
    await cancel_while_it_waits(asyncio.create_task(insert()), databases)
    observe(", ".join(databases.told[1:]))
    assert databases.told[1:] == ["eu: BEGIN", "eu: INSERT"]


async def test_a_commit_that_fails_leaves_its_transaction_open(
    databases: Databases, observe: Observe
) -> None:
    eu = await databases.connect("eu")
    databases.failing["eu: COMMIT"] = ConnectionResetError("eu hung up")
    with pytest.raises(ConnectionResetError):
        async with transaction_without_undoing_its_commit(eu):
            pass
    observe(", ".join(databases.told[1:]))
    assert databases.told[1:] == ["eu: BEGIN", "eu: COMMIT"]


async def test_a_transaction_that_does_not_undo_its_commit_undoes_its_block(
    databases: Databases,
) -> None:
    eu = await databases.connect("eu")
    with pytest.raises(ValueError, match=r"^sold out$"):
        async with transaction_without_undoing_its_commit(eu):
            raise ValueError("sold out")
    assert databases.told[1:] == ["eu: BEGIN", "eu: ROLLBACK"]


async def test_the_careless_managers_bound_their_clean_up_as_well(
    databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    databases.hanging = "eu: close"
    async with connected_without_finally("eu", databases.connect):
        pass
    assert asyncio.get_running_loop().time() == 1 + 5
    assert caplog.messages == ["a shard's clean-up failed"]


async def test_opening_all_before_try_looks_right_until_one_fails(
    databases: Databases,
) -> None:
    async with shards_opened_before_try(EU_US_AP, databases.connect) as connections:
        assert len(connections) == 3
    assert databases.told[3:] == ["ap: close", "us: close", "eu: close"]


async def test_a_connect_that_fails_leaves_the_shards_before_it_open(
    timeline: Timeline, observe: Observe
) -> None:
    databases = Databases(timeline)
    databases.failing["ap: connect"] = ConnectionRefusedError("ap is down")
    with pytest.raises(ConnectionRefusedError, match=r"^ap is down$") as caught:
        await report(shards_opened_before_try(EU_US_AP, databases.connect), timeline)
    observe(caught.value)
    assert timeline.told == [
        "report starts",
        "eu starts",
        "us starts",
        "report fails: ConnectionRefusedError",
    ]


async def test_closing_in_a_loop_looks_right_until_one_fails(
    databases: Databases,
) -> None:
    await close_in_a_loop([await databases.connect(address) for address in EU_US_AP])
    assert databases.told[3:] == ["ap: close", "us: close", "eu: close"]


async def test_a_close_that_fails_leaves_the_shards_after_it_open(
    databases: Databases, observe: Observe
) -> None:
    connections = [await databases.connect(address) for address in EU_US_AP]
    databases.failing["us: close"] = ConnectionResetError("us hung up")
    with pytest.raises(ConnectionResetError, match=r"^us hung up$"):
        await close_in_a_loop(connections)
    observe(", ".join(databases.told[3:]))
    assert databases.told[3:] == ["ap: close", "us: close"]


async def test_a_manager_that_swallows_hides_the_error_from_those_outside() -> None:
    @asynccontextmanager
    async def manager(name: str) -> AsyncGenerator[None]:
        try:
            yield
        except ValueError:
            seen.append(name)
            if name == "middle":
                return
            raise

    seen: list[str] = []
    async with AsyncExitStack() as stack:
        for name in ("outer", "middle", "inner"):
            await stack.enter_async_context(manager(name))
        raise ValueError
    assert seen == ["inner", "middle"]
