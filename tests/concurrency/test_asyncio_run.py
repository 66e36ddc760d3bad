import asyncio
import gc
import logging
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextvars import ContextVar
from decimal import Decimal
from typing import override

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import ControlledLoop
from snippets.concurrency import asyncio_run
from snippets.concurrency import asyncio_run_avoid as avoid
from snippets.concurrency.asyncio_run import main, rate_reader, rates

CLOSE_FAILED = (
    "snippets.concurrency.asyncio_run",
    logging.ERROR,
    "a connection to the bank was not closed",
)
RATES = {"USD": Decimal("1.08"), "JPY": Decimal("161.5")}


class Connection:
    """A client like most: a task of its own reads the answers."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.events: list[str] = ["opened"]
        self._asked: asyncio.Queue[tuple[str, asyncio.Future[Decimal]]] = (
            asyncio.Queue()
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                currency, answer = await self._asked.get()
                if currency in RATES:
                    answer.set_result(RATES[currency])
                else:
                    answer.set_exception(LookupError(currency))
        finally:
            self.events.append("reader ended")

    async def rate(self, currency: str) -> Decimal:
        if self._reader.done():
            message = "the connection is lost"
            raise ConnectionError(message)
        answer: asyncio.Future[Decimal] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((currency, answer))
        return await answer

    async def aclose(self) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])
        self.events.append("closed")


class Bank:
    """Opens connections, and keeps them for the test to look at."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        self.connections.append(Connection())
        return self.connections[-1]

    @property
    def events(self) -> list[str]:
        [connection] = self.connections
        return connection.events


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as if nothing in this process had used asyncio yet."""
    monkeypatch.setattr("asyncio.events._event_loop_policy", None)


@pytest.fixture
def ctrl_c_raises() -> Iterator[None]:
    """Handle SIGINT as a program does that was started from a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_core_is_awaited_and_closes_its_connection(bank: Bank) -> None:
    async def program() -> dict[str, Decimal]:
        return await rates(bank.connect, iter(("USD", "JPY")))

    assert list(asyncio.run(program()).items()) == list(RATES.items())
    assert bank.events == ["opened", "reader ended", "closed"]


def test_the_core_closes_its_connection_on_an_error(bank: Bank) -> None:
    with pytest.raises(LookupError, match=r"^XXX$"):
        asyncio.run(rates(bank.connect, ["XXX"]))
    assert bank.events == ["opened", "reader ended", "closed"]


def test_a_program_starts_one_loop_and_leaves_it_closed(bank: Bank) -> None:
    assert main(bank.connect, iter(("USD", "JPY"))) == "USD 1.08\nJPY 161.5"
    [connection] = bank.connections
    assert connection.loop.is_closed()


def test_code_that_cannot_await_looks_up_many_rates_over_one_connection(
    bank: Bank,
) -> None:
    with rate_reader(bank.connect) as rate:
        assert rate("USD") == Decimal("1.08")
        assert rate("JPY") == Decimal("161.5")
        assert bank.events == ["opened"]
    [connection] = bank.connections
    assert connection.events == ["opened", "reader ended", "closed"]
    assert connection.loop.is_closed()


def test_a_failed_lookup_reaches_the_caller_and_the_connection_lives_on(
    bank: Bank,
) -> None:
    with rate_reader(bank.connect) as rate:
        with pytest.raises(LookupError, match=r"^XXX$"):
            rate("XXX")
        assert rate("USD") == Decimal("1.08")


def test_the_connection_and_the_loop_are_closed_when_the_caller_fails(
    bank: Bank,
) -> None:
    with pytest.raises(ZeroDivisionError), rate_reader(bank.connect):
        raise ZeroDivisionError
    [connection] = bank.connections
    assert connection.events == ["opened", "reader ended", "closed"]
    assert connection.loop.is_closed()


class ClosesBadly(Bank):
    """Its connections raise, or hang, when they are closed."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    @override
    async def connect(self) -> Connection:
        error = self.error

        class Broken(Connection):
            @override
            async def aclose(self) -> None:
                await super().aclose()
                if error is None:
                    await asyncio.Event().wait()
                else:
                    raise error

        await asyncio.sleep(0)
        self.connections.append(Broken())
        return self.connections[-1]


@pytest.fixture(params=["raises", "hangs"])
def closes_badly(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> ClosesBadly:
    monkeypatch.setattr(asyncio_run, "CLOSE_SECONDS", 0)
    return ClosesBadly(RuntimeError("close") if request.param == "raises" else None)


def test_a_close_that_fails_or_hangs_is_logged_and_the_rates_are_kept(
    closes_badly: ClosesBadly, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(closes_badly.connect, ["USD"]) == "USD 1.08"
    assert caplog.record_tuples == [CLOSE_FAILED]


def test_a_close_that_fails_or_hangs_does_not_replace_the_callers_error(
    closes_badly: ClosesBadly, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LookupError, match=r"^XXX$"):
        asyncio.run(rates(closes_badly.connect, ["XXX"]))
    closes_badly.connections.clear()
    with pytest.raises(ZeroDivisionError), rate_reader(closes_badly.connect):
        raise ZeroDivisionError
    [connection] = closes_badly.connections
    assert connection.loop.is_closed()
    assert caplog.record_tuples == [CLOSE_FAILED] * 2


def test_a_close_that_fails_does_not_replace_a_cancellation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Slow(Connection):
        @override
        async def rate(self, currency: str) -> Decimal:
            await asyncio.Event().wait()
            return await super().rate(currency)

        @override
        async def aclose(self) -> None:
            await super().aclose()
            raise RuntimeError("close")

    async def connect() -> Slow:
        await asyncio.sleep(0)
        return Slow()

    async def program() -> bool:
        task = asyncio.create_task(rates(connect, ["USD"]))
        asyncio.get_running_loop().call_later(3600, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        assert runner.run(program())
    assert caplog.record_tuples == [CLOSE_FAILED]


def test_a_close_has_five_seconds() -> None:
    async def program() -> float:
        await rates(ClosesBadly(None).connect, ["USD"])
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        assert runner.run(program()) == 5


def test_where_a_loop_runs_the_reader_and_the_entry_refuse_to_start_another(
    bank: Bank,
) -> None:
    async def program() -> None:
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"called from a running event loop$"):
            main(bank.connect, ["USD"])
        with (
            pytest.raises(RuntimeError, match=r"another loop is running$"),
            rate_reader(bank.connect),
        ):
            raise AssertionError

    def run() -> None:
        asyncio.run(program())
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"was never awaited$"):
        run()
    assert bank.connections == []


def test_a_connection_that_cannot_be_opened_leaves_no_loop_behind() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def connect() -> Connection:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError), rate_reader(connect):
        raise AssertionError
    assert loops[0].is_closed()


def test_between_two_runs_of_a_runner_the_loop_stands_still() -> None:
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(len(ticks))
            await asyncio.sleep(0)

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(tick())
        await asyncio.sleep(0)
        return task

    with asyncio.Runner() as runner:
        task = runner.run(start())
        before = len(ticks)
        gc.collect()  # whatever happens here, no task goes on
        assert len(ticks) == before > 0
        runner.run(asyncio.sleep(0))
        assert len(ticks) > before
    assert task.cancelled()


def test_runs_of_a_runner_share_context_variables_and_calls_of_run_do_not() -> None:
    user = ContextVar("user", default="nobody")

    async def log_in() -> None:
        await asyncio.sleep(0)
        user.set("ada")

    async def who() -> str:
        await asyncio.sleep(0)
        return user.get()

    with asyncio.Runner() as runner:
        runner.run(log_in())
        assert runner.run(who()) == "ada"
    asyncio.run(log_in())
    assert asyncio.run(who()) == "nobody"


def test_run_cancels_what_is_left_and_waits_for_its_clean_up() -> None:
    events: list[str] = []

    async def heartbeat() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append("said goodbye")

    async def program() -> asyncio.Task[None]:
        task = asyncio.create_task(heartbeat())
        await asyncio.sleep(0)
        return task

    assert asyncio.run(program()).cancelled()
    assert events == ["said goodbye"]


def test_run_waits_for_the_threads_of_the_default_executor() -> None:
    ended: list[str] = []
    go_on = threading.Event()

    def export() -> None:
        go_on.wait(10)
        ended.append("export")

    async def program() -> list[asyncio.Future[None]]:
        loop = asyncio.get_running_loop()
        exports = [loop.run_in_executor(None, export)]
        await asyncio.sleep(0)
        loop.call_soon(go_on.set)
        return exports

    [exported] = asyncio.run(program())
    assert ended == ["export"]
    assert exported.done()


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_cancels_the_main_task_and_then_ends_the_run() -> None:
    events: list[str] = []

    async def program() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            events.append("cleaned up")
            raise

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(program())
    assert events == ["cleaned up"]


def test_every_thread_may_run_a_loop_of_its_own() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def inner() -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    async def outer() -> None:
        loops.append(asyncio.get_running_loop())
        await asyncio.to_thread(lambda: asyncio.run(inner()))

    asyncio.run(outer())
    assert loops[0] is not loops[1]


def test_a_loop_cannot_be_started_inside_a_running_loop(
    bank: Bank, observe: Observe
) -> None:
    def run() -> None:
        with pytest.raises(RuntimeError) as caught:
            asyncio.run(avoid.rates(bank.connect, ["USD"]))
        observe(caught.value)
        assert str(caught.value) == (
            "asyncio.run() cannot be called from a running event loop"
        )
        del caught  # it and the reader's task hold on to the coroutine
        bank.connections.clear()
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"Connection\.rate' was never awaited$"):
        run()


def test_what_starts_a_loop_works_only_until_somebody_awaits_its_caller(
    bank: Bank,
) -> None:
    class Instant:
        async def rate(self, currency: str) -> Decimal:
            await asyncio.sleep(0)
            return RATES[currency]

        async def aclose(self) -> None:
            raise AssertionError

    assert avoid.rate_now(Instant(), "USD") == Decimal("1.08")
    assert bank.connections == []


@pytest.mark.usefixtures("fresh_process")
def test_get_event_loop_only_warns_where_nothing_ran_before(
    bank: Bank, observe: Observe
) -> None:
    with pytest.warns(DeprecationWarning, match=r"no current event loop") as warned:
        assert avoid.main_on_any_loop(bank.connect, "USD") == Decimal("1.08")
    [warning] = warned
    observe(f"{warning.category.__name__}: {warning.message}")
    assert str(warning.message) == "There is no current event loop"
    close(bank)


@pytest.mark.usefixtures("fresh_process")
def test_get_event_loop_raises_once_anything_has_called_run(
    bank: Bank, observe: Observe
) -> None:
    asyncio.run(asyncio.sleep(0))
    with pytest.raises(RuntimeError) as caught:
        avoid.main_on_any_loop(bank.connect, "USD")
    observe(caught.value)
    assert str(caught.value).startswith("There is no current event loop in thread")


@pytest.mark.usefixtures("fresh_process")
def test_after_a_run_with_a_loop_factory_get_event_loop_still_only_warns(
    bank: Bank,
) -> None:
    asyncio.run(asyncio.sleep(0), loop_factory=asyncio.new_event_loop)
    with pytest.warns(DeprecationWarning, match=r"no current event loop"):
        assert avoid.main_on_any_loop(bank.connect, "USD") == Decimal("1.08")
    close(bank)


def test_get_event_loop_raises_in_every_other_thread(
    bank: Bank, observe: Observe
) -> None:
    errors: list[RuntimeError] = []

    def work() -> None:
        with pytest.raises(RuntimeError) as caught:
            avoid.main_on_any_loop(bank.connect, "USD")
        errors.append(caught.value)

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join(10)
    [error] = errors
    observe(error)
    assert str(error) == "There is no current event loop in thread 'worker'."


@pytest.mark.usefixtures("fresh_process")
def test_run_until_complete_leaves_tasks_behind_without_their_clean_up(
    bank: Bank, observe: Observe
) -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    assert avoid.main_on_any_loop(bank.connect, "USD") == Decimal("1.08")
    [connection] = bank.connections
    left = asyncio.all_tasks(connection.loop)
    observe(f"left: {len(left)} task; its clean-up ran: {len(bank.events) > 1}")
    assert len(left) == 1
    assert bank.events == ["opened"]
    assert not connection.loop.is_closed()
    close(bank)


def test_a_client_does_not_survive_the_loop_it_was_opened_in(
    bank: Bank, observe: Observe, caplog: pytest.LogCaptureFixture
) -> None:
    reader = avoid.RateReader(bank.connect)
    with pytest.raises(ConnectionError) as caught:
        reader.rate("USD")
    observe(caught.value)
    assert str(caught.value) == "the connection is lost"
    assert bank.events == ["opened", "reader ended"]
    reader.close()  # in a third loop: that fails as well
    assert bank.events == ["opened", "reader ended"]
    assert caplog.messages == ["a connection to the bank was not closed"]


def close(bank: Bank) -> None:
    """Do what the counterexample forgets."""
    [connection] = bank.connections
    goodbye: Coroutine[None, None, None] = connection.aclose()
    connection.loop.run_until_complete(goodbye)
    connection.loop.close()
