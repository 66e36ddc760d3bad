import asyncio
import faulthandler
import gc
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
from asyncio import StreamWriter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from snippets.concurrency import graceful_shutdown
from snippets.concurrency.graceful_shutdown import Answer, Shop, serve
from snippets.concurrency.graceful_shutdown_avoid import serve_until_all_have_left

ROOT = Path(__file__).parents[2]
TOO_LONG_SECONDS = 30
TURNS = 50
LOOPBACK = "127.0.0.1"

# A shop that takes one order and answers it when something comes on stdin.
CHILD = """
import asyncio, importlib, logging, os, socket, sys, time
from coverage import Coverage

if measured := Coverage.current():
    test = os.environ["PYTEST_CURRENT_TEST"].removesuffix(" (call)")
    measured.switch_context(f"{test}|run")

class Shop:
    async def __aenter__(self):
        return self.answer

    async def __aexit__(self, *_):
        if hangs == "close":
            await asyncio.sleep(3600)
        print("shop closed", flush=True)

    async def answer(self, order):
        if measured:
            measured.save()  # a process that is killed doesn't
        may_answer = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, may_answer.set)
        if hangs == "thread":
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
        print("in flight", flush=True)
        await may_answer.wait()
        asyncio.get_running_loop().remove_reader(sys.stdin)
        print("answered", flush=True)
        return b"packed " + order

_, module, function, hangs = sys.argv
logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
imported = importlib.import_module(f"snippets.concurrency.{module}")
if hangs:
    imported.GRACE_SECONDS, imported.CLOSE_SECONDS = 0.1, 0.4
serve = getattr(imported, function)
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
sys.exit(asyncio.run(serve(listening, Shop())) is False)
"""


@dataclass
class End:
    """What was seen of a process that got SIGTERM with an order in flight."""

    code: int
    told: list[str]
    reply: bytes
    refused: bool
    errors: str = field(default="", compare=False)


def refuses(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), TOO_LONG_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def terminate_with_an_order_in_flight(
    module: str, function: str, *, hangs: str = ""
) -> End:
    with subprocess.Popen(  # noqa: S603 - the interpreter itself, with text from here
        [sys.executable, "-c", CHILD, module, function, hangs],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as child:
        limit = Timer(TOO_LONG_SECONDS, child.kill)
        limit.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stderr is not None
            port = int(child.stdout.readline())
            with socket.create_connection((LOOPBACK, port), TOO_LONG_SECONDS) as client:
                client.sendall(b"a lamp\n")
                told = [child.stdout.readline()]
                child.send_signal(signal.SIGTERM)
                told.append(child.stdout.readline())
                refused = refuses(port)
                with suppress(BrokenPipeError):  # it may have ended
                    child.stdin.write("answer\n")
                    child.stdin.flush()
                reply = receive(client)
            with suppress(BrokenPipeError):
                child.stdin.close()
            told += child.stdout.readlines()
            errors = child.stderr.read()
            code = child.wait()
        finally:
            limit.cancel()
            child.kill()
    return End(code, [line.strip() for line in told if line], reply, refused, errors)


def receive(client: socket.socket) -> bytes:
    """Read to the end; a reset is one as well."""
    received = b""
    with suppress(ConnectionResetError):
        while data := client.recv(4096):
            received += data
    return received


class Bench:
    """A shop in this process: what it did, and a gate that holds an order back."""

    def __init__(self) -> None:
        self.did = list[str]()
        self.in_flight = asyncio.Event()
        self.gate = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Answer]:
        self.did.append("opens")
        try:
            yield self.answer
        finally:
            self.did.append("closes")

    async def answer(self, order: bytes) -> bytes:
        name = order.decode().strip()
        self.did.append(f"takes {name}")
        match name:
            case "held":
                self.in_flight.set()
                await self.gate.wait()
            case "bad":
                message = "no such thing"
                raise ValueError(message)
            case "big":
                self.in_flight.set()
                return BIG
            case _:
                pass
        self.did.append(f"answers {name}")
        return b"packed " + order


BIG = b"." * 60_000 + b"\n"  # less than what drain() waits for, more than the socket's
SMALL = 4096

type Serve = Callable[[socket.socket, Shop], Coroutine[Any, Any, bool | None]]


@dataclass
class Running:
    task: asyncio.Task[bool | None]
    listening: socket.socket
    port: int

    async def terminate(self, number: int = signal.SIGTERM) -> None:
        """Send the signal; soon the port is closed."""
        os.kill(os.getpid(), number)
        await turn()
        assert self.listening.fileno() == -1


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture(autouse=True)
def spared() -> Generator[None]:
    """Let no signal that nobody handles end the tests."""

    def refuse(*_: object) -> None:
        message = "nobody handled the signal"
        raise AssertionError(message)

    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.signal(number, refuse) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def last_moments(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, bool]]:
    """Keep the watchdog from this process, and what it was told."""
    told = list[tuple[float, bool]]()

    def note(seconds: float, **options: bool) -> None:
        told.append((seconds, options == {"exit": True}))

    monkeypatch.setattr(faulthandler, "dump_traceback_later", note)
    return told


@asynccontextmanager
async def running(shop: Bench, run: Serve = serve) -> AsyncGenerator[Running]:
    listening = socket.create_server((LOOPBACK, 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    port: int = listening.getsockname()[1]
    async with asyncio.timeout(TOO_LONG_SECONDS):
        task = asyncio.create_task(run(listening, shop.open()))
        try:
            yield Running(task, listening, port)
        finally:
            task.cancel()
            await asyncio.wait([task])


class Client:
    """One connection, that reads only when it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.connection, data)

    async def receive(self, size: int) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.sock_recv(self.connection, size)
        except ConnectionResetError:
            return b""

    async def rest(self) -> bytes:
        """Read until the server has closed the connection."""
        received = b""
        while data := await self.receive(SMALL):
            received += data
        return received

    def vanish(self) -> None:
        """Close so that the server gets a reset, as from a machine that died."""
        no_linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self.connection.close()


@asynccontextmanager
async def connect(server: Running) -> AsyncGenerator[Client]:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.settimeout(0)
        address = (LOOPBACK, server.port)
        await asyncio.get_running_loop().sock_connect(connection, address)
        yield Client(connection)


async def turn() -> None:
    """Give the loop time for whatever it wants to do."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def test_the_order_in_flight_finishes_and_new_clients_are_refused() -> None:
    end = terminate_with_an_order_in_flight("graceful_shutdown", "serve")
    assert end.reply == b"packed a lamp\n"
    assert end.refused
    assert end.code == 0
    assert end.told == [
        "in flight",
        "no new clients; 15 s for the orders in flight",
        "answered",
        "shop closed",
    ]


@pytest.mark.parametrize(
    ("hangs", "place"), [("close", "selectors.py"), ("thread", "futures/thread.py")]
)
def test_a_process_that_hangs_after_the_orders_exits_and_says_where(
    hangs: str, place: str
) -> None:
    end = terminate_with_an_order_in_flight("graceful_shutdown", "serve", hangs=hangs)
    assert end.code == 1
    assert end.errors.startswith("Timeout (0:00:00.5")
    assert place in end.errors


@pytest.mark.anyio
async def test_the_process_has_twenty_seconds_from_the_signal_on(
    last_moments: list[tuple[float, bool]],
) -> None:
    async with running(Bench()) as server:
        await turn()
        assert last_moments == []
        await server.terminate()
        assert await server.task is True
    assert last_moments == [(20, True)]


@pytest.mark.anyio
async def test_a_second_signal_neither_hurries_nor_delays_the_end(
    last_moments: list[tuple[float, bool]],
) -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"held\n")
        await shop.in_flight.wait()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            await server.terminate(number)
        assert not server.task.done()
        shop.gate.set()
        assert await client.rest() == b"packed held\n"
        assert await server.task is True
    assert last_moments == [(20, True)]
    assert shop.did == ["opens", "takes held", "answers held", "closes"]


@pytest.mark.anyio
async def test_a_signal_that_comes_before_the_port_is_open_ends_it_as_well() -> None:
    shop = Bench()
    async with running(shop) as server:
        await asyncio.sleep(0)
        await server.terminate()
        assert await server.task is True
    assert shop.did == ["opens", "closes"]


@pytest.mark.anyio
async def test_an_order_of_a_megabyte_costs_one_client_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            await client.send(b"x" * 2**20)
        assert await client.rest() == b""
        assert not server.task.done()
    assert caplog.messages == ["a client was lost"]
    assert shop.did == ["opens", "closes"]


@pytest.mark.anyio
async def test_a_port_that_cannot_be_served_is_an_error_and_the_shop_closes() -> None:
    shop = Bench()
    listening = socket.create_server((LOOPBACK, 0))
    listening.close()
    with pytest.RaisesGroup(OSError):
        await serve(listening, shop.open())
    assert shop.did == ["opens", "closes"]


def test_outside_the_main_thread_it_serves_nothing() -> None:
    shop, refused = Bench(), list[str]()

    def in_a_thread() -> None:
        with socket.socket() as listening, pytest.raises(RuntimeError) as error:
            asyncio.run(serve(listening, shop.open()))
        refused.append(str(error.value))

    thread = Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert refused == [
        "set_wakeup_fd only works in main thread of the main interpreter"
    ]
    assert shop.did == []


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_shop_closes_after_the_last_answer(number: int) -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"held\n")
        await shop.in_flight.wait()
        await server.terminate(number)
        await turn()
        assert not server.task.done()
        shop.gate.set()
        assert await client.rest() == b"packed held\n"
        assert await server.task is True
    assert shop.did == ["opens", "takes held", "answers held", "closes"]


@pytest.mark.anyio
async def test_the_deadline_does_not_begin_before_the_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Bench()
    loop = asyncio.get_running_loop()
    now = loop.time
    async with running(shop) as server, connect(server) as client:
        await turn()
        monkeypatch.setattr(loop, "time", lambda: now() + TOO_LONG_SECONDS - 5)
        await turn()
        await client.send(b"pen\n")
        assert await client.receive(SMALL) == b"packed pen\n"
        await server.terminate()
        assert await server.task is True


@pytest.mark.anyio
async def test_clients_without_an_order_are_let_go_at_once() -> None:
    shop = Bench()
    async with (
        running(shop) as server,
        connect(server) as new,
        connect(server) as served,
        connect(server) as half,
    ):
        await half.send(b"a lamp, and")
        for _ in range(2):
            await served.send(b"pen\n")
            assert await served.receive(SMALL) == b"packed pen\n"
        await server.terminate()
        for client in (new, served, half):
            assert await client.rest() == b""
        assert await server.task is True
    assert shop.did == ["opens", *["takes pen", "answers pen"] * 2, "closes"]


@pytest.mark.anyio
async def test_a_client_is_let_go_after_the_answer_in_flight() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"held\nnext\n")
        await shop.in_flight.wait()
        await server.terminate()
        shop.gate.set()
        assert await client.rest() == b"packed held\n"
        assert await server.task is True
    assert "takes next" not in shop.did


@pytest.mark.anyio
@pytest.mark.parametrize("turns", range(6))
async def test_an_order_that_meets_the_signal_is_answered_or_never_taken(
    turns: int,
) -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"first\n")
        await client.receive(SMALL)
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(turns):
            await asyncio.sleep(0)
        with suppress(BrokenPipeError, ConnectionResetError):
            await client.send(b"lamp\n")
        answered = await client.rest() == b"packed lamp\n"
        assert await server.task is True
    assert answered == ("takes lamp" in shop.did)


@pytest.mark.anyio
async def test_half_an_order_is_no_order() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"a lamp, and")
        client.connection.shutdown(socket.SHUT_WR)
        assert await client.rest() == b""
    assert shop.did == ["opens", "closes"]


@pytest.mark.anyio
async def test_the_last_byte_of_an_answer_is_sent_before_the_end() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"big\n")
        await shop.in_flight.wait()
        await turn()
        await server.terminate()
        await turn()
        assert not server.task.done()
        assert await client.rest() == BIG
        assert await server.task is True


@pytest.mark.anyio
async def test_a_client_that_reads_no_answer_gets_no_further_orders_taken() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"big\n" * 5)
        await shop.in_flight.wait()
        await turn()
        assert shop.did.count("takes big") < 5


@pytest.mark.anyio
async def test_a_client_that_was_cut_off_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)  # a record's traceback would hold the writer
    async with running(Bench()) as server:
        async with connect(server) as client:
            await client.send(b"pen\n")
            await client.receive(SMALL)
            client.vanish()
        await turn()
        gc.collect()
        assert not [each for each in gc.get_objects() if type(each) is StreamWriter]


@pytest.mark.anyio
async def test_when_the_time_is_up_the_orders_in_flight_are_given_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graceful_shutdown, "GRACE_SECONDS", 0)
    shop = Bench()
    async with (
        running(shop) as server,
        connect(server) as client,
        connect(server) as slow,
    ):
        await slow.send(b"big\n")
        await shop.in_flight.wait()
        shop.in_flight.clear()
        await client.send(b"held\n")
        await shop.in_flight.wait()
        await server.terminate()
        assert await server.task is False
        assert await client.rest() == b""
        assert len(await slow.rest()) < len(BIG)
    assert "answers held" not in shop.did
    assert shop.did[-1] == "closes"
    [record] = caplog.records
    assert record.name == "snippets.concurrency.graceful_shutdown"
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "orders in flight given up after 0 s"


@pytest.mark.anyio
async def test_an_order_whose_client_has_gone_is_finished_as_well() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"held\n")
        await shop.in_flight.wait()
        client.vanish()
        await turn()
        await server.terminate()
        await turn()
        assert not server.task.done()
        shop.gate.set()
        assert await server.task is True
    assert shop.did == ["opens", "takes held", "answers held", "closes"]


@pytest.mark.anyio
async def test_an_order_that_fails_costs_one_client_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Bench()
    async with (
        running(shop) as server,
        connect(server) as client,
        connect(server) as other,
    ):
        await client.send(b"bad\n")
        assert await client.rest() == b""
        await other.send(b"lamp\n")
        assert await other.receive(SMALL) == b"packed lamp\n"
    [record] = caplog.records
    assert record.name == "snippets.concurrency.graceful_shutdown"
    assert record.getMessage() == "a client was lost"
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == "ValueError('no such thing')"


@pytest.mark.anyio
async def test_cancelled_from_outside_it_closes_the_port_and_the_shop() -> None:
    shop = Bench()
    async with running(shop) as server, connect(server) as client:
        await client.send(b"held\n")
        await shop.in_flight.wait()
        server.task.cancel()
        await asyncio.wait([server.task])
        assert server.task.cancelled()
        assert server.listening.fileno() == -1
        assert await client.rest() == b""
    assert shop.did == ["opens", "takes held", "closes"]


def test_a_connection_that_nobody_has_accepted_yet_is_reset() -> None:
    listening = socket.create_server((LOOPBACK, 0))
    address = listening.getsockname()
    with socket.create_connection(address, TOO_LONG_SECONDS) as client:
        listening.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_the_process_is_killed_with_an_order_in_flight(observe: Observe) -> None:
    module = "graceful_shutdown_avoid"
    end = terminate_with_an_order_in_flight(module, "serve_until_killed")
    observe(f"exit code {end.code}, reply {end.reply!r}, shop not closed")
    assert end == End(-signal.SIGTERM, ["in flight"], b"", refused=True)


def test_an_exit_in_the_handler_drops_the_order_and_reports_success(
    observe: Observe,
) -> None:
    module = "graceful_shutdown_avoid"
    end = terminate_with_an_order_in_flight(module, "serve_until_exit")
    observe(f"exit code {end.code}, reply {end.reply!r}")
    assert end.code == 0
    assert end.reply == b""
    assert "answered" not in end.told


@pytest.mark.anyio
async def test_one_client_that_stays_keeps_the_process_from_ending(
    observe: Observe,
) -> None:
    shop = Bench()
    async with running(shop, serve_until_all_have_left) as server:
        async with connect(server) as client:
            await client.send(b"lamp\n")
            assert await client.receive(SMALL) == b"packed lamp\n"
            await server.terminate()
            await turn()
            observe("the port is closed, and one idle client is waited for")
            assert not server.task.done()
        await server.task
    assert shop.did[-1] == "closes"
