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
from typing import Any, override

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
    Address,
    FetchError,
    NotPublicError,
    PublicOnly,
    fetch,
    is_public,
    public_client,
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


class Dns:
    """Gives each host the next of its answers; the last one for ever."""

    def __init__(self, answers: dict[str, list[Sequence[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: bytes) -> list[Address]:
        self.asked.append(host.decode())
        answers = self.answers[host.decode()]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(each) for each in answer]


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


def client(internet: Internet, dns: Dns) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=PublicOnly(internet, dns))


async def refusal(url: str, internet: Internet, dns: Dns) -> BaseException | None:
    """Fetch in vain, and return the reason."""
    async with client(internet, dns) as guarded:
        with pytest.raises(FetchError) as failed:
            await fetch(guarded, url)
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


class Nat(httpx2.AsyncHTTPTransport):
    """Leads from every public address to a server on loopback, over real sockets."""

    def __init__(
        self,
        port: int,
        trusted: ssl.SSLContext = PLAIN,
        limits: httpx2.Limits = UNSHARED,
    ) -> None:
        super().__init__(verify=trusted, limits=limits)
        self.port = port

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self.port)
        return await super().handle_async_request(request)


async def test_a_picture_is_fetched_from_the_address_that_was_checked() -> None:
    internet, dns = Internet(picture), Dns({"shop.example": [[SHOP]]})
    async with client(internet, dns) as guarded:
        assert await fetch(guarded, "https://shop.example:444/a?b=c") == b"picture"
    [sent] = internet.requests
    assert str(sent.url) == f"https://{SHOP}:444/a?b=c"
    assert sent.headers["Host"] == "shop.example:444"
    assert sent.extensions["sni_hostname"] == "shop.example"
    assert set(sent.extensions["timeout"].values()) == {5.0}
    assert (sent.method, dns.asked) == ("GET", ["shop.example"])


async def test_a_body_goes_along_with_its_request() -> None:
    async def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=await request.aread())

    internet, dns = Internet(echo), Dns({"shop.example": [[SHOP]]})
    async with client(internet, dns) as guarded:
        answer = await guarded.post("http://shop.example/hook", content=b"paid")
    assert (answer.content, internet.requests[0].method) == (b"paid", "POST")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://b\u00fccher.example/", "xn--bcher-kva.example"),
        (f"http://[{SIX}]/", SIX),
        (f"http://ada:secret@{SHOP}/", SHOP),
    ],
)
async def test_any_kind_of_host_is_resolved(url: str, asked: str) -> None:
    internet, dns = Internet(picture), Dns({asked: [[SIX]]})
    async with client(internet, dns) as guarded:
        assert await fetch(guarded, url) == b"picture"
    assert (dns.asked, internet.reached) == ([asked], [SIX])


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_that_is_not_public_is_never_connected_to(
    address: str,
) -> None:
    assert not is_public(ip_address(address))
    internet, dns = Internet(picture), Dns({"eve.example": [[address]]})
    reason = await refusal("http://eve.example/", internet, dns)
    assert isinstance(reason, NotPublicError)
    assert str(reason) == "b'eve.example' is not public"
    assert str(reason.request.url) == "http://eve.example/"
    assert internet.reached == []


@pytest.mark.parametrize("address", [SHOP, OTHER, SIX, "9.9.9.9", "2a00::1", "3000::"])
def test_an_address_on_the_public_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


async def test_one_address_inside_is_enough_to_refuse_a_host() -> None:
    for answer in ([SHOP, "10.0.0.1"], ["10.0.0.1", SHOP]):
        internet, dns = Internet(picture), Dns({"eve.example": [answer]})
        reason = await refusal("http://eve.example/", internet, dns)
        assert isinstance(reason, NotPublicError)
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
    url: str,
) -> None:
    internet = Internet(picture)
    guarded = httpx2.AsyncClient(transport=PublicOnly(internet))
    async with guarded:
        with pytest.raises(FetchError) as failed:
            await fetch(guarded, url)
    assert isinstance(failed.value.__cause__, NotPublicError)
    assert internet.reached == []


@pytest.mark.parametrize(
    "url",
    ["", "/", "x", "http:", "http:///x", "http://[", "http://0177.0.0.1/", "http://\0"],
)
async def test_a_text_that_is_no_url_of_a_host_is_an_error_of_the_same_kind(
    url: str,
) -> None:
    async with httpx2.AsyncClient(transport=PublicOnly(Internet(picture))) as guarded:
        with pytest.raises(FetchError):
            await fetch(guarded, url)


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "dict"])
async def test_a_scheme_other_than_http_reaches_nothing(
    scheme: str, inside: Server
) -> None:
    dns = Dns({"shop.example": [[SHOP]]})
    guarded = httpx2.AsyncClient(transport=PublicOnly(Nat(inside.port), dns))
    async with guarded:
        with pytest.raises(FetchError) as failed:
            await fetch(guarded, f"{scheme}://shop.example/etc/passwd")
    assert isinstance(failed.value.__cause__, httpx2.UnsupportedProtocol)
    assert inside.accepted == 0


async def test_the_systems_resolver_knows_what_a_host_is() -> None:
    assert await resolve(b"2130706433") == [ip_address("127.0.0.1")]
    assert await resolve(b"::1") == [ip_address("::1")]
    assert ip_address("127.0.0.1") in await resolve(b"localhost")


async def test_a_host_without_an_address_is_a_connection_that_fails() -> None:
    with pytest.raises(httpx2.ConnectError, match=r"^b'' has no address$") as failed:
        await resolve(b"")
    assert isinstance(failed.value.__cause__, socket.gaierror)
    internet, dns = Internet(picture), Dns({"gone.example": [[]]})
    reason = await refusal("http://gone.example/", internet, dns)
    assert repr(reason) == repr(httpx2.ConnectError("b'gone.example' has no address"))


@pytest.mark.parametrize("failure", [httpx2.ConnectError, httpx2.ConnectTimeout])
async def test_the_next_address_is_tried_when_one_does_not_answer(
    failure: type[httpx2.TransportError],
) -> None:
    def six_is_down(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == SIX:
            raise failure("no route")
        return picture(request)

    internet, dns = Internet(six_is_down), Dns({"shop.example": [[SIX, SHOP, OTHER]]})
    async with client(internet, dns) as guarded:
        assert await fetch(guarded, "http://shop.example/") == b"picture"
    assert internet.reached == [SIX, SHOP]


async def test_the_last_failure_is_told_where_no_address_answers() -> None:
    def down(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError(f"{request.url.host} is down")

    internet, dns = Internet(down), Dns({"shop.example": [[SIX, SHOP]]})
    reason = await refusal("http://shop.example/", internet, dns)
    assert str(reason) == f"{SHOP} is down"
    assert internet.reached == [SIX, SHOP]


async def test_a_redirect_is_checked_like_the_first_request() -> None:
    internet = Internet(lambda _: to("http://intra.example/admin"))
    dns = Dns({"eve.example": [[SHOP]], "intra.example": [["10.0.0.1"]]})
    reason = await refusal("http://eve.example/", internet, dns)
    assert isinstance(reason, NotPublicError)
    assert internet.reached == [SHOP]
    assert dns.asked == ["eve.example", "intra.example"]


@pytest.mark.parametrize("location", ["/b", "b", "//shop.example/b", "?b"])
async def test_a_redirect_to_a_public_host_is_followed(location: str) -> None:
    def moved(request: httpx2.Request) -> httpx2.Response:
        return (
            to(location)
            if request.url.path == "/a" and not request.url.query
            else (picture(request))
        )

    internet, dns = Internet(moved), Dns({"shop.example": [[SHOP]]})
    async with client(internet, dns) as guarded:
        assert await fetch(guarded, "http://shop.example/a") == b"picture"
    assert [each.headers["Host"] for each in internet.requests] == ["shop.example"] * 2
    assert internet.reached == [SHOP, SHOP]


async def test_redirects_come_to_an_end() -> None:
    dns = Dns({"shop.example": [[SHOP]]})

    def countdown(request: httpx2.Request) -> httpx2.Response:
        left = int(request.url.path[1:])
        return to(f"/{left - 1}") if left else picture(request)

    async with client(Internet(countdown), dns) as guarded:
        assert await fetch(guarded, "http://shop.example/3") == b"picture"
    internet = Internet(countdown)
    assert await refusal("http://shop.example/4", internet, dns) is None
    assert len(internet.reached) == 4


async def test_a_redirect_that_leads_nowhere_is_an_error_of_the_same_kind() -> None:
    internet = Internet(lambda _: to("http://0177.0.0.1/"))
    dns = Dns({"eve.example": [[SHOP]]})
    reason = await refusal("http://eve.example/", internet, dns)
    assert isinstance(reason, httpx2.HTTPStatusError)


async def test_an_error_page_is_no_picture() -> None:
    internet = Internet(lambda _: httpx2.Response(404, text="not here"))
    reason = await refusal(
        "http://shop.example/", internet, Dns({"shop.example": [[SHOP]]})
    )
    assert isinstance(reason, httpx2.HTTPStatusError)


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


async def test_a_body_is_read_up_to_a_bound_and_closed() -> None:
    dns = Dns({"shop.example": [[SHOP]]})
    most = Body([b"x" * 4_999_999, b"x"])
    async with client(Internet(lambda _: httpx2.Response(200, stream=most)), dns) as it:
        assert len(await fetch(it, "http://shop.example/")) == 5_000_000
    endless = Body([b"x" * 5_000_000, b"x", b"x"])
    internet = Internet(lambda _: httpx2.Response(200, stream=endless))
    reason = await refusal("http://shop.example/", internet, dns)
    assert repr(reason) == repr(httpx2.ReadError("more than 5000000 bytes"))
    assert (endless.sent, most.closed, endless.closed) == (2, True, True)


async def test_the_body_of_a_redirect_is_not_read_at_all() -> None:
    body = Body([b"x"])
    headers = {"Location": "http://10.0.0.1/"}
    internet = Internet(lambda _: httpx2.Response(302, headers=headers, stream=body))
    dns = Dns({"eve.example": [[SHOP]], "10.0.0.1": [["10.0.0.1"]]})
    await refusal("http://eve.example/", internet, dns)
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


async def test_a_small_body_is_not_unpacked_to_a_large_one() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    headers = {"Content-Encoding": "gzip"}
    internet = Internet(
        lambda _: httpx2.Response(200, headers=headers, stream=Body([bomb]))
    )
    async with client(internet, Dns({"shop.example": [[SHOP]]})) as guarded:
        assert await fetch(guarded, "http://shop.example/") == bomb


@pytest.mark.parametrize("anyio_backend", [CONTROLLED_ASYNCIO], ids=["controlled"])
async def test_ten_seconds_are_all_that_a_customers_server_gets() -> None:
    loop = asyncio.get_running_loop()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(4)
        return to("/")

    internet, dns = Internet(slow), Dns({"eve.example": [[SHOP]]})
    reason = await refusal("http://eve.example/", internet, dns)
    assert isinstance(reason, TimeoutError)
    assert loop.time() == 10


async def test_the_guard_closes_what_it_guards() -> None:
    internet = Internet(picture)
    async with client(internet, Dns({})):
        assert not internet.closed
    assert internet.closed


async def test_a_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, inside: Server
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{inside.port}")
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{inside.port}")
    async with public_client() as guarded:
        assert not guarded.trust_env
        with pytest.raises(FetchError) as failed:
            await fetch(guarded, "http://127.0.0.1/")
    assert isinstance(failed.value.__cause__, NotPublicError)
    assert inside.accepted == 0


async def test_two_names_at_one_address_share_no_connection(
    inside: Server,
    system_dns: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nat(*, limits: httpx2.Limits) -> Nat:
        return Nat(inside.port, limits=limits)

    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", nat)
    asked = system_dns(shop=[SHOP], eve=[SHOP])
    async with public_client() as guarded:
        for host in ("shop.example", "eve.example", "shop.example"):
            assert await fetch(guarded, f"http://{host}/") == SECRET
    assert asked == ["shop.example", "eve.example", "shop.example"]
    assert inside.accepted == 3


async def test_a_transport_that_keeps_connections_mixes_up_two_names(
    inside: Server,
) -> None:
    dns = Dns({"shop.example": [[SHOP]], "eve.example": [[SHOP]]})
    keeping = Nat(inside.port, limits=httpx2.Limits(max_keepalive_connections=9))
    async with httpx2.AsyncClient(transport=PublicOnly(keeping, dns)) as guarded:
        for host in ("shop.example", "eve.example"):
            assert await fetch(guarded, f"http://{host}/") == SECRET
    assert inside.accepted == 1
    assert ["eve.example" in each for each in inside.heads] == [False, True]


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a server's and a client's context, with a certificate for one name."""
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
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(path)
    return server, trusting


async def test_the_certificate_is_checked_for_the_name_and_not_the_address(
    tmp_path: Path,
) -> None:
    tls, trusting = certificate("shop.example", tmp_path)
    dns = Dns({"shop.example": [[SHOP]], "eve.example": [[SHOP]]})
    async with serving(tls) as server:
        nat = Nat(server.port, trusting)
        async with httpx2.AsyncClient(transport=PublicOnly(nat, dns)) as guarded:
            assert await fetch(guarded, "https://shop.example/") == SECRET
            with pytest.raises(FetchError) as failed:
                await fetch(guarded, "https://eve.example/")
    assert "Hostname mismatch" in str(failed.value.__cause__)


@pytest.fixture
def system_dns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answer in place of the system's resolver, one answer after the other."""
    numeric = socket.getaddrinfo

    def install(**answers: list[str]) -> list[str]:
        asked: list[str] = []

        def answer(
            host: bytes | str, port: int | None, *rest: int, **options: int
        ) -> list[Any]:
            name = host.decode() if isinstance(host, bytes) else host
            coming = answers.get(name.removesuffix(".example"))
            if coming is None:
                return numeric(host, port, *rest, **options)
            asked.append(name)
            address = coming.pop(0) if len(coming) > 1 else coming[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        return asked

    return install


async def test_a_name_that_is_checked_is_resolved_again_to_connect(
    inside: Server,
    system_dns: Callable[..., list[str]],
    attack: Attack,
    observe: Observe,
) -> None:
    url = f"http://eve.example:{inside.port}/"
    attack.sent(
        f"http://eve.example/, whose DNS says {SHOP} at first and then 127.0.0.1"
    )
    asked = system_dns(eve=[SHOP, "127.0.0.1"])
    async with direct() as client:
        stolen = await avoid.fetch_checked(client, url)
    assert (stolen, asked) == (SECRET, ["eve.example", "eve.example"])
    observe(stolen.decode())
    attack.happened(stolen.decode())
    asked = system_dns(eve=[SHOP, "127.0.0.1"])
    internet = Internet(picture)
    async with httpx2.AsyncClient(transport=PublicOnly(internet)) as guarded:
        assert await fetch(guarded, url) == b"picture"
    assert (internet.reached, asked) == ([SHOP], ["eve.example"])
    attack.now(f"one question, and a connection to {SHOP}, which was the answer")


async def test_a_redirect_leads_back_inside(
    inside: Server,
    system_dns: Callable[..., list[str]],
    attack: Attack,
    observe: Observe,
) -> None:
    url = f"http://127.0.0.1:{inside.port}/"
    system_dns(eve=[SHOP])
    outside = direct()

    def answer(
        request: httpx2.Request,
    ) -> httpx2.Response | Awaitable[httpx2.Response]:
        if request.url.host in {"eve.example", SHOP}:
            return to(url)
        return outside.send(request)

    attack.sent("http://eve.example/, which redirects to http://127.0.0.1/")
    async with outside, httpx2.AsyncClient(transport=Internet(answer)) as client:
        assert await avoid.fetch_with_redirects(client, "http://eve.example/") == SECRET
        observe(SECRET.decode())
        attack.happened(SECRET.decode())
        internet = Internet(answer)
        async with httpx2.AsyncClient(transport=PublicOnly(internet)) as guarded:
            with pytest.raises(FetchError) as failed:
                await fetch(guarded, "http://eve.example/")
    assert internet.reached == [SHOP]
    assert isinstance(failed.value.__cause__, NotPublicError)
    attack.now(failed.value.__cause__)


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
    async with httpx2.AsyncClient(transport=PublicOnly(Internet(picture))) as guarded:
        with pytest.raises(FetchError) as failed:
            await fetch(guarded, url)
    attack.now(str(failed.value.__cause__))


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
