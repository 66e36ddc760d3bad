import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, ControlledLoop
from proof.testing.record import Timeline
from snippets.concurrency import taskgroup as snippet
from snippets.concurrency import taskgroup_avoid as avoid
from snippets.concurrency.taskgroup import Stage

pytestmark = pytest.mark.anyio

FOR_EVER = 10.0**6


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class BadImageError(Exception):
    """The image doesn't start."""


class NoHostsError(Exception):
    """The region has no room."""


class StuckError(Exception):
    """A region fails while it is being stopped."""


@dataclass
class Fake:
    """A region that takes its time, and writes down what it is told."""

    name: str
    timeline: Timeline
    seconds: float = 1
    error: BaseException | None = None
    stuck: Exception | None = None
    withdrawing: float = 0
    lost: BaseException | None = None
    runs: str = "v1"

    async def deploy(self, version: str) -> None:
        with self.timeline.lane(self.name):
            with self.timeline.wait(self.name, "hosts"):
                try:
                    await asyncio.sleep(self.seconds)
                except asyncio.CancelledError:
                    if self.stuck:
                        raise self.stuck from None
                    raise
            if self.error:
                raise self.error
            self.runs = version
            self.timeline.add(self.name, "notes", f"{version} is live")

    async def withdraw(self, version: str) -> None:
        await asyncio.sleep(self.withdrawing)
        if self.lost:
            raise self.lost
        self.timeline.add(self.name, "notes", f"{version} withdrawn")


@pytest.fixture
def log() -> Timeline:
    """Give a timeline that the page doesn't draw."""
    return Timeline()


async def roll_out(version: str, regions: Iterable[Fake]) -> dict[str, Stage]:
    """Return the stages, for a test that looks at them after a good end only."""
    stages: dict[str, Stage] = {}
    await snippet.roll_out(version, regions, stages)
    return stages


def seconds_passed() -> float:
    return asyncio.get_running_loop().time()


def notes(error: BaseException) -> list[str]:
    return error.__notes__


async def cancelled_after(task: asyncio.Task[Any], seconds: float) -> None:
    await asyncio.sleep(seconds)
    assert task.cancel()


async def fail_after(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise BadImageError


async def test_every_region_is_live_in_the_end(log: Timeline) -> None:
    regions = (Fake("tokyo", log, seconds=3), Fake("eu", log, seconds=2))
    assert await roll_out("v2", iter(regions)) == {"tokyo": "live", "eu": "live"}
    assert [region.runs for region in regions] == ["v2", "v2"]
    assert "tokyo notes: v2 withdrawn" not in log.told


async def test_the_regions_deploy_at_the_same_time(log: Timeline) -> None:
    await roll_out("v2", [Fake("eu", log, seconds=2), Fake("us", log, seconds=3)])
    assert seconds_passed() == 3


async def test_a_failing_region_stops_the_others_before_the_roll_back(
    timeline: Timeline,
) -> None:
    eu = Fake("eu", timeline, seconds=1, error=BadImageError("v2"))
    us = Fake("us", timeline, seconds=2)
    with timeline.lane("operator"):
        try:
            await roll_out("v2", [eu, us])
        except* BadImageError:
            eu.runs = us.runs = "v1"
            timeline.add("operator", "notes", "all rolled back to v1")
        await asyncio.sleep(1)
    assert timeline.told == [
        "operator starts",
        "eu starts",
        "eu waits: hosts",
        "us starts",
        "us waits: hosts",
        "eu goes on",
        "eu fails: BadImageError",
        "eu notes: v2 withdrawn",
        "us is cancelled",
        "us notes: v2 withdrawn",
        "operator notes: all rolled back to v1",
        "operator ends",
    ]
    assert us.runs == "v1"


async def test_after_a_failure_the_stages_say_which_regions_are_live(
    log: Timeline,
) -> None:
    stages: dict[str, Stage] = {}
    regions = [
        Fake("us", log, seconds=1),
        Fake("eu", log, seconds=2, error=BadImageError("v2")),
        Fake("tokyo", log, seconds=3),
    ]
    with pytest.raises(ExceptionGroup):
        await snippet.roll_out("v2", regions, stages)
    assert stages == {"us": "live", "eu": "withdrawn", "tokyo": "withdrawn"}
    assert [region.runs for region in regions] == ["v2", "v1", "v1"]


async def test_a_region_that_was_not_withdrawn_keeps_its_stage_and_is_logged(
    log: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    stages: dict[str, Stage] = {}
    bad, lost = BadImageError("v2"), StuckError("us")
    us = Fake("us", log, seconds=2, lost=lost)
    with pytest.raises(ExceptionGroup) as caught:
        await snippet.roll_out("v2", [Fake("eu", log, error=bad), us], stages)
    assert caught.value.exceptions == (bad,)
    assert stages == {"eu": "withdrawn", "us": "deploying"}
    assert caplog.record_tuples == [
        (
            "snippets.concurrency.taskgroup",
            logging.ERROR,
            "us: v2 could not be withdrawn",
        )
    ]
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[1] is lost


async def test_a_region_that_was_never_begun_has_no_stage(log: Timeline) -> None:
    def regions() -> Iterator[Fake]:
        yield Fake("eu", log)
        raise LookupError

    stages: dict[str, Stage] = {}
    with pytest.raises(ExceptionGroup):
        await snippet.roll_out("v2", regions(), stages)
    assert (stages, log.told) == ({}, [])


async def test_a_deployment_that_was_cancelled_alone_does_not_pass_for_live(
    log: Timeline,
) -> None:
    stages: dict[str, Stage] = {}
    regions = [
        Fake("eu", log, error=asyncio.CancelledError()),
        Fake("us", log, seconds=2),
    ]
    with pytest.raises(asyncio.CancelledError):
        await snippet.roll_out("v2", regions, stages)
    assert stages == {"eu": "withdrawn", "us": "live"}
    assert seconds_passed() == 2


def test_a_program_that_is_told_to_exit_withdraws_nothing(log: Timeline) -> None:
    stages: dict[str, Stage] = {}
    eu = Fake("eu", log, error=SystemExit(3))
    with (
        pytest.raises(SystemExit),
        asyncio.Runner(loop_factory=ControlledLoop) as runner,
    ):
        runner.run(snippet.roll_out("v2", [eu], stages))
    assert stages == {"eu": "deploying"}
    assert "eu notes: v2 withdrawn" not in log.told


async def test_a_withdrawal_that_is_cancelled_itself_keeps_its_stage(
    log: Timeline,
) -> None:
    stages: dict[str, Stage] = {}
    lost = asyncio.CancelledError("pool closed")
    eu = Fake("eu", log, error=BadImageError("v2"), lost=lost)
    with pytest.raises(asyncio.CancelledError):
        await snippet.roll_out("v2", [eu], stages)
    assert stages == {"eu": "deploying"}


async def test_a_failure_tells_its_region_and_comes_in_a_group(log: Timeline) -> None:
    error = BadImageError("v2")
    with pytest.raises(ExceptionGroup) as caught:
        await roll_out("v2", [Fake("eu", log, error=error), Fake("us", log, seconds=2)])
    assert caught.value.exceptions == (error,)
    assert notes(error) == ["deploying v2 to eu"]


async def test_failures_of_the_same_moment_are_all_in_the_group(log: Timeline) -> None:
    errors = (BadImageError("v2"), NoHostsError("us"))
    regions = [Fake("eu", log, error=errors[0]), Fake("us", log, error=errors[1])]
    with pytest.raises(ExceptionGroup) as caught:
        await roll_out("v2", regions)
    assert caught.value.exceptions == errors


async def test_a_sibling_that_fails_while_it_is_cancelled_is_in_the_group(
    log: Timeline,
) -> None:
    bad, stuck = BadImageError("v2"), StuckError("us")
    with pytest.raises(ExceptionGroup) as caught:
        await roll_out(
            "v2",
            [Fake("eu", log, error=bad), Fake("us", log, seconds=2, stuck=stuck)],
        )
    assert caught.value.exceptions == (bad, stuck)
    assert notes(stuck) == ["deploying v2 to us"]


async def test_the_group_waits_until_its_children_have_cleaned_up(
    log: Timeline,
) -> None:
    eu = Fake("eu", log, error=BadImageError("v2"))
    with pytest.raises(ExceptionGroup):
        await roll_out("v2", [eu, Fake("us", log, seconds=2, withdrawing=20)])
    assert seconds_passed() == 1 + 20
    assert log.told[-1] == "us notes: v2 withdrawn"


async def test_clean_up_that_hangs_is_given_up_after_thirty_seconds(
    log: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    stages: dict[str, Stage] = {}
    bad = BadImageError("v2")
    us = Fake("us", log, seconds=2, withdrawing=FOR_EVER)
    with pytest.raises(ExceptionGroup) as caught:
        await snippet.roll_out("v2", [Fake("eu", log, error=bad), us], stages)
    assert seconds_passed() == 1 + 30
    assert caught.value.exceptions == (bad,)
    assert stages == {"eu": "withdrawn", "us": "deploying"}
    assert caplog.messages == ["us: v2 could not be withdrawn"]


async def test_an_error_while_the_tasks_are_made_stops_those_already_made(
    log: Timeline,
) -> None:
    def regions() -> Iterator[Fake]:
        yield Fake("eu", log, seconds=FOR_EVER)
        raise LookupError

    with pytest.raises(ExceptionGroup) as caught:
        await roll_out("v2", regions())
    assert [type(error) for error in caught.value.exceptions] == [LookupError]
    assert seconds_passed() == 0


async def test_cancelled_from_outside_it_withdraws_everywhere_and_ends_cancelled(
    log: Timeline,
) -> None:
    stages: dict[str, Stage] = {}
    regions = [Fake("eu", log, seconds=9, withdrawing=5), Fake("us", log, seconds=9)]
    task = asyncio.create_task(snippet.roll_out("v2", regions, stages))
    await cancelled_after(task, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert log.told[-2:] == ["us notes: v2 withdrawn", "eu notes: v2 withdrawn"]
    assert stages == {"eu": "withdrawn", "us": "withdrawn"}
    assert seconds_passed() == 1 + 5


async def test_a_withdrawal_that_fails_does_not_replace_the_cancellation(
    log: Timeline,
) -> None:
    eu = Fake("eu", log, seconds=9, lost=ConnectionError("eu"))
    task = asyncio.create_task(roll_out("v2", [eu]))
    await cancelled_after(task, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_second_cancellation_does_not_reach_the_clean_up(log: Timeline) -> None:
    eu = Fake("eu", log, seconds=9, withdrawing=5)
    task = asyncio.create_task(roll_out("v2", [eu]))
    await cancelled_after(task, 1)
    await cancelled_after(task, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.told[-1] == "eu notes: v2 withdrawn"
    assert seconds_passed() == 1 + 5


async def test_the_group_takes_back_its_own_cancellation_of_the_parent(
    log: Timeline,
) -> None:
    parent = asyncio.current_task()
    assert parent is not None
    with pytest.raises(ExceptionGroup):
        await roll_out("v2", [Fake("eu", log, error=BadImageError("v2"))])
    assert parent.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_failure_together_with_a_cancellation_loses_neither(
    log: Timeline,
) -> None:
    events: list[str] = []

    async def operator() -> None:
        me = asyncio.current_task()
        assert me is not None
        us = Fake("us", log, seconds=9, withdrawing=5)
        try:
            await roll_out("v2", [Fake("eu", log, error=BadImageError("v2")), us])
        except* BadImageError:
            events.append(f"failure, {me.cancelling()} cancellation pending")
        try:
            await asyncio.sleep(FOR_EVER)
        except asyncio.CancelledError:
            events.append("cancelled at the next await")
            raise

    task = asyncio.create_task(operator())
    await cancelled_after(task, 2)  # eu has failed, us is being withdrawn
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == [
        "failure, 1 cancellation pending",
        "cancelled at the next await",
    ]
    assert seconds_passed() == 1 + 5


async def test_a_child_that_fails_under_a_cancellation_comes_before_it(
    log: Timeline,
) -> None:
    stuck = StuckError("eu")
    eu = Fake("eu", log, seconds=9, stuck=stuck)
    task = asyncio.create_task(roll_out("v2", [eu]))
    await cancelled_after(task, 1)
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert caught.value.exceptions == (stuck,)
    assert (task.cancelled(), task.cancelling()) == (False, 1)


async def test_whoever_handles_that_failure_is_cancelled_at_the_next_await(
    log: Timeline,
) -> None:
    async def operator() -> None:
        eu = Fake("eu", log, seconds=9, stuck=StuckError("eu"))
        try:
            await roll_out("v2", [eu])
        except* StuckError:
            log.add("operator", "notes", "failure handled")
        await asyncio.sleep(FOR_EVER)

    task = asyncio.create_task(operator())
    await cancelled_after(task, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.told[-1] == "operator notes: failure handled"
    assert seconds_passed() == 1


async def test_a_deadline_around_it_becomes_a_timeout_error(log: Timeline) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4):
            await roll_out("v2", [Fake("eu", log, seconds=9, withdrawing=5)])
    assert log.told[-1] == "eu notes: v2 withdrawn"
    assert seconds_passed() == 4 + 5


async def test_a_failure_after_a_deadline_replaces_the_timeout_error(
    log: Timeline,
) -> None:
    parent = asyncio.current_task()
    assert parent is not None
    stuck = StuckError("eu")
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(4):
            await roll_out("v2", [Fake("eu", log, seconds=9, stuck=stuck)])
    assert caught.value.exceptions == (stuck,)
    assert parent.cancelling() == 0
    await asyncio.sleep(0)  # the deadline's cancellation is not left behind


async def test_a_failing_child_interrupts_the_body_too() -> None:
    reached: list[str] = []

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_after(1))
            reached.append("body awaits")
            await asyncio.sleep(FOR_EVER)
            reached.append("body goes on")

    with pytest.raises(ExceptionGroup):
        await body()
    assert reached == ["body awaits"]
    assert seconds_passed() == 1


async def test_a_child_that_is_cancelled_alone_fails_nobody() -> None:
    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async with asyncio.TaskGroup() as group:
        alone = group.create_task(work(FOR_EVER))
        other = group.create_task(work(2))
        await asyncio.sleep(1)
        alone.cancel()
    assert alone.cancelled()
    assert other.result() == 2
    with pytest.raises(asyncio.CancelledError):
        alone.result()


async def test_a_child_that_ignores_its_cancellation_holds_the_block() -> None:
    async def ignore() -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_after(1))
            group.create_task(ignore())

    with pytest.raises(ExceptionGroup):
        await body()
    assert seconds_passed() == 1 + 60


async def test_a_group_that_shuts_down_takes_no_new_task() -> None:
    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_after(1))
            try:
                await asyncio.sleep(FOR_EVER)
            finally:
                group.create_task(fail_after(1))

    with pytest.raises(ExceptionGroup) as caught:
        await body()
    failed, refused = caught.value.exceptions
    assert isinstance(failed, BadImageError)
    assert isinstance(refused, RuntimeError)
    assert str(refused).endswith("is shutting down")


async def test_a_task_that_is_cancelled_before_its_first_step_runs_no_line() -> None:
    ran: list[str] = []

    async def work() -> None:
        try:
            ran.append("work")
            await asyncio.sleep(FOR_EVER)
        finally:
            ran.append("clean-up")

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            raise BadImageError

    with pytest.raises(ExceptionGroup):
        await body()
    assert ran == []


async def test_gather_lets_a_sibling_go_live_after_the_roll_back(
    timeline: Timeline, observe: Observe
) -> None:
    eu = Fake("eu", timeline, seconds=1, error=BadImageError("v2"))
    us = Fake("us", timeline, seconds=2)
    with timeline.lane("operator"):
        try:
            await avoid.roll_out("v2", [eu, us], {})
        except BadImageError:
            eu.runs = us.runs = "v1"
            timeline.add("operator", "notes", "all rolled back to v1")
        await asyncio.sleep(1)
    observe(f"after the roll-back to v1, us runs {us.runs}")
    assert timeline.told == [
        "operator starts",
        "eu starts",
        "eu waits: hosts",
        "us starts",
        "us waits: hosts",
        "eu goes on",
        "eu fails: BadImageError",
        "eu notes: v2 withdrawn",
        "operator notes: all rolled back to v1",
        "us goes on",
        "us notes: v2 is live",
        "us ends",
        "operator ends",
    ]
    assert (eu.runs, us.runs) == ("v1", "v2")


async def test_gather_drops_the_second_failure_without_a_word(
    log: Timeline, observe: Observe, caplog: pytest.LogCaptureFixture
) -> None:
    eu = Fake("eu", log, error=BadImageError("v2"))
    us = Fake("us", log, seconds=2, error=NoHostsError("us"))
    with pytest.raises(BadImageError) as caught:
        await avoid.roll_out("v2", [eu, us], {})
    await asyncio.sleep(FOR_EVER)
    observe(f"raised: {caught.value!r}; logged: {caplog.messages}")
    assert "us fails: NoHostsError" in log.told
    assert caught.value.__context__ is None
    assert caplog.messages == []


async def test_a_cancelled_gather_leaves_before_the_clean_up_is_done(
    log: Timeline, observe: Observe
) -> None:
    eu = Fake("eu", log, seconds=9)
    us = Fake("us", log, seconds=9, withdrawing=5)
    task = asyncio.create_task(avoid.roll_out("v2", [eu, us], {}))
    await cancelled_after(task, 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    withdrawn = [event for event in log.told if event.endswith("withdrawn")]
    observe(f"when roll_out has ended: {withdrawn}")
    assert withdrawn == ["eu notes: v2 withdrawn"]
    await asyncio.sleep(5)  # let us end, or the loop's end would interrupt it


async def test_gather_gives_the_same_answer_while_nothing_fails(log: Timeline) -> None:
    stages: dict[str, Stage] = {}
    regions = [Fake("tokyo", log, seconds=3), Fake("eu", log, seconds=2)]
    await avoid.roll_out("v2", regions, stages)
    assert stages == {"tokyo": "live", "eu": "live"}


async def test_under_gather_too_a_withdrawal_that_fails_is_logged(
    log: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    stages: dict[str, Stage] = {}
    eu = Fake("eu", log, error=BadImageError("v2"), lost=ConnectionError("eu"))
    with pytest.raises(BadImageError):
        await avoid.roll_out("v2", [eu], stages)
    assert stages == {"eu": "deploying"}
    assert caplog.messages == ["eu: v2 could not be withdrawn"]
