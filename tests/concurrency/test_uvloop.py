import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import uvloop

from proof.testing.basics import Observe, untyped
from proof.testing.record import Measured, undisturbed
from snippets.concurrency import uvloop as snippet
from snippets.concurrency.uvloop import NewLoop, preferred, run, speedup

OWN, OTHER = "asyncio.unix_events", "uvloop"
AVOID = "snippets.concurrency.uvloop_avoid"

on_both = pytest.mark.parametrize(
    "new_loop",
    [
        pytest.param(asyncio.EventLoop, id="asyncio"),
        pytest.param(uvloop.new_event_loop, id="uvloop"),
    ],
)


@pytest.fixture
def without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    path = [each for each in sys.path if not Path(each, "uvloop").is_dir()]
    monkeypatch.setattr(sys, "path", path)
    for name in [name for name in sys.modules if "uvloop" in name.split(".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, AVOID, raising=False)


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the process's policy back in the end, whatever a test made of it."""
    monkeypatch.setattr("asyncio.events._event_loop_policy", None)


@pytest.fixture
def cpu_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count the processor's time, which other programs don't lengthen."""
    monkeypatch.setattr(snippet, "perf_counter", time.process_time)
    with undisturbed():
        yield


async def loop_of_this_service() -> str:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__


async def echo(size: int, times: int) -> int:
    """Send messages to an echo server and back; return how many bytes came back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(2**16):
            writer.write(received)
            await writer.drain()
        writer.close()
        closed.set()

    closed = asyncio.Event()
    came_back = 0
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(times):
            writer.write(b"x" * size)
            await writer.drain()
            came_back += len(await reader.readexactly(size))
        writer.close()
        await writer.wait_closed()
        await closed.wait()
    return came_back


def test_a_program_runs_on_uvloop() -> None:
    assert run(loop_of_this_service()) == OTHER


def test_a_program_runs_on_the_loop_that_measured_better() -> None:
    assert run(loop_of_this_service(), asyncio.EventLoop) == OWN


@on_both
def test_the_log_says_which_loop_serves(
    new_loop: NewLoop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "snippets.concurrency.uvloop"):
        served = run(loop_of_this_service(), new_loop)
    assert caplog.messages == [f"event loop: {served}"]


@on_both
def test_the_loop_is_closed_when_the_program_has_failed(new_loop: NewLoop) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        raise LookupError

    with pytest.raises(LookupError):
        run(fail(), new_loop)
    assert loops[0].is_closed()


def test_no_other_loop_of_the_process_is_touched() -> None:
    run(loop_of_this_service())
    assert asyncio.run(loop_of_this_service()) == OWN


@pytest.mark.usefixtures("without_uvloop")
def test_where_uvloop_is_missing_asyncio_serves() -> None:
    elsewhere = untyped("snippets.concurrency.uvloop")
    assert elsewhere.preferred is asyncio.EventLoop
    assert elsewhere.run(loop_of_this_service()) == OWN


def test_where_uvloop_is_there_it_is_preferred() -> None:
    assert preferred is uvloop.new_event_loop


@pytest.mark.parametrize("rounds", [0, -1])
def test_a_speedup_of_no_rounds_is_refused(rounds: int) -> None:
    with pytest.raises(ValueError, match="rounds must be") as refused:
        speedup(loop_of_this_service, rounds=rounds)
    assert str(refused.value) == f"rounds must be at least 1, not {rounds}"


def test_work_that_takes_no_time_has_no_speedup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snippet, "perf_counter", lambda: 1.0)
    with pytest.raises(ZeroDivisionError):
        speedup(loop_of_this_service, rounds=1)


@on_both
def test_what_the_program_raises_passes_through(new_loop: NewLoop) -> None:
    async def leave() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    with pytest.raises(SystemExit) as left:
        run(leave(), new_loop)
    assert left.value.code == 3


def test_the_speedup_compares_the_best_rounds_taken_in_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    served: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []
    durations = iter([3.0, 1.5, 2.0, 1.0, 4.0, 2.5])

    async def work() -> None:
        nonlocal now
        now += next(durations)
        served.append(await loop_of_this_service())
        loops.append(asyncio.get_running_loop())

    monkeypatch.setattr(snippet, "perf_counter", lambda: now)
    assert speedup(work, rounds=3) == 2.0
    assert served == [OWN, OTHER] * 3
    assert all(loop.is_closed() for loop in loops)


def test_the_speedup_is_measured_over_nine_rounds() -> None:
    served: list[str] = []

    async def work() -> None:
        served.append(await loop_of_this_service())

    assert speedup(work, asyncio.EventLoop) > 0
    assert served == [OWN] * 18


@pytest.mark.usefixtures("policy")
def test_the_comparison_is_with_asyncios_own_loop_whatever_the_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[str] = []

    async def work() -> None:
        served.append(await loop_of_this_service())

    monkeypatch.setattr("asyncio.events._event_loop_policy", uvloop.EventLoopPolicy())
    speedup(work, rounds=1)
    assert served == [OWN, OTHER]
    assert asyncio.run(loop_of_this_service()) == OTHER


@on_both
def test_tasks_and_futures_are_cpythons_on_either_loop(new_loop: NewLoop) -> None:
    async def kinds() -> tuple[type, type]:
        await asyncio.sleep(0)
        future = asyncio.get_running_loop().create_future()
        return type(asyncio.current_task()), type(future)

    assert run(kinds(), new_loop) == (asyncio.Task, asyncio.Future)


@pytest.mark.parametrize(
    ("new_loop", "module"),
    [
        pytest.param(asyncio.EventLoop, "asyncio.selector_events", id="asyncio"),
        pytest.param(uvloop.new_event_loop, "uvloop.loop", id="uvloop"),
    ],
)
def test_the_transports_are_the_loops_own(new_loop: NewLoop, module: str) -> None:
    async def transport() -> str:
        here, there = socket.socketpair()
        with there:
            _, writer = await asyncio.open_connection(sock=here)
            writer.close()
            await writer.wait_closed()
        return type(writer.transport).__module__

    assert run(transport(), new_loop) == module


def test_a_name_lookup_on_uvloop_needs_no_thread_of_the_default_executor() -> None:
    async def look_up() -> int:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        release = Event()
        holding = asyncio.create_task(asyncio.to_thread(release.wait, 10))
        await asyncio.sleep(0)
        found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        assert not holding.done()
        release.set()
        assert await holding
        return len(found)

    assert run(look_up()) == 1


@pytest.mark.parametrize(
    ("new_loop", "kinds"),
    [
        pytest.param(asyncio.EventLoop, ["TimerHandle", "TimerHandle"], id="asyncio"),
        pytest.param(uvloop.new_event_loop, ["Handle", "TimerHandle"], id="uvloop"),
    ],
)
def test_uvloop_takes_less_than_half_a_millisecond_for_no_wait(
    new_loop: NewLoop, kinds: list[str]
) -> None:
    async def wait() -> list[str]:
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        handles = [loop.call_later(delay, str) for delay in (0.0004, 0.0006)]
        return [type(handle).__name__ for handle in handles]

    assert run(wait(), new_loop) == kinds


@pytest.mark.usefixtures("cpu_time")
def test_a_computation_costs_the_same_on_either_loop(measured: Measured) -> None:
    async def compute() -> int:
        await asyncio.sleep(0)
        return sum(number * number for number in range(30_000))

    ratio = speedup(compute)
    measured.row(
        "Computation per second of the processor",
        "times as much as on asyncio's own loop",
        {"uvloop": ratio},
    )
    assert 0.5 < ratio < 2


@pytest.mark.usefixtures("cpu_time")
def test_what_a_switch_between_tasks_gains_is_measured_here(measured: Measured) -> None:
    async def switch() -> None:
        for _ in range(1000):
            await asyncio.sleep(0)

    ratio = speedup(switch)
    measured.row(
        "Switches between tasks per second of the processor",
        "times as many as on asyncio's own loop",
        {"uvloop": ratio},
    )
    assert 0.1 < ratio < 100


@pytest.mark.usefixtures("cpu_time")
def test_what_an_echo_gains_is_measured_here_for_each_size(measured: Measured) -> None:
    sizes = [64, 1024, 16_384, 65_536, 262_144]
    came_back: list[int] = []

    def work(size: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def echoes() -> None:
            came_back.append(await echo(size, times=30))

        return echoes

    ratios = [speedup(work(size), rounds=5) for size in sizes]
    measured.plot(
        "Echoes per second of the processor, asyncio's own loop being 1",
        "times as many",
        over="bytes",
        sizes=sizes,
        values={"uvloop": ratios, "asyncio": [1.0] * len(sizes)},
    )
    assert came_back == [30 * size for size in sizes for _ in range(10)]
    assert all(0.05 < ratio < 50 for ratio in ratios)


@pytest.mark.usefixtures("without_uvloop")
def test_without_uvloop_a_module_that_imports_it_cannot_be_imported(
    observe: Observe,
) -> None:
    with pytest.raises(ModuleNotFoundError) as refused:
        untyped(AVOID)
    observe(refused.value)
    assert str(refused.value) == "No module named 'uvloop'"


@pytest.mark.usefixtures("policy")
def test_a_policy_changes_every_later_loop_of_the_process(observe: Observe) -> None:
    avoid = untyped(AVOID)
    before = asyncio.run(loop_of_this_service())
    avoid.run(loop_of_this_service())
    after = asyncio.run(loop_of_this_service())
    observe(f"asyncio.run elsewhere: {before} before, {after} after")
    assert (before, after) == (OWN, OTHER)


@pytest.mark.usefixtures("policy")
def test_installed_by_the_running_program_it_changes_nothing_for_it(
    observe: Observe,
) -> None:
    avoid = untyped(AVOID)

    async def main() -> str:
        stopped = asyncio.Event()
        stopped.set()
        served: str = await avoid.serve(stopped)
        return served

    with pytest.warns(DeprecationWarning, match="in favor of uvloop.run"):
        served = asyncio.run(main())
    observe(f"still on {served}")
    assert served == OWN
