import asyncio
import functools
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import aiohttp.connector
import httpcore2
import httpx2
import pytest

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Measured
from snippets.concurrency import http_clients_avoid
from snippets.concurrency.http_clients import (
    aiohttp_price,
    aiohttp_session,
    httpx2_client,
    httpx2_price,
)

pytestmark = pytest.mark.anyio

PRICE = b"1299"

type Ask = Callable[[str], Coroutine[Any, Any, int]]
type Library = Callable[[str], AbstractAsyncContextManager[Ask]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


load_certificates = functools.cache(httpcore2.default_ssl_context)


@pytest.fixture(autouse=True)
def certificates_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests what the page warns of: it takes most of their time."""
    monkeypatch.setattr(httpcore2, "default_ssl_context", load_certificates)


class Clock:
    """The real clock, put forward by a test: an hour of silence takes no time."""

    ahead = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock, monotonic = Clock(), time.monotonic

    def later() -> float:
        return monotonic() + clock.ahead

    monkeypatch.setattr(time, "monotonic", later)  # the loop's and httpx2's
    monkeypatch.setattr(aiohttp.connector, "monotonic", later)
    yield clock
    monkeypatch.undo()


def answer(body: bytes = PRICE, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def turns() -> None:
    """Let all that is ready go on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Supplier:
    """An HTTP/1.1 server that keeps connections open, and counts them."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.accepted = 0
        self.behave: Callable[[asyncio.StreamWriter], Awaitable[None]] = self.at_once
        self._news = asyncio.Condition()
        self._serving: set[asyncio.Task[None] | None] = set()

    @property
    def asked_for(self) -> list[tuple[str, str, dict[str, list[str]]]]:
        """Each request's method, path and query."""
        lines = [each.split(" ", 2) for each in self.requests]
        targets = [(method, urlsplit(target)) for method, target, _ in lines]
        return [(method, each.path, parse_qs(each.query)) for method, each in targets]

    async def at_once(self, writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        await writer.drain()

    async def silent(self, _: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._serving.add(asyncio.current_task())
        self.accepted += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.decode())
                async with self._news:
                    self._news.notify_all()
                await self.behave(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has closed it
        finally:
            writer.close()

    async def asked(self, times: int) -> None:
        """Wait until so many requests have come in all."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.requests) >= times)

    async def end(self) -> None:
        await turns()
        for task in self._serving:
            if task:
                task.cancel()
        await asyncio.gather(*filter(None, self._serving), return_exceptions=True)


@pytest.fixture
async def supplier(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Supplier]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    supplier = Supplier()
    server = await asyncio.start_server(supplier.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    supplier.url = f"http://{host}:{port}"
    async with server:
        yield supplier
        server.close()
        await supplier.end()


@asynccontextmanager
async def by_httpx2(url: str) -> AsyncGenerator[Ask]:
    async with httpx2_client(url) as client:
        yield partial(httpx2_price, client)


@asynccontextmanager
async def by_aiohttp(url: str) -> AsyncGenerator[Ask]:
    async with aiohttp_session(url) as session:
        yield partial(aiohttp_price, session)


@asynccontextmanager
async def by_a_new_httpx2_client(url: str) -> AsyncGenerator[Ask]:
    yield partial(http_clients_avoid.httpx2_price, url)
    await turns()


@asynccontextmanager
async def by_a_new_aiohttp_session(url: str) -> AsyncGenerator[Ask]:
    yield partial(http_clients_avoid.aiohttp_price, url)
    await turns()


def saying(body: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body))
        await writer.drain()

    return say


both = pytest.mark.parametrize(
    "library",
    [pytest.param(by_httpx2, id="httpx2"), pytest.param(by_aiohttp, id="aiohttp")],
)


@both
async def test_one_client_asks_ten_times_over_one_connection(
    library: Library, supplier: Supplier
) -> None:
    async with library(supplier.url) as ask:
        prices = [await ask("lamp") for _ in range(10)]
    assert prices == [1299] * 10
    assert supplier.accepted == 1


@both
async def test_an_article_reaches_the_supplier_as_it_is(
    library: Library, supplier: Supplier
) -> None:
    async with library(supplier.url) as ask:
        await ask("lamp & shade?")
    assert supplier.asked_for == [("GET", "/price", {"article": ["lamp & shade?"]})]


@both
@pytest.mark.parametrize("base", ["/api/v2", "/api/v2/"])
async def test_a_path_in_the_suppliers_address_is_kept(
    library: Library, supplier: Supplier, base: str
) -> None:
    async with library(supplier.url + base) as ask:
        await ask("lamp")
    assert supplier.asked_for == [("GET", "/api/v2/price", {"article": ["lamp"]})]


UNASKABLE = ["", "x" * 201, "\u00e9" * 101, "\ud800lamp"]
everyone = pytest.mark.parametrize(
    "library",
    [
        pytest.param(by_httpx2, id="httpx2"),
        pytest.param(by_aiohttp, id="aiohttp"),
        pytest.param(by_a_new_httpx2_client, id="new httpx2 client"),
        pytest.param(by_a_new_aiohttp_session, id="new aiohttp session"),
    ],
)


@everyone
async def test_an_article_that_cannot_be_sent_as_it_is_is_not_asked_for(
    library: Library, supplier: Supplier
) -> None:
    async with library(supplier.url) as ask:
        for article in UNASKABLE:
            with pytest.raises(ValueError, match=r"1 to 200 bytes|surrogates"):
                await ask(article)
        assert await ask("\u00e9" * 100) == 1299
    assert len(supplier.requests) == 1


@everyone
@pytest.mark.parametrize(
    "body",
    ["", "-1", "1_000", " 12", "12.5", "1e3", "\u0661\u0662", "9" * 10, "9" * 10**6],
    ids=range(9),
)
async def test_an_answer_that_is_not_digits_alone_is_not_a_price(
    library: Library, supplier: Supplier, body: str
) -> None:
    supplier.behave = saying(body.encode())
    async with library(supplier.url) as ask:
        with pytest.raises(ValueError, match="not a price") as refused:
            await ask("lamp")
    assert str(refused.value) == f"not a price: {body[:20]!r}"


async def test_aiohttp_leaves_out_what_it_cannot_encode(supplier: Supplier) -> None:
    async with aiohttp_session(supplier.url) as session:
        await session.get("price", params={"article": "\ud800lamp"})
    assert supplier.asked_for == [("GET", "/price", {"article": ["lamp"]})]


@both
async def test_nine_digits_are_a_price(library: Library, supplier: Supplier) -> None:
    supplier.behave = saying(b"9" * 9)
    async with library(supplier.url) as ask:
        assert await ask("a") == 999_999_999


@pytest.mark.parametrize(
    ("library", "raised"),
    [
        pytest.param(by_httpx2, httpx2.HTTPStatusError, id="httpx2"),
        pytest.param(by_aiohttp, aiohttp.TooManyRedirects, id="aiohttp"),
    ],
)
async def test_a_redirect_is_not_followed(
    library: Library, raised: type[Exception], supplier: Supplier
) -> None:
    redirect = answer(PRICE, "Location: /elsewhere", status="302 Found")

    async def send_away(writer: asyncio.StreamWriter) -> None:
        writer.write(redirect if len(supplier.requests) == 1 else answer())
        await writer.drain()

    supplier.behave = send_away
    async with library(supplier.url) as ask:
        with pytest.raises(raised):
            await ask("lamp")
    assert len(supplier.requests) == 1


@both
async def test_a_proxy_of_the_environment_is_not_used(
    library: Library, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with library(supplier.url) as ask:
        assert await ask("lamp") == 1299


@both
async def test_a_certificate_is_demanded_and_compared_with_the_suppliers_name(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    demanded: list[tuple[ssl.VerifyMode, bool]] = []
    original = ssl.SSLContext.wrap_bio

    def look(
        self: ssl.SSLContext,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        *,
        server_hostname: str | bytes | None,
        **_: object,
    ) -> ssl.SSLObject:
        demanded.append((self.verify_mode, self.check_hostname))
        return original(self, incoming, outgoing, server_hostname=server_hostname)

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", look)
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        _, port = server.sockets[0].getsockname()
        async with library(f"https://127.0.0.1:{port}") as ask:
            with pytest.raises((httpx2.HTTPError, aiohttp.ClientError)):
                await ask("lamp")
    assert demanded == [(ssl.CERT_REQUIRED, True)]


@pytest.mark.parametrize(
    ("supplier", "raised"),
    [
        ("\x00", httpx2.InvalidURL),
        ("http://[::1", httpx2.InvalidURL),
        ("\ud800", ValueError),
    ],
)
def test_httpx2_refuses_an_address_that_is_no_url(
    supplier: str, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        httpx2_client(supplier)


@pytest.mark.parametrize("supplier", ["", "\x00", "http://[::1", "http://x:99999"])
async def test_aiohttp_refuses_an_address_that_is_no_url(supplier: str) -> None:
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match=r"absolute|IPv6|Port"):
        aiohttp_session(supplier)


@both
async def test_a_burst_shares_twenty_connections(
    library: Library, supplier: Supplier
) -> None:
    everybody = asyncio.Event()

    async def when_twenty_ask(writer: asyncio.StreamWriter) -> None:
        if len(supplier.requests) == 20:
            everybody.set()
        await everybody.wait()
        await supplier.at_once(writer)

    supplier.behave = when_twenty_ask
    async with library(supplier.url) as ask, asyncio.TaskGroup() as group:
        asked = [group.create_task(ask("lamp")) for _ in range(40)]
    assert [each.result() for each in asked] == [1299] * 40
    assert supplier.accepted == 20


@both
async def test_an_idle_connection_is_kept_for_four_seconds(
    library: Library, clock: Clock, supplier: Supplier
) -> None:
    async with library(supplier.url) as ask:
        await ask("lamp")
        clock.ahead += 3.5
        await ask("lamp")
        accepted_in_time = supplier.accepted
        clock.ahead += 4.1
        await ask("lamp")
    assert (accepted_in_time, supplier.accepted) == (1, 2)


@pytest.mark.parametrize(
    ("library", "raised"),
    [
        pytest.param(by_httpx2, httpx2.ReadTimeout, id="httpx2"),
        pytest.param(by_aiohttp, aiohttp.SocketTimeoutError, id="aiohttp"),
    ],
)
async def test_five_seconds_of_silence_end_a_request(
    library: Library, raised: type[Exception], clock: Clock, supplier: Supplier
) -> None:
    supplier.behave = supplier.silent
    async with library(supplier.url) as ask:
        asking = asyncio.create_task(ask("lamp"))
        await supplier.asked(1)
        clock.ahead += 4
        await turns()
        assert not asking.done()
        clock.ahead += 1.5
        with pytest.raises(raised):
            await asking


@both
async def test_an_answer_that_drips_ends_after_ten_seconds(
    library: Library, clock: Clock, supplier: Supplier
) -> None:
    drops: list[float] = []

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b" " * 100)[:-100])
        while True:
            writer.write(b" ")
            await writer.drain()
            await turns()
            drops.append(clock.ahead)
            clock.ahead += 2.4

    supplier.behave = drip
    begun = clock.ahead
    async with library(supplier.url) as ask:
        with pytest.raises(TimeoutError):
            await ask("lamp")
    assert 9 < drops[-1] - begun < 15


@pytest.mark.parametrize(
    ("library", "raised"),
    [
        pytest.param(by_httpx2, httpx2.PoolTimeout, id="httpx2"),
        pytest.param(by_aiohttp, aiohttp.ConnectionTimeoutError, id="aiohttp"),
    ],
)
async def test_whoever_gets_no_connection_in_three_seconds_gives_up(
    library: Library, raised: type[Exception], clock: Clock, supplier: Supplier
) -> None:
    release = asyncio.Event()

    async def when_released(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await supplier.at_once(writer)

    supplier.behave = when_released
    async with library(supplier.url) as ask, asyncio.TaskGroup() as group:
        asked = [group.create_task(ask("lamp")) for _ in range(20)]
        await supplier.asked(20)
        one_too_many = asyncio.create_task(ask("chair"))
        await turns()
        clock.ahead += 2.5
        await turns()
        assert not one_too_many.done()
        clock.ahead += 1
        with pytest.raises(raised):
            await one_too_many
        release.set()
    assert [each.result() for each in asked] == [1299] * 20


async def test_httpx2_bounds_each_step_of_a_request() -> None:
    async with httpx2_client("http://supplier.invalid") as client:
        limits = client.timeout.as_dict()
    assert limits == {"connect": 3.0, "read": 5.0, "write": 5.0, "pool": 3.0}


async def test_aiohttp_bounds_the_whole_of_a_request_as_well() -> None:
    async with aiohttp_session("http://supplier.invalid") as session:
        limits = session.timeout
    assert limits == aiohttp.ClientTimeout(total=10, connect=3, sock_read=5)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param(httpx2.TimeoutException, False, id="httpx2"),
        pytest.param(aiohttp.ServerTimeoutError, True, id="aiohttp"),
    ],
)
def test_of_the_libraries_own_timeouts_only_aiohttps_are_timeout_errors(
    raised: type[Exception], *, expected: bool
) -> None:
    assert issubclass(raised, TimeoutError) == expected


def test_an_aiohttp_session_is_not_made_outside_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        aiohttp_session("http://supplier.invalid")


@pytest.mark.parametrize(
    ("library", "raised"),
    [
        pytest.param(by_httpx2, httpx2.HTTPStatusError, id="httpx2"),
        pytest.param(by_aiohttp, aiohttp.ClientResponseError, id="aiohttp"),
    ],
)
async def test_a_refusal_is_not_taken_for_a_price(
    library: Library, raised: type[Exception], supplier: Supplier
) -> None:
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(PRICE, status="503 Service Unavailable"))
        await writer.drain()

    supplier.behave = refuse
    async with library(supplier.url) as ask:
        with pytest.raises(raised, match="503"):
            await ask("lamp")


@both
async def test_a_connection_that_is_seen_closed_is_not_used_again(
    library: Library, supplier: Supplier
) -> None:
    async def answer_and_close(writer: asyncio.StreamWriter) -> None:
        await supplier.at_once(writer)
        writer.close()
        await writer.wait_closed()

    supplier.behave = answer_and_close
    async with library(supplier.url) as ask:
        await ask("lamp")
        await turns()
        await ask("lamp")
    assert (len(supplier.requests), supplier.accepted) == (2, 2)


async def close_at_the_second_request(
    supplier: Supplier, writer: asyncio.StreamWriter
) -> None:
    if len(supplier.requests) == 2:
        writer.close()
    else:
        await supplier.at_once(writer)


async def test_httpx2_fails_where_a_kept_connection_turns_out_to_be_closed(
    supplier: Supplier,
) -> None:
    supplier.behave = partial(close_at_the_second_request, supplier)
    async with httpx2_client(supplier.url) as client:
        await httpx2_price(client, "lamp")
        with pytest.raises(httpx2.RemoteProtocolError, match="without sending"):
            await httpx2_price(client, "lamp")
    assert len(supplier.requests) == 2


async def test_aiohttp_asks_again_where_a_kept_connection_turns_out_to_be_closed(
    supplier: Supplier,
) -> None:
    supplier.behave = partial(close_at_the_second_request, supplier)
    async with aiohttp_session(supplier.url) as session:
        prices = [await aiohttp_price(session, "lamp") for _ in range(2)]
    assert prices == [1299, 1299]
    assert (len(supplier.requests), supplier.accepted) == (3, 2)


async def test_a_shared_client_sends_one_callers_cookie_with_the_next_request(
    supplier: Supplier,
) -> None:
    async def welcome(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(PRICE, "Set-Cookie: session=ada"))
        await writer.drain()

    supplier.behave = welcome
    async with httpx2_client(supplier.url) as client:
        await httpx2_price(client, "lamp")
        await httpx2_price(client, "lamp")
    assert ["cookie: session=ada" in each.lower() for each in supplier.requests] == [
        False,
        True,
    ]


async def test_an_httpx2_client_per_request_opens_a_connection_each_time(
    supplier: Supplier, measured: Measured, observe: Observe
) -> None:
    for _ in range(10):
        await http_clients_avoid.httpx2_price(supplier.url, "lamp")
    each_its_own = supplier.accepted
    async with by_httpx2(supplier.url) as ask:
        for _ in range(10):
            await ask("lamp")
    shared = supplier.accepted - each_its_own
    measured.row(
        "Connections for 10 requests by httpx2",
        "connections",
        {"one client": shared, "a client per request": each_its_own},
    )
    observe(f"{each_its_own} connections for 10 requests")
    assert (shared, each_its_own) == (1, 10)


async def test_each_httpx2_client_reads_the_certificates_again_on_the_loop(
    supplier: Supplier,
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
    observe: Observe,
) -> None:
    read: list[asyncio.Task[Any] | None] = []
    original = httpcore2.default_ssl_context

    def counted(**options: bool) -> ssl.SSLContext:
        read.append(asyncio.current_task())  # raises in a thread of its own
        return original(**options)

    monkeypatch.setattr(httpcore2, "default_ssl_context", counted)
    for _ in range(10):
        await http_clients_avoid.httpx2_price(supplier.url, "lamp")
    each_its_own = len(read)
    async with by_httpx2(supplier.url) as ask:
        for _ in range(10):
            await ask("lamp")
    shared = len(read) - each_its_own
    measured.row(
        "Times that httpx2 loads the certificates for 10 requests",
        "times",
        {"one client": shared, "a client per request": each_its_own},
    )
    observe(f"{each_its_own} certificate stores for 10 requests without TLS")
    assert (shared, each_its_own) == (1, 10)


async def test_aiohttp_has_loaded_the_certificates_when_it_was_imported(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> ssl.SSLContext:
        raise AssertionError

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    async with by_aiohttp(supplier.url) as ask:
        assert await ask("lamp") == 1299


async def test_an_aiohttp_session_per_request_opens_a_connection_each_time(
    supplier: Supplier, measured: Measured, observe: Observe
) -> None:
    for _ in range(10):
        await http_clients_avoid.aiohttp_price(supplier.url, "lamp")
    each_its_own = supplier.accepted
    async with by_aiohttp(supplier.url) as ask:
        for _ in range(10):
            await ask("lamp")
    shared = supplier.accepted - each_its_own
    measured.row(
        "Connections for 10 requests by aiohttp",
        "connections",
        {"one session": shared, "a session per request": each_its_own},
    )
    observe(f"{each_its_own} connections for 10 requests")
    assert (shared, each_its_own) == (1, 10)


async def test_a_timeout_of_ten_seconds_waits_minutes_for_a_dripping_answer(
    supplier: Supplier, clock: Clock, observe: Observe
) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(PRICE.rjust(40))[:-40])
        for drop in PRICE.rjust(40):
            clock.ahead += 4.5
            writer.write(bytes([drop]))
            await writer.drain()
            await turns()

    supplier.behave = drip
    async with httpx2_client(supplier.url) as client:
        price = await http_clients_avoid.httpx2_price_in_ten_seconds(client, "lamp")
    observe(f"{price}, after {clock.ahead:.0f} s")
    assert (price, clock.ahead) == (1299, 180)


async def test_without_a_timeout_a_silent_supplier_is_awaited_for_ever(
    supplier: Supplier, clock: Clock, observe: Observe
) -> None:
    supplier.behave = supplier.silent
    async with http_clients_avoid.patient_httpx2_client(supplier.url) as client:
        asking = asyncio.create_task(client.get("/price"))
        await supplier.asked(1)
        clock.ahead += 24 * 60 * 60
        await turns()
        observe(f"after {clock.ahead / 3600:.0f} hours: {asking.done()=}")
        assert not asking.done()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_without_a_limit_a_burst_opens_a_connection_for_each_request(
    supplier: Supplier, measured: Measured, observe: Observe
) -> None:
    release = asyncio.Event()

    async def when_released(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await supplier.at_once(writer)

    async def burst(session: aiohttp.ClientSession, *, until: int) -> int:
        before = supplier.accepted
        release.clear()
        async with session, asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(aiohttp_price(session, "lamp"))
            await supplier.asked(len(supplier.requests) + until)
            release.set()
        return supplier.accepted - before

    supplier.behave = when_released
    limited = await burst(aiohttp_session(supplier.url), until=20)
    unlimited = await burst(
        http_clients_avoid.unlimited_aiohttp_session(supplier.url), until=40
    )
    measured.row(
        "Connections for 40 requests at once",
        "connections",
        {"a limit": limited, "no limit": unlimited},
    )
    observe(f"{unlimited} connections at once")
    assert (limited, unlimited) == (20, 40)
