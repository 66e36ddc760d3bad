import asyncio
import threading
from typing import Any

import anyio
import pytest
import trio
from markupsafe import Markup

from proof.testing.basics import as_text
from proof.testing.clock import (
    CONTROLLED_ASYNCIO,
    ControlledLoop,
    controlled_trio,
)
from proof.testing.record import Attack, Evidence, Measured, Timeline

ONE_HOUR = 3600


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO if request.param == "asyncio" else controlled_trio()


def test_a_lane_tells_how_it_ended() -> None:
    told = Timeline()
    with told.lane("ada"):
        told.add("ada", "notes", "a row")
    with pytest.raises(KeyError), told.lane("bob"):
        raise KeyError
    with pytest.raises(asyncio.CancelledError), told.lane("eve"):
        raise asyncio.CancelledError
    assert told.told == [
        "ada starts",
        "ada notes: a row",
        "ada ends",
        "bob starts",
        "bob fails: KeyError",
        "eve starts",
        "eve is cancelled",
    ]


def test_an_interrupted_wait_does_not_go_on() -> None:
    told = Timeline()
    with told.wait("ada", "lock"):
        pass
    with pytest.raises(TimeoutError), told.wait("ada", "answer"):
        raise TimeoutError
    assert told.told == ["ada waits: lock", "ada goes on", "ada waits: answer"]


@pytest.mark.anyio
async def test_an_hour_takes_no_time_on_either_backend() -> None:
    began = anyio.current_time()
    order: list[str] = []

    async def work(name: str, seconds: int) -> None:
        await anyio.sleep(seconds)
        order.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, "slow", ONE_HOUR)
        tasks.start_soon(work, "fast", 1)
    assert order == ["fast", "slow"]
    assert anyio.current_time() - began == ONE_HOUR


@pytest.mark.anyio
async def test_trios_cancellation_is_told_as_one(anyio_backend_name: str) -> None:
    told = Timeline()

    async def work() -> None:
        with told.lane("ada"):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert told.told == ["ada starts", "ada is cancelled"]
    assert (trio.lowlevel.in_trio_run()) == (anyio_backend_name == "trio")


def test_a_thread_wakes_the_controlled_loop() -> None:
    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        name = runner.run(asyncio.to_thread(lambda: threading.current_thread().name))
    assert name.startswith("asyncio_")


def test_a_test_that_waits_for_nothing_fails_with_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proof.testing.clock.REAL_SECONDS", 0)
    with (
        asyncio.Runner(loop_factory=ControlledLoop) as runner,
        pytest.raises(
            RuntimeError, match=r"^the test hangs: every task waits for another$"
        ),
    ):
        runner.run(asyncio.Event().wait())


def test_what_is_measured_is_kept_as_the_ledger_wants_it() -> None:
    kept = Measured()
    kept.row("Peak", "requests", {"bounded": 3, "free": 12})
    kept.plot("Memory", "kB", over="items", sizes=(1, 2), values={"free": (3, 4)})
    assert kept.rows == [
        {"name": "Peak", "unit": "requests", "values": {"bounded": 3, "free": 12}}
    ]
    assert kept.growths == [
        {
            "name": "Memory",
            "unit": "kB",
            "over": "items",
            "sizes": [1, 2],
            "values": {"free": [3, 4]},
        }
    ]


def test_an_attack_is_told_in_words() -> None:
    told = Attack()
    told.sent("' OR 1=1")
    told.happened(["ada", "bob"])
    told.now(ValueError("no such name"))
    assert told.steps == [
        {"what": "sent", "text": "' OR 1=1"},
        {"what": "happened", "text": "['ada', 'bob']"},
        {"what": "now", "text": "ValueError: no such name"},
    ]


def test_evidence_is_kept_with_its_title() -> None:
    kept = Evidence()
    kept.add("Plan", "\nSeq Scan\n  Filter\n")
    assert kept.exhibits == [{"title": "Plan", "text": "Seq Scan\n  Filter"}]


def test_what_is_observed_is_kept_as_plain_text() -> None:
    kept = as_text(Markup("<b>"))
    assert (kept, type(kept)) == ("<b>", str)
