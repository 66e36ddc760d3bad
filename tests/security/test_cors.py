from collections.abc import Callable, Iterable
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from httpx2 import ASGITransport, AsyncClient, Headers, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack, Evidence
from snippets.security import cors_avoid as avoid
from snippets.security.cors import with_cors

pytestmark = pytest.mark.anyio

API = "https://api.shop-cloud.example"  # another site: its cookies are SameSite=None
SHOP = "https://shop.example"
ADMIN = "https://admin.shop.example:8443"
OURS = (SHOP, ADMIN)
NOT_OURS = [
    "https://evil.example",
    "null",
    "http://shop.example",
    "https://shop.example:8443",
    "https://admin.shop.example",
    "https://blog.shop.example",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://wwwxshop.example",
    "https://shop.example.",
    "https://shop.exampl",
]
SIMPLE_METHODS = {"GET", "HEAD", "POST"}
SIMPLE_HEADERS = {"accept", "accept-language", "content-language", "content-type"}
SIMPLE_TYPES = {
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
}
JSON = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}
WITH_TOKEN = {"X-CSRF-Token": "t"}
READ = "orders of ada: A1, B2"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class BlockedError(Exception):
    """The browser keeps the answer from the page."""


class Cache:
    """A cache between browser and API, which keeps answers as RFC 9111 allows."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Headers, Response]] = []

    def get(self, path: str, headers: Headers) -> Response | None:
        for kept_path, asked, answer in self._kept:
            varies = [
                each.strip() for each in answer.headers.get("vary", "").split(",")
            ]
            same = all(asked.get(each) == headers.get(each) for each in varies if each)
            if kept_path == path and same:
                return answer
        return None

    def put(self, path: str, headers: Headers, answer: Response) -> None:
        self._kept.append((path, headers, answer))


class Page:
    """A page of some origin, in ada's browser, whose scripts call the API.

    What they may do is decided as by the Fetch standard's CORS protocol.
    """

    def __init__(self, api: ASGIApp, origin: str, cache: Cache | None = None) -> None:
        self._api = api
        self._origin = origin
        self._cache = cache
        self.exchanges: list[tuple[str, Response]] = []

    async def fetch(
        self,
        method: str = "GET",
        path: str = "/orders",
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Call the API with the user's cookie, and give what the script may read."""
        asked = {name.lower(): each for name, each in (headers or {}).items()}
        special = sorted(
            name
            for name, each in asked.items()
            if name not in SIMPLE_HEADERS
            or (name == "content-type" and each not in SIMPLE_TYPES)
        )
        if method not in SIMPLE_METHODS or special:
            await self._preflight(method, path, special)
        sent = Headers(asked | {"Origin": self._origin, "Cookie": "session=adas"})
        answer = self._cache.get(path, sent) if self._cache else None
        if answer is None:
            answer = await self._send(method, path, sent)
            if self._cache:
                self._cache.put(path, sent, answer)
        self._check(answer)
        return answer

    async def read(self) -> str:
        """Give the orders that a script reads, or why it doesn't."""
        try:
            return (await self.fetch()).text
        except BlockedError as blocked:
            return f"blocked: {blocked}"

    async def _preflight(self, method: str, path: str, special: list[str]) -> None:
        """Ask, without the cookie, whether the request may be sent."""
        asked = {"Origin": self._origin, "Access-Control-Request-Method": method}
        if special:
            asked["Access-Control-Request-Headers"] = ",".join(special)
        answer = await self._send("OPTIONS", path, Headers(asked))
        self._check(answer)
        if not answer.is_success:
            raise BlockedError("the preflight failed")
        if method not in SIMPLE_METHODS | listed(answer, "methods"):
            raise BlockedError(f"{method} is not allowed")
        allowed = {name.lower() for name in listed(answer, "headers")}
        if refused := set(special) - allowed:
            raise BlockedError(f"{min(refused)} is not allowed")

    def _check(self, answer: Response) -> None:
        """Do the CORS check, for a request with credentials."""
        match answer.headers.get("access-control-allow-origin"):
            case None:
                raise BlockedError("no Access-Control-Allow-Origin")
            case self._origin:
                pass
            case other:
                raise BlockedError(f"Access-Control-Allow-Origin is {other}")
        if answer.headers.get("access-control-allow-credentials") != "true":
            raise BlockedError("no credentials")

    async def _send(self, method: str, path: str, headers: Headers) -> Response:
        transport = ASGITransport(self._api, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=API) as client:
            answer = await client.request(method, path, headers=headers)
        self.exchanges.append((f"{method} {path}", answer))
        return answer


def listed(answer: Response, what: str) -> set[str]:
    return set(answer.headers.get(f"access-control-allow-{what}", "").split(", "))


def shop() -> Starlette:
    """Make the API, which knows ada by her cookie."""

    async def orders(request: Request) -> PlainTextResponse:
        await checkpoint()
        user = {"adas": "ada"}.get(request.cookies.get("session", ""), "nobody")
        if request.method == "GET":
            return PlainTextResponse(f"orders of {user}: A1, B2")
        done.append(f"{request.method} by {user}")
        return PlainTextResponse("done")

    async def broken(_request: Request) -> PlainTextResponse:
        await checkpoint()
        raise RuntimeError("out of order")

    async def news(socket: WebSocket) -> None:
        await socket.accept()

    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(
        routes=[
            Route("/orders", orders, methods=methods),
            Route("/broken", broken),
            WebSocketRoute("/news", news),
        ]
    )
    app.state.done = done = list[str]()
    return app


@pytest.fixture
def app() -> Starlette:
    return shop()


@pytest.fixture
def api(app: Starlette) -> ASGIApp:
    return with_cors(app, OURS)


@pytest.mark.parametrize("origin", OURS)
async def test_a_front_end_on_the_list_reads_with_the_users_cookie(
    origin: str, api: ASGIApp
) -> None:
    page = Page(api, origin)
    assert await page.read() == READ
    assert len(page.exchanges) == 1  # no preflight for a plain GET


@pytest.mark.parametrize("origin", OURS)
async def test_a_front_end_on_the_list_may_change_things_after_a_preflight(
    origin: str, api: ASGIApp, app: Starlette
) -> None:
    page = Page(api, origin)
    await page.fetch("DELETE", headers=WITH_TOKEN)
    await page.fetch("POST", headers=JSON | WITH_TOKEN)
    await page.fetch("POST", headers=PLAIN)
    assert [asked for asked, _ in page.exchanges] == [
        "OPTIONS /orders",
        "DELETE /orders",
        "OPTIONS /orders",
        "POST /orders",
        "POST /orders",
    ]
    assert app.state.done == ["DELETE by ada", "POST by ada", "POST by ada"]


@pytest.mark.parametrize("origin", NOT_OURS)
async def test_no_other_origin_reads_an_answer(origin: str, api: ASGIApp) -> None:
    assert await Page(api, origin).read() == "blocked: no Access-Control-Allow-Origin"


@pytest.mark.parametrize("origin", NOT_OURS)
async def test_no_other_origin_gets_past_the_preflight(
    origin: str, api: ASGIApp, app: Starlette
) -> None:
    page = Page(api, origin)
    with pytest.raises(BlockedError, match="no Access-Control-Allow-Origin"):
        await page.fetch("DELETE", headers=WITH_TOKEN)
    ((asked, answer),) = page.exchanges
    assert asked == "OPTIONS /orders"
    assert (answer.status_code, answer.text) == (400, "Disallowed CORS origin")
    assert app.state.done == []


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [("PUT", JSON, "method"), ("POST", {"X-Debug": "1"}, "headers")],
)
async def test_what_is_not_listed_is_refused_to_our_front_ends_too(
    method: str, headers: dict[str, str], refused: str, api: ASGIApp, app: Starlette
) -> None:
    page = Page(api, SHOP)
    with pytest.raises(BlockedError, match="the preflight failed"):
        await page.fetch(method, headers=headers)
    ((_, answer),) = page.exchanges
    assert answer.text == f"Disallowed CORS {refused}"
    assert app.state.done == []


async def test_a_preflight_names_one_origin_and_what_it_may_do(
    api: ASGIApp, evidence: Evidence
) -> None:
    page = Page(api, SHOP)
    await page.fetch("DELETE", headers=WITH_TOKEN)
    (_, answer), _ = page.exchanges
    said = [
        f"{name.title()}: {value}"
        for name, value in sorted(answer.headers.items())
        if name.startswith("access-control-")
    ]
    headers = "Accept, Accept-Language, Content-Language, Content-Type, X-CSRF-Token"
    assert said == [
        "Access-Control-Allow-Credentials: true",
        f"Access-Control-Allow-Headers: {headers}",
        "Access-Control-Allow-Methods: GET, POST, DELETE",
        f"Access-Control-Allow-Origin: {SHOP}",
        "Access-Control-Max-Age: 600",
    ]
    assert answer.headers["vary"].startswith("Origin, ")
    asked = "\n".join(
        f"{name.title()}: {answer.request.headers[name]}"
        for name in (
            "origin",
            "access-control-request-method",
            "access-control-request-headers",
        )
    )
    evidence.add("What the browser asks", f"OPTIONS /orders\n{asked}")
    evidence.add("What the API answers", "\n".join(said))


async def test_scripts_of_our_front_ends_read_when_to_try_again(api: ASGIApp) -> None:
    answer = await Page(api, SHOP).fetch()
    assert answer.headers["access-control-expose-headers"] == "Retry-After"


@pytest.mark.parametrize("origin", [*OURS, *NOT_OURS])
async def test_every_answer_varies_by_origin_and_none_is_for_all(
    origin: str, api: ASGIApp
) -> None:
    page = Page(api, origin)
    await page.read()
    ((_, answer),) = page.exchanges
    assert answer.headers["vary"] == "Origin"
    assert answer.headers.get("access-control-allow-origin") in {origin, None}


async def test_a_cache_keeps_the_answers_of_two_front_ends_apart(api: ASGIApp) -> None:
    cache = Cache()
    pages = [Page(api, origin, cache) for origin in (SHOP, ADMIN, SHOP)]
    assert [await page.read() for page in pages] == [READ] * 3
    assert [len(page.exchanges) for page in pages] == [1, 1, 0]


async def test_a_failure_of_the_application_reaches_the_front_end(api: ASGIApp) -> None:
    answer = await Page(api, SHOP).fetch(path="/broken")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_the_origins_may_come_from_a_generator(app: Starlette) -> None:
    api = with_cors(app, (origin for origin in OURS))
    assert [await Page(api, each).read() for each in (SHOP, ADMIN, SHOP)] == [READ] * 3


async def test_a_foreign_page_may_still_send_what_looks_like_a_form(
    api: ASGIApp, app: Starlette
) -> None:
    with pytest.raises(BlockedError, match="no Access-Control-Allow-Origin"):
        await Page(api, "https://evil.example").fetch("POST", headers=PLAIN)
    assert app.state.done == ["POST by ada"]


async def test_a_websocket_of_any_origin_is_accepted(api: ASGIApp) -> None:
    async def receive() -> Message:
        await checkpoint()
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        await checkpoint()
        sent.append(message["type"])

    sent: list[str] = []
    headers = [(b"origin", b"https://evil.example"), (b"cookie", b"session=adas")]
    scope = {"type": "websocket", "path": "/news", "headers": headers}
    await api(scope, receive, send)
    assert sent[0] == "websocket.accept"


@pytest.mark.parametrize(
    "origin",
    [
        SHOP,
        "https://xn--kf-fka.example:4430",
        "https://a-1.b.c:65535",
        "https://shop.example:1",
        "https://shop.example:80",
    ],
)
async def test_an_origin_as_a_browser_sends_it_is_accepted(
    origin: str, app: Starlette
) -> None:
    assert await Page(with_cors(app, (origin,)), origin).read() == READ


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "*",
        "null",
        "https://*.shop.example",
        "https://shop.example/",
        "https://shop.example/admin",
        "https://shop.example?",
        "https://shop.example:443",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:655360",
        "https://shop.example:\u0661",
        "https://Shop.example",
        "https://käse.example",
        "https://shop.example.",
        "https://.shop.example",
        "https://shop..example",
        "https://shop",
        "https://ada@shop.example",
        "http://shop.example",
        "HTTPS://shop.example",
        "xhttps://shop.example",
        "shop.example",
        "https://shop.example\nhttps://evil.example",
        "https://shop.example\n",
        "https://shop.example:8443\n",
        " https://shop.example",
        "https://shop.example\0",
        "https://shop.example\ud800",
    ],
)
def test_what_a_browser_never_sends_is_refused_at_the_start(
    wrong: str, app: Starlette
) -> None:
    with pytest.raises(ValueError, match="not origins") as refused:
        with_cors(app, [SHOP, wrong])
    listed = f"('https://shop.example', {wrong!r})"
    assert str(refused.value) == f"not origins as a browser sends them: {listed}"


@pytest.mark.parametrize(
    "allowed", [SHOP, "*", "null", "https://*.shop.example", "", []]
)
def test_a_string_in_place_of_a_list_or_an_empty_list_is_refused(
    allowed: Iterable[str], app: Starlette
) -> None:
    with pytest.raises(ValueError, match="not origins as a browser sends them"):
        with_cors(app, allowed)


def avoided(allow: Callable[[Starlette], None]) -> Starlette:
    app = shop()
    allow(app)
    return app


async def reads(api: ASGIApp, whose: Iterable[str]) -> list[str]:
    return [origin for origin in whose if await Page(api, origin).read() == READ]


async def test_a_wildcard_with_credentials_lets_every_page_read_adas_orders(
    api: ASGIApp, observe: Observe, attack: Attack
) -> None:
    theirs = avoided(avoid.allow_all)
    assert await reads(theirs, [*OURS, *NOT_OURS]) == [*OURS, *NOT_OURS]
    page = Page(theirs, "https://evil.example")
    attack.sent("on evil.example: fetch('…/orders', {credentials: 'include'})")
    seen = await page.read()
    ((_, answer),) = page.exchanges
    origin = answer.headers["access-control-allow-origin"]
    observe(f"Access-Control-Allow-Origin: {origin}")
    attack.happened(f"the script reads: {seen}")
    assert (seen, origin) == (READ, "https://evil.example")
    seen = await Page(api, "https://evil.example").read()
    attack.now(seen)
    assert seen == "blocked: no Access-Control-Allow-Origin"


async def test_a_string_of_one_origin_contains_another(
    app: Starlette, observe: Observe, attack: Attack
) -> None:
    def allow(app: Starlette) -> None:
        avoid.allow_a_string(app, "https://shop.com")

    attack.sent('the same, on shop.co, to an API that allows "https://shop.com"')
    api = avoided(allow)
    assert await Page(api, "https://shop.com").read() == READ
    seen = await Page(api, "https://shop.co").read()
    observe(f"https://shop.co reads: {seen}")
    attack.happened(f"the script reads: {seen}")
    assert seen == READ
    seen = await Page(with_cors(app, ["https://shop.com"]), "https://shop.co").read()
    attack.now(seen)
    assert seen == "blocked: no Access-Control-Allow-Origin"


async def test_a_dot_in_a_pattern_is_any_letter(observe: Observe) -> None:
    api = avoided(avoid.allow_a_pattern)
    read_by = await reads(api, [*OURS, *NOT_OURS])
    observe(f"read by {', '.join(read_by)}")
    assert read_by == [SHOP, "https://wwwxshop.example"]


async def test_a_sandboxed_frame_of_any_page_has_the_origin_null(
    observe: Observe,
) -> None:
    read_by = await reads(avoided(avoid.allow_local_files), [*OURS, *NOT_OURS])
    observe("<iframe sandbox=allow-scripts> on any page reads: " + READ)
    assert read_by == [SHOP, "null"]


async def test_another_domain_may_end_like_yours(observe: Observe) -> None:
    api = avoided(lambda app: app.add_middleware(avoid.AllowByEnding))
    read_by = await reads(api, [*OURS, *NOT_OURS])
    observe(f"read by {', '.join(read_by)}")
    assert read_by == [
        SHOP,
        "http://shop.example",
        "https://admin.shop.example",
        "https://blog.shop.example",
        "https://evilshop.example",
        "https://wwwxshop.example",
    ]


async def test_a_cache_gives_one_front_ends_answer_to_the_next(
    observe: Observe,
) -> None:
    api, cache = avoided(lambda app: app.add_middleware(avoid.AllowByEnding)), Cache()
    blog = "https://blog.shop.example"
    seen = [await Page(api, origin, cache).read() for origin in (SHOP, blog)]
    observe(f"{blog} is {seen[1]}")
    assert seen == [READ, f"blocked: Access-Control-Allow-Origin is {SHOP}"]


async def test_a_failure_within_the_application_is_reported_as_one_of_cors(
    observe: Observe,
) -> None:
    api = avoided(avoid.allow_within)
    page = Page(api, SHOP)
    assert await page.read() == READ
    with pytest.raises(BlockedError, match="no Access-Control") as blocked:
        await page.fetch(path="/broken")
    observe(f"the 500 is blocked: {blocked.value}")
    assert str(blocked.value) == "no Access-Control-Allow-Origin"
