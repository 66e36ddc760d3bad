import asyncio
import gzip
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn, override

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, REAL_ASYNCIO
from proof.testing.record import Attack
from snippets.security import ssrf_avoid as avoid
from snippets.security.ssrf import (
    FetchError,
    NotPublicError,
    PublicOnly,
    fetch,
    is_public,
    resolve,
)

pytestmark = pytest.mark.anyio

SHOP, OTHER, SIX = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::1"
SECRET = b"internal: API_KEY=hunter2"
INSIDE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing is bound to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "192.0.2.1",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:100.64.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::a9fe:a9fe",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


type Dns = Callable[[dict[str, list[Sequence[str]]]], list[str]]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Dns:
    """Give a host each of its answers in turn, the last one for ever; log the asked."""
    numeric = socket.getaddrinfo

    def install(answers: dict[str, list[Sequence[str]]]) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(
            host: bytes | str, port: int | None, *rest: int, **options: int
        ) -> list[Any]:
            name = host.decode() if isinstance(host, bytes) else host
            coming = answers.get(name)
            if coming is None:
                return numeric(host, port, *rest, **options)
            asked.append(name)
            answer = coming.pop(0) if len(coming) > 1 else coming[0]
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port or 0))
                for each in answer
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return install


type Answer = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


class Internet(httpx2.AsyncBaseTransport):
    """Answers in place of the internet, and remembers where it was connected to."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.reached: list[str] = []
        self.requests: list[httpx2.Request] = []
        self.closed = False

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.reached.append(request.url.host)
        self.requests.append(request)
        answer = self.answer(request)
        return answer if isinstance(answer, httpx2.Response) else await answer

    @override
    async def aclose(self) -> None:
        self.closed = True


def picture(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, stream=httpx2.ByteStream(b"picture"))


def to(location: str) -> httpx2.Response:
    return httpx2.Response(302, headers={"Location": location})


GUARD = PublicOnly()  # one for all tests: to load certificates takes long

type Online = Callable[[Answer], Internet]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Online:
    """Let what is behind the guard answer in place of the internet."""

    def install(answer: Answer) -> Internet:
        internet = Internet(answer)

        async def send(_: PublicOnly, request: httpx2.Request) -> httpx2.Response:
            return await internet.handle_async_request(request)

        monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", send)
        return internet

    return install


async def refusal(url: str) -> BaseException | None:
    """Fetch in vain, and return the reason."""
    with pytest.raises(FetchError) as failed:
        await fetch(GUARD, url)
    assert str(failed.value) == url
    return failed.value.__cause__


class Server:
    """An internal service on loopback, which trusts whoever reaches it."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        self.heads: list[str] = []

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.accepted += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head.decode())
                length = len(SECRET)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
                writer.write(SECRET)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has closed it
        finally:
            writer.close()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    server = Server()
    async with asyncio.TaskGroup() as group:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(server.serve(reader, writer))

        listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
        async with listening:
            server.port = listening.sockets[0].getsockname()[1]
            yield server


@pytest.fixture
async def inside() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


UNSHARED = httpx2.Limits(max_keepalive_connections=0)
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without any certificate: quick


def direct() -> httpx2.AsyncClient:
    """Give a client that goes wherever it is sent."""
    return httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(verify=PLAIN), trust_env=False
    )


@pytest.fixture
def nat(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lead from every public address to a server on loopback, over real sockets."""
    send = httpx2.AsyncHTTPTransport.handle_async_request

    def install(port: int) -> None:
        async def translate(
            transport: httpx2.AsyncHTTPTransport, request: httpx2.Request
        ) -> httpx2.Response:
            request.url = request.url.copy_with(host="127.0.0.1", port=port)
            return await send(transport, request)

        monkeypatch.setattr(
            httpx2.AsyncHTTPTransport, "handle_async_request", translate
        )

    return install


async def test_a_picture_is_fetched_from_the_address_that_was_checked(
    online: Online, dns: Dns
) -> None:
    internet, asked = online(picture), dns({"shop.example": [[SHOP, OTHER]]})
    assert await fetch(GUARD, "https://shop.example/a?b=c") == b"picture"
    [sent] = internet.requests
    assert (sent.method, str(sent.url)) == ("GET", f"https://{SHOP}/a?b=c")
    assert dict(sent.headers) == {"host": "shop.example", "accept-encoding": "identity"}
    assert sent.extensions == {"sni_hostname": "shop.example"}
    assert asked == ["shop.example"]


async def test_any_client_can_send_through_it(online: Online, dns: Dns) -> None:
    async def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=await request.aread())

    internet, _ = online(echo), dns({"shop.example": [[SHOP]]})
    async with httpx2.AsyncClient(transport=PublicOnly()) as client:
        answer = await client.post("http://shop.example/hook", content=b"paid")
        with pytest.raises(NotPublicError):
            await client.post("http://127.0.0.1/hook", content=b"paid")
    [sent] = internet.requests
    assert (answer.content, sent.method) == (b"paid", "POST")
    assert set(sent.extensions["timeout"].values()) == {5.0}


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://b\u00fccher.example/", "xn--bcher-kva.example"),
        (f"http://[{SIX}]/", SIX),
        (f"http://ada:secret@{SHOP}/", SHOP),
        (f"http://{SHOP}:80/", SHOP),
        (f"https://{SHOP}:443/", SHOP),
    ],
)
async def test_any_kind_of_host_is_resolved(
    url: str, asked: str, online: Online, dns: Dns
) -> None:
    internet, log = online(picture), dns({asked: [[SIX]]})
    assert await fetch(GUARD, url) == b"picture"
    assert (log, internet.reached) == ([asked], [SIX])
    assert "authorization" not in internet.requests[0].headers


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_that_is_not_public_is_never_connected_to(
    address: str, online: Online, dns: Dns
) -> None:
    assert not is_public(ip_address(address))
    internet, _ = online(picture), dns({"eve.example": [[address]]})
    reason = await refusal("http://eve.example/")
    assert isinstance(reason, NotPublicError)
    assert str(reason) == "b'eve.example' is not public, or names a port"
    assert internet.reached == []


@pytest.mark.parametrize("address", [SHOP, OTHER, SIX, "9.9.9.9", "2a00::1", "3000::"])
def test_an_address_on_the_public_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_translators_own_prefix_cannot_be_told_from_a_host() -> None:
    metadata = int(ip_address("169.254.169.254"))
    assert is_public(ip_address("2a00:db8:64::") + metadata)


@pytest.mark.parametrize("answer", [[SHOP, "10.0.0.1"], ["10.0.0.1", SHOP]])
async def test_one_address_inside_is_enough_to_refuse_a_host(
    answer: list[str], online: Online, dns: Dns
) -> None:
    internet, _ = online(picture), dns({"eve.example": [answer]})
    assert isinstance(await refusal("http://eve.example/"), NotPublicError)
    assert internet.reached == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127\u30020\u30020\u30021/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://ada@127.0.0.1/",
        "http://localhost/",
    ],
)
async def test_loopback_is_refused_in_every_spelling_that_the_system_takes(
    url: str, online: Online
) -> None:
    internet = online(picture)
    assert isinstance(await refusal(url), NotPublicError)
    assert internet.reached == []


@pytest.mark.parametrize("port", [0, 1, 22, 80, 6379, 65_536, 99_999, 10**30])
async def test_a_port_of_the_customers_choice_is_refused(
    port: int, online: Online, dns: Dns
) -> None:
    internet, _ = online(picture), dns({"shop.example": [[SHOP]]})
    assert await refusal(f"https://shop.example:{port}/") is not None
    assert internet.reached == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "/", "x", "http:", "http:///x", "http://[", "http://0177.0.0.1/"),
        *("http://\0", "http://\ud800.example/", "http://shop.example/\ud800"),
        *("http://" + "a" * 70_000, "//shop.example/", "http://-/", "http://\u0661.1/"),
        *("https://[::1%25lo]/", "http://*", "http://.", "http://a b/", "http://%00/"),
    ],
)
async def test_a_text_that_is_no_url_of_a_host_is_an_error_of_the_same_kind(
    url: str,
) -> None:
    assert await refusal(url) is not None


@pytest.mark.parametrize("scheme", ["", "file", "ftp", "gopher", "dict"])
async def test_a_scheme_other_than_http_reaches_nothing(
    scheme: str, inside: Server, nat: Callable[[int], None], dns: Dns
) -> None:
    dns({"shop.example": [[SHOP]]})
    nat(inside.port)
    assert isinstance(
        await refusal(f"{scheme}://shop.example/etc/passwd"),
        httpx2.UnsupportedProtocol | httpx2.InvalidURL,
    )
    assert inside.accepted == 0


async def test_the_systems_resolver_knows_what_a_host_is() -> None:
    assert await resolve(b"2130706433") == [ip_address("127.0.0.1")]
    assert await resolve(b"::1") == [ip_address("::1")]
    assert ip_address("127.0.0.1") in await resolve(b"localhost")


async def test_a_host_is_asked_for_by_its_streams_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def getaddrinfo(*where: object, **what: object) -> list[Any]:
        asked.append([*where, *what.values()])
        return [(0, 0, 0, "", (each, 0)) for each in (SHOP, OTHER)]

    asked: list[list[object]] = []
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert await resolve(b"shop.example") == [ip_address(SHOP), ip_address(OTHER)]
    [[host, port, *rest]] = asked
    assert (host, port, socket.SOCK_STREAM in rest) == (b"shop.example", None, True)


@pytest.mark.parametrize("host", [b"", b"a\0b", b"\xff", b"a" * 99_999])
async def test_a_host_without_an_address_is_a_connection_that_fails(
    host: bytes,
) -> None:
    with pytest.raises(httpx2.ConnectError) as failed:
        await resolve(host)
    assert str(failed.value) == f"{host!r} has no address"
    assert isinstance(failed.value.__cause__, socket.gaierror)


async def test_a_redirect_is_checked_like_the_first_request(
    online: Online, dns: Dns
) -> None:
    internet = online(lambda _: to("http://intra.example/admin"))
    asked = dns({"eve.example": [[SHOP]], "intra.example": [["10.0.0.1"]]})
    assert isinstance(await refusal("http://eve.example/"), NotPublicError)
    assert internet.reached == [SHOP]
    assert asked == ["eve.example", "intra.example"]


@pytest.mark.parametrize("location", ["/b", "b", "//shop.example/b", "?b"])
async def test_a_redirect_to_a_public_host_is_followed(
    location: str, online: Online, dns: Dns
) -> None:
    def moved(request: httpx2.Request) -> httpx2.Response:
        first = request.url.path == "/a" and not request.url.query
        return to(location) if first else picture(request)

    internet, _ = online(moved), dns({"shop.example": [[SHOP]]})
    assert await fetch(GUARD, "http://shop.example/a") == b"picture"
    assert [each.headers["Host"] for each in internet.requests] == ["shop.example"] * 2
    assert internet.reached == [SHOP, SHOP]


async def test_redirects_come_to_an_end(online: Online, dns: Dns) -> None:
    def countdown(request: httpx2.Request) -> httpx2.Response:
        left = int(request.url.path[1:])
        return to(f"/{left - 1}") if left else picture(request)

    dns({"shop.example": [[SHOP]]})
    internet = online(countdown)
    assert await fetch(GUARD, "http://shop.example/3") == b"picture"
    internet.reached.clear()
    assert await refusal("http://shop.example/4") is None
    assert len(internet.reached) == 4


@pytest.mark.parametrize("location", ["http://0177.0.0.1/", "http://[", "https://:99/"])
async def test_a_redirect_that_leads_nowhere_is_an_error_of_the_same_kind(
    location: str, online: Online, dns: Dns
) -> None:
    online(lambda _: to(location))
    dns({"eve.example": [[SHOP]]})
    assert await refusal("http://eve.example/") is not None


async def test_no_cookie_goes_from_one_answer_to_the_next_request(
    online: Online, dns: Dns
) -> None:
    def set_cookie(request: httpx2.Request) -> httpx2.Response:
        headers = {"Set-Cookie": "session=evil; Domain=co.example", "Location": "/b"}
        status = 302 if request.url.path == "/" else 200
        return httpx2.Response(status, headers=headers, stream=Body([b"picture"]))

    internet = online(set_cookie)
    dns({"a.co.example": [[SHOP]], "b.co.example": [[SHOP]]})
    for host in ("a", "b"):
        await fetch(GUARD, f"http://{host}.co.example/")
    assert ["cookie" in each.headers for each in internet.requests] == [False] * 4


@pytest.mark.parametrize("status", [199, 300, 304, 404, 500])
async def test_an_error_page_is_no_picture(
    status: int, online: Online, dns: Dns
) -> None:
    online(lambda _: httpx2.Response(status, text="not here"))
    dns({"shop.example": [[SHOP]]})
    reason = await refusal("http://shop.example/")
    assert repr(reason) == repr(httpx2.ReadError(f"status {status}, or packed"))


async def test_a_small_body_is_not_unpacked_to_a_large_one(
    online: Online, dns: Dns
) -> None:
    bomb = Body([gzip.compress(bytes(10_000_000))])
    headers = {"Content-Encoding": "gzip"}
    online(lambda _: httpx2.Response(200, headers=headers, stream=bomb))
    dns({"shop.example": [[SHOP]]})
    reason = await refusal("http://shop.example/")
    assert repr(reason) == repr(httpx2.ReadError("status 200, or packed"))
    assert (bomb.sent, bomb.closed) == (0, True)


class Body(httpx2.AsyncByteStream):
    """Sends pieces, and knows whether it was closed."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.sent = 0
        self.closed = False

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        for piece in self.pieces:
            self.sent += 1
            yield piece

    @override
    async def aclose(self) -> None:
        self.closed = True


async def test_a_body_is_read_up_to_a_bound_and_closed(
    online: Online, dns: Dns
) -> None:
    dns({"shop.example": [[SHOP]]})
    most = Body([b"x" * 4_999_999, b"x"])
    online(lambda _: httpx2.Response(200, stream=most))
    assert len(await fetch(GUARD, "http://shop.example/")) == 5_000_000
    endless = Body([b"x" * 5_000_000, b"x", b"x"])
    online(lambda _: httpx2.Response(200, stream=endless))
    reason = await refusal("http://shop.example/")
    assert repr(reason) == repr(httpx2.ReadError("more than 5000000 bytes"))
    assert (endless.sent, most.closed, endless.closed) == (2, True, True)


async def test_the_body_of_a_redirect_is_not_read_at_all(
    online: Online, dns: Dns
) -> None:
    body = Body([b"x"])
    headers = {"Location": "http://10.0.0.1/"}
    online(lambda _: httpx2.Response(302, headers=headers, stream=body))
    dns({"eve.example": [[SHOP]]})
    await refusal("http://eve.example/")
    assert (body.sent, body.closed) == (0, True)


async def test_a_client_that_follows_redirects_itself_reads_their_bodies() -> None:
    body = Body([b"x"] * 9)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "shop.example":
            return picture(request)
        headers = {"Location": "http://shop.example/"}
        return httpx2.Response(302, headers=headers, stream=body)

    async with httpx2.AsyncClient(transport=Internet(answer)) as following:
        await following.get("http://eve.example/", follow_redirects=True)
    assert body.sent == 9


@pytest.mark.parametrize("anyio_backend", [CONTROLLED_ASYNCIO], ids=["controlled"])
async def test_ten_seconds_are_all_that_a_customers_server_gets(
    online: Online, dns: Dns
) -> None:
    loop = asyncio.get_running_loop()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(4)
        return to("/")

    online(slow)
    dns({"eve.example": [[SHOP]]})
    assert isinstance(await refusal("http://eve.example/"), TimeoutError)
    assert loop.time() == 10


async def test_a_server_that_breaks_off_is_an_error_of_the_same_kind(
    dns: Dns, nat: Callable[[int], None]
) -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    dns({"eve.example": [[SHOP]]})
    async with await asyncio.start_server(half, "127.0.0.1", 0) as server:
        nat(server.sockets[0].getsockname()[1])
        async with PublicOnly() as transport:
            with pytest.raises(FetchError) as failed:
                await fetch(transport, "http://eve.example/")
    assert isinstance(failed.value.__cause__, httpx2.HTTPError)


async def test_an_address_that_does_not_answer_is_an_error_of_the_same_kind(
    dns: Dns, nat: Callable[[int], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    dns({"eve.example": [[SHOP]]})
    nat(port)
    assert isinstance(await refusal("http://eve.example/"), httpx2.ConnectError)


async def test_a_fault_of_our_own_is_not_taken_for_the_customers(
    online: Online, dns: Dns
) -> None:
    def broken(_: httpx2.Request) -> httpx2.Response:
        raise RuntimeError("our own")

    online(broken)
    dns({"eve.example": [[SHOP]]})
    with pytest.raises(RuntimeError, match="our own"):
        await fetch(GUARD, "http://eve.example/")


async def test_a_fault_of_the_resolver_is_not_taken_for_a_missing_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("our own")

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    with pytest.raises(RuntimeError, match="our own"):
        await resolve(b"shop.example")


async def test_a_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
    inside: Server,
    dns: Dns,
    nat: Callable[[int], None],
) -> None:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    dns({"shop.example": [[SHOP]]})
    nat(inside.port)
    async with PublicOnly() as transport:
        assert await fetch(transport, "http://shop.example/") == SECRET
    assert inside.heads[0].splitlines()[0] == "GET / HTTP/1.1"


async def test_two_names_at_one_address_share_no_connection(
    inside: Server, dns: Dns, nat: Callable[[int], None]
) -> None:
    asked = dns({"shop.example": [[SHOP]], "eve.example": [[SHOP]]})
    nat(inside.port)
    async with PublicOnly() as transport:
        for host in ("shop.example", "eve.example", "shop.example"):
            assert await fetch(transport, f"http://{host}/") == SECRET
    assert asked == ["shop.example", "eve.example", "shop.example"]
    assert inside.accepted == 3


async def test_a_transport_that_keeps_connections_mixes_up_two_names(
    inside: Server,
) -> None:
    url = f"http://127.0.0.1:{inside.port}/"
    async with httpx2.AsyncHTTPTransport(verify=PLAIN) as keeping:
        for host in ("shop.example", "eve.example"):
            request = httpx2.Request(
                "GET", url, headers={"Host": host}, extensions={"sni_hostname": host}
            )
            answer = await keeping.handle_async_request(request)
            assert await answer.aread() == SECRET
            await answer.aclose()
    assert inside.accepted == 1
    assert ["eve.example" in each for each in inside.heads] == [False, True]


def certificate(name: str, folder: Path) -> ssl.SSLContext:
    """Make a server's context, with a certificate for one name, kept in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server


async def test_the_certificate_is_checked_for_the_name_and_not_the_address(
    tmp_path: Path,
    dns: Dns,
    nat: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = certificate("shop.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    dns({"shop.example": [[SHOP]], "eve.example": [[SHOP]]})
    async with serving(tls) as server, PublicOnly() as transport:
        nat(server.port)
        assert await fetch(transport, "https://shop.example/") == SECRET
        with pytest.raises(FetchError) as failed:
            await fetch(transport, "https://eve.example/")
    assert "Hostname mismatch" in str(failed.value.__cause__)


async def test_a_name_that_is_checked_is_resolved_again_to_connect(
    inside: Server, dns: Dns, online: Online, attack: Attack, observe: Observe
) -> None:
    attack.sent(
        f"http://eve.example/, whose DNS says {SHOP} at first and then 127.0.0.1"
    )
    asked = dns({"eve.example": [[SHOP], ["127.0.0.1"]]})
    async with direct() as client:
        url = f"http://eve.example:{inside.port}/"
        stolen = await avoid.fetch_checked(client, url)
    assert (stolen, asked) == (SECRET, ["eve.example", "eve.example"])
    observe(stolen.decode())
    attack.happened(stolen.decode())
    asked = dns({"eve.example": [[SHOP], ["127.0.0.1"]]})
    internet = online(picture)
    assert await fetch(GUARD, "http://eve.example/") == b"picture"
    assert (internet.reached, asked) == ([SHOP], ["eve.example"])
    attack.now(f"one question, and a connection to {SHOP}, which was the answer")


async def test_a_redirect_leads_back_inside(
    inside: Server, dns: Dns, online: Online, attack: Attack, observe: Observe
) -> None:
    dns({"eve.example": [[SHOP]]})
    outside = direct()

    def answer(
        request: httpx2.Request,
    ) -> httpx2.Response | Awaitable[httpx2.Response]:
        if request.url.host == "eve.example":
            return to(f"http://127.0.0.1:{inside.port}/")
        return outside.send(request)

    attack.sent("http://eve.example/, which redirects to http://127.0.0.1/")
    async with outside, httpx2.AsyncClient(transport=Internet(answer)) as client:
        assert await avoid.fetch_with_redirects(client, "http://eve.example/") == SECRET
    observe(SECRET.decode())
    attack.happened(SECRET.decode())
    internet = online(lambda _: to("http://127.0.0.1/"))
    reason = await refusal("http://eve.example/")
    assert internet.reached == [SHOP]
    assert isinstance(reason, NotPublicError)
    attack.now(reason)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"]
)
async def test_every_spelling_reaches_loopback(host: str, inside: Server) -> None:
    async with direct() as client:
        url = f"http://{host}:{inside.port}/"
        assert await avoid.fetch_by_name(client, url) == SECRET


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001"])
def test_the_library_takes_such_an_address_for_none(host: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6"):
        ip_address(host)


async def test_an_address_has_more_spellings_than_a_list(
    inside: Server, attack: Attack, observe: Observe
) -> None:
    async with direct() as client:
        with pytest.raises(PermissionError):
            await avoid.fetch_by_name(client, f"http://127.0.0.1:{inside.port}/")
        attack.sent("http://2130706433/")
        url = f"http://2130706433:{inside.port}/"
        assert await avoid.fetch_by_name(client, url) == SECRET
    observe(SECRET.decode())
    attack.happened(f"127 * 2**24 + 1 is 127.0.0.1: {SECRET.decode()}")
    attack.now(await refusal("http://2130706433/"))


def test_urlopen_opens_files_as_well(tmp_path: Path, observe: Observe) -> None:
    path = tmp_path / "secrets.env"
    path.write_bytes(SECRET)
    stolen = avoid.fetch_anything(path.as_uri())
    assert stolen == SECRET
    observe(f"file:///…/secrets.env: {stolen.decode()}")


def test_not_private_is_not_the_same_as_public(observe: Observe) -> None:
    wrong = [each for each in INSIDE if avoid.is_public(ip_address(each))]
    observe(f"not private: {', '.join(wrong)}")
    assert wrong == [
        "100.64.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "239.255.255.250",
        "::127.0.0.1",
        "::ffff:100.64.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::a9fe:a9fe",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ]


def test_is_global_alone_lets_embedded_and_group_addresses_through(
    observe: Observe,
) -> None:
    wrong = [
        each for each in INSIDE if avoid.is_public_by_the_library(ip_address(each))
    ]
    observe(f"global: {', '.join(wrong)}")
    assert wrong == [
        "224.0.0.1",
        "239.255.255.250",
        "::127.0.0.1",
        "::ffff:100.64.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::a9fe:a9fe",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ]
    assert ip_address("64:ff9b::a9fe:a9fe") == ipaddress.IPv6Address(
        int(ip_address("64:ff9b::")) + int(ip_address("169.254.169.254"))
    )


async def test_a_host_that_is_not_public_is_refused_by_the_check_alone(
    inside: Server,
) -> None:
    async with direct() as client:
        with pytest.raises(PermissionError):
            await avoid.fetch_checked(client, f"http://127.0.0.1:{inside.port}/")
