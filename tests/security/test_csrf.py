import hmac
from collections.abc import MutableMapping
from http.cookies import SimpleCookie
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

import pytest
from anyio.lowlevel import checkpoint
from fastapi import Depends, FastAPI, Form, HTTPException, WebSocket
from httpx2 import ASGITransport, AsyncClient
from starlette.requests import Request
from starlette.responses import Response

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack
from snippets.security import csrf as recommended
from snippets.security import csrf_avoid as avoid
from snippets.security.csrf import Csrf

pytestmark = pytest.mark.anyio

KEY = bytes(range(32))
NONCE = bytes(range(100, 116))
SESSION = "__Host-session"
HERE = "https://bank.example"
SIBLING = "https://blog.bank.example"
ELSEWHERE = "https://evil.example"
FORM = "application/x-www-form-urlencoded"
TOO_OLD = (403, '{"detail":"This page is too old. Load it again."}')
PAID = (200, '"paid 100 to eve"')
HEADER = "X-CSRF-Token"
PLAIN = {"Content-Type": "text/plain"}
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "LINK"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Guard(Protocol):
    def token(self, request: Request, response: Response, /) -> str: ...
    async def __call__(self, request: Request) -> None: ...


def bank(guard: Guard) -> FastAPI:
    """Make an application that pays what it is asked to."""

    async def page(request: Request, response: Response) -> str:
        await checkpoint()
        return guard.token(request, response)

    async def pay(to: Annotated[str, Form()], amount: Annotated[int, Form()]) -> str:
        await checkpoint()
        return f"paid {amount} to {to}"

    async def log_in(response: Response, name: Annotated[str, Form()]) -> str:
        await checkpoint()
        response.set_cookie(
            SESSION, f"{name}s-session", secure=True, httponly=True, samesite="lax"
        )
        return f"welcome {name}"

    app = FastAPI(openapi_url=None, dependencies=[Depends(guard)])
    app.get("/page")(page)
    app.post("/pay")(pay)
    app.post("/log-in")(log_in)
    return app


class Browser:
    """Sends to bank.example what pages of several origins ask for, and cookies.

    The cookies by RFC 6265bis: a site is the registrable domain, here its last two
    labels; everything is sent over TLS.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}
        self.same_site: dict[str, str] = {}
        self.headers: list[str] = []

    def take(self, header: str, page: str = HERE) -> None:
        """Obey a Set-Cookie header that a host sent, or refuse it."""
        for name, cookie in SimpleCookie(header).items():
            mine = not cookie["domain"] and page == HERE
            shared = cookie["domain"] == "bank.example" and same_site(page)
            if mine or (shared and not name.startswith("__Host-")):
                self.cookies[name] = cookie.value
                self.same_site[name] = cookie["samesite"].lower() or "lax"

    def sends(self, name: str, method: str, page: str) -> bool:
        """Say whether a cookie goes along with a navigation that a page starts."""
        match self.same_site[name]:
            case "none":
                return True
            case "lax":
                return same_site(page) or method == "GET"
            case _:
                return same_site(page)

    async def send(
        self,
        method: str,
        path: str,
        content: dict[str, str] | str = "",
        *,
        page: str = HERE,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        cookies = [
            f"{name}={value}"
            for name, value in self.cookies.items()
            if self.sends(name, method, page)
        ]
        headers = {"Content-Type": FORM} | (headers or {})
        headers |= {"Cookie": "; ".join(cookies)} if cookies else {}
        body = content if isinstance(content, str) else urlencode(content)
        transport = ASGITransport(self._app)
        async with AsyncClient(transport=transport, base_url=HERE) as client:
            answer = await client.request(method, path, headers=headers, content=body)
        self.headers = answer.headers.get_list("set-cookie")
        for each in self.headers:
            self.take(each)
        return answer.status_code, answer.text

    async def token(self) -> str:
        """Load a page of the bank, and take the token from it."""
        _, text = await self.send("GET", "/page")
        return text.strip('"')

    async def pay(self, token: str = "", *, page: str = HERE) -> tuple[int, str]:
        """Send the form that pays eve."""
        fields = {"to": "eve", "amount": "100"} | (
            {"csrf_token": token} if token else {}
        )
        return await self.send("POST", "/pay", fields, page=page)

    async def log_in(self, name: str) -> None:
        fields = {"name": name, "csrf_token": await self.token()}
        assert await self.send("POST", "/log-in", fields) == (200, f'"welcome {name}"')


def same_site(page: str) -> bool:
    return page.split(".")[-2:] == ["bank", "example"] or page == HERE


@pytest.fixture
def guard() -> Csrf:
    return Csrf(KEY)


@pytest.fixture
def app(guard: Csrf) -> FastAPI:
    return bank(guard)


@pytest.fixture
async def ada(app: FastAPI) -> Browser:
    browser = Browser(app)
    await browser.log_in("ada")
    return browser


def request(method: str = "POST", session: str = "adas", token: str = "") -> Request:
    """Make a request without a form, as an application would get it."""
    headers = [
        (b"cookie", f"{SESSION}={session}".encode("latin-1")),
        (b"x-csrf-token", token.encode("latin-1")),
    ]
    return Request({"type": "http", "method": method, "headers": headers})


async def lets_in(guard: Csrf, token: str) -> bool:
    try:
        await guard(request(token=token))
    except HTTPException:
        return False
    return True


async def test_a_form_with_the_pages_token_is_accepted(ada: Browser) -> None:
    assert await ada.pay(await ada.token()) == PAID


async def test_a_script_sends_the_token_as_a_header(ada: Browser) -> None:
    fields = {"to": "eve", "amount": "100"}
    sent = await ada.send("POST", "/pay", fields, headers={HEADER: await ada.token()})
    assert sent == PAID


async def test_a_right_field_does_not_make_up_for_a_wrong_header(ada: Browser) -> None:
    fields = {"csrf_token": await ada.token()}
    assert await ada.send("POST", "/pay", fields, headers={HEADER: "00"}) == TOO_OLD


async def test_a_token_is_good_for_several_forms_and_tabs(ada: Browser) -> None:
    first, second = await ada.token(), await ada.token()
    assert [await ada.pay(each) for each in (second, first, first)] == [PAID] * 3


@pytest.mark.parametrize("method", UNSAFE)
async def test_every_unsafe_method_needs_a_token_on_a_route_added_later(
    method: str, app: FastAPI, ada: Browser
) -> None:
    async def change() -> str:
        await checkpoint()
        return "changed"

    app.api_route("/change", methods=[method])(change)
    token = await ada.token()
    assert await ada.send(method, "/change") == TOO_OLD
    assert await ada.send(method, "/change", headers={HEADER: token}) == (
        200,
        '"changed"',
    )


@pytest.mark.parametrize("method", ["get", "", "QUERY", "GET "])
async def test_a_method_that_is_not_known_as_safe_needs_a_token(
    method: str, guard: Csrf
) -> None:
    with pytest.raises(HTTPException):
        await guard(request(method))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
async def test_a_safe_method_needs_neither_token_nor_session(
    method: str, guard: Csrf
) -> None:
    await guard(request(method, session=""))


@pytest.mark.parametrize("page", [ELSEWHERE, SIBLING])
async def test_a_form_of_another_page_is_refused(page: str, ada: Browser) -> None:
    assert await ada.pay(page=page) == TOO_OLD


@pytest.mark.parametrize("page", [ELSEWHERE, SIBLING, HERE])
async def test_the_token_of_another_session_is_refused_from_anywhere(
    page: str, app: FastAPI, ada: Browser
) -> None:
    eve = Browser(app)
    await eve.log_in("eve")
    token = await eve.token()
    assert await eve.pay(token) == PAID
    assert await ada.pay(token, page=page) == TOO_OLD


async def test_the_token_from_before_log_in_is_refused_after_it(app: FastAPI) -> None:
    browser = Browser(app)
    before = await browser.token()
    await browser.log_in("ada")
    assert await browser.pay(before) == TOO_OLD


@pytest.mark.parametrize("page", [ELSEWHERE, SIBLING])
async def test_nobody_is_logged_in_by_somebody_elses_form(
    page: str, app: FastAPI
) -> None:
    ada, eve = Browser(app), Browser(app)
    await ada.token()
    forged = {"name": "eve", "csrf_token": await eve.token()}
    assert await ada.send("POST", "/log-in", forged, page=page) == TOO_OLD
    assert await eve.send("POST", "/log-in", forged) == (200, '"welcome eve"')


async def test_without_same_site_the_token_alone_refuses_a_foreign_form(
    ada: Browser,
) -> None:
    ada.same_site[SESSION] = "none"
    assert ada.sends(SESSION, "POST", ELSEWHERE)
    assert await ada.pay(page=ELSEWHERE) == TOO_OLD


async def test_with_a_stolen_token_same_site_alone_refuses_a_foreign_form(
    ada: Browser,
) -> None:
    assert await ada.pay(await ada.token(), page=ELSEWHERE) == TOO_OLD


async def test_a_link_of_another_site_carries_the_session_so_get_must_change_nothing(
    ada: Browser,
) -> None:
    assert ada.sends(SESSION, "GET", ELSEWHERE)
    status, _ = await ada.send("GET", "/page", page=ELSEWHERE)
    assert (status, ada.headers) == (200, [])


async def test_plain_text_that_looks_like_json_is_refused(ada: Browser) -> None:
    body = '{"to": "eve", "amount": "100", "": "="}'
    answer = await ada.send("POST", "/pay", body, page=SIBLING, headers=PLAIN)
    assert answer == TOO_OLD


async def test_an_application_mounted_below_is_not_covered(
    app: FastAPI, ada: Browser
) -> None:
    async def change() -> str:
        await checkpoint()
        return "changed"

    below = FastAPI(openapi_url=None)
    below.post("/change")(change)
    app.mount("/below", below)
    assert await ada.send("POST", "/below/change") == (200, '"changed"')


async def test_a_websocket_cannot_be_opened_past_the_dependency(app: FastAPI) -> None:
    async def quotes(_socket: WebSocket) -> None:
        await checkpoint()
        opened.append("quotes")

    async def receive() -> dict[str, Any]:
        await checkpoint()
        return {"type": "websocket.connect"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        await checkpoint()

    app.websocket("/quotes")(quotes)
    opened: list[str] = []
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/quotes",
        "headers": [],
        "query_string": b"",
    }
    with pytest.raises(TypeError, match="'request'"):
        await app(scope, receive, send)
    assert opened == []


async def test_a_visitor_gets_an_id_with_all_flags_and_keeps_it(app: FastAPI) -> None:
    browser = Browser(app)
    first = await browser.token()
    session = browser.cookies[SESSION]
    assert browser.headers == [
        f"__Host-session={session}; HttpOnly; Path=/; SameSite=lax; Secure"
    ]
    assert len(session) == 43  # 256 bits in base64
    second = await browser.token()
    assert browser.headers == []
    assert {await browser.pay(first), await browser.pay(second)} == {PAID}


async def test_two_forms_of_a_visitors_first_page_are_both_good(guard: Csrf) -> None:
    first, response = request(session=""), Response()
    tokens = [guard.token(first, response) for _ in range(2)]
    [cookie] = response.headers.getlist("set-cookie")
    session = SimpleCookie(cookie)[SESSION].value
    assert tokens[0] != tokens[1]
    for token in tokens:
        await guard(request(session=session, token=token))


async def test_of_two_first_pages_loaded_at_once_the_later_ones_form_is_good(
    app: FastAPI,
) -> None:
    browser = Browser(app)
    earlier = await browser.token()
    browser.cookies.clear()  # the second request left before the first answer came
    later = await browser.token()
    assert [await browser.pay(later), await browser.pay(earlier)] == [PAID, TOO_OLD]


async def test_a_damaged_form_is_a_bad_request(ada: Browser) -> None:
    kind = {"Content-Type": "multipart/form-data"}
    status, _ = await ada.send("POST", "/pay", "--", headers=kind)
    assert status == 400


async def test_two_visitors_get_two_ids(app: FastAPI) -> None:
    one, other = Browser(app), Browser(app)
    assert await one.token() != await other.token()
    assert one.cookies[SESSION] != other.cookies[SESSION]


def test_a_token_is_a_nonce_of_16_bytes_and_an_hmac_of_nonce_and_session(
    guard: Csrf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def token_bytes(size: int) -> bytes:
        asked.append(size)
        return NONCE

    monkeypatch.setattr(recommended, "token_bytes", token_bytes)
    token = guard.token(request(), Response())
    mac = hmac.new(KEY, NONCE + b"adas", "sha256")
    assert token == NONCE.hex() + mac.hexdigest()
    assert asked == [16]


def test_two_tokens_of_one_session_have_nothing_in_common(guard: Csrf) -> None:
    first, second = (guard.token(request(), Response()) for _ in range(2))
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


@pytest.mark.parametrize("part", [range(16), range(16, 48)], ids=["nonce", "mac"])
async def test_no_bit_of_a_token_can_be_changed(part: range, guard: Csrf) -> None:
    token = bytes.fromhex(guard.token(request(), Response()))
    accepted: list[tuple[int, int]] = []
    for at in part:
        for bit in range(8):
            changed = bytearray(token)
            changed[at] ^= 1 << bit
            if await lets_in(guard, changed.hex()):
                accepted.append((at, bit))
    assert accepted == []
    assert await lets_in(guard, token.hex())


@pytest.mark.parametrize(
    "written",
    [
        "no hex",
        "ä",
        "00",
        "0",
        "\0",
        "a" * 1_000_000,
        "{nonce}",
        "{short}",
        "{nonce}{mac}00",
        "{mac}{nonce}",
    ],
)
async def test_what_is_no_token_is_refused_and_no_failure(
    written: str, guard: Csrf
) -> None:
    token = guard.token(request(), Response())
    sent = written.format(nonce=token[:32], mac=token[32:], short=token[:-2])
    assert not await lets_in(guard, sent)


async def test_a_file_in_the_tokens_field_is_refused(ada: Browser) -> None:
    body = (
        "--end\r\nContent-Disposition: form-data; name=csrf_token; filename=a\r\n\r\n"
        f"{await ada.token()}\r\n--end--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=end"}
    assert await ada.send("POST", "/pay", body, headers=kind) == TOO_OLD


@pytest.mark.parametrize("session", ["", "bobs"])
async def test_without_the_session_a_token_is_worth_nothing(
    session: str, guard: Csrf
) -> None:
    token = guard.token(request(), Response())
    of_nobody = (NONCE + hmac.digest(KEY, NONCE, "sha256")).hex()
    for each in (token, of_nobody):
        with pytest.raises(HTTPException) as refused:
            await guard(request(session=session, token=each))
        assert (refused.value.status_code, refused.value.detail) == (
            403,
            "This page is too old. Load it again.",
        )


async def test_a_token_of_another_key_is_refused(guard: Csrf) -> None:
    other = Csrf(bytes(32)).token(request(), Response())
    assert not await lets_in(guard, other)


async def test_the_mac_is_compared_by_compare_digest(
    guard: Csrf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    compared: list[tuple[int, int]] = []
    monkeypatch.setattr(recommended, "compare_digest", compare_digest)
    assert await lets_in(guard, guard.token(request(), Response()))
    assert not await lets_in(guard, "00" * 48)
    assert compared == [(32, 32)] * 2


def test_a_key_of_31_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="the key must") as refused:
        Csrf(bytes(31))
    assert str(refused.value) == "the key must have 32 bytes, not 31"


async def test_lax_sends_the_session_with_a_form_of_a_sibling_host(
    ada: Browser, observe: Observe, attack: Attack
) -> None:
    theirs = Browser(bank(avoid.SameSiteAlone()))
    await theirs.log_in("ada")
    assert await theirs.pay() == PAID
    attack.sent("a form on blog.bank.example that posts to=eve&amount=100 by itself")
    assert await theirs.pay(page=ELSEWHERE) == (403, '{"detail":"Log in."}')
    status, text = await theirs.pay(page=SIBLING)
    observe(f"a form on blog.bank.example: {status} {text}")
    attack.happened(f"{status} {text}")
    assert (status, text) == PAID
    status, text = await ada.pay(page=SIBLING)
    attack.now(f"{status} {text}")
    assert (status, text) == TOO_OLD


async def test_whoever_plants_the_cookie_chooses_the_token(
    ada: Browser, observe: Observe, attack: Attack
) -> None:
    theirs = Browser(bank(avoid.DoubleSubmit()))
    await theirs.log_in("ada")
    assert await theirs.pay(await theirs.token()) == PAID
    assert await theirs.pay("mine") == TOO_OLD
    planted = "csrf=mine; Domain=bank.example; Path=/"
    attack.sent(f"blog.bank.example: Set-Cookie: {planted}, then a form with mine")
    for browser in (ada, theirs):
        browser.take(planted, page=SIBLING)
    status, text = await theirs.pay("mine", page=SIBLING)
    observe(f"csrf_token=mine: {status} {text}")
    attack.happened(f"{status} {text}")
    assert (status, text) == PAID
    status, text = await ada.pay("mine", page=SIBLING)
    attack.now(f"{status} {text}")
    assert (status, text) == TOO_OLD


async def test_a_token_that_eve_was_given_is_good_for_ada(observe: Observe) -> None:
    app = bank(avoid.AnyOfOurs())
    ada, eve = Browser(app), Browser(app)
    await ada.log_in("ada")
    assert await ada.pay("guessed") == TOO_OLD
    status, text = await ada.pay(await eve.token(), page=SIBLING)
    observe(f"ada's browser, eve's token: {status} {text}")
    assert (status, text) == PAID


async def test_a_form_of_plain_text_can_send_json(observe: Observe) -> None:
    async def pay(request: Request) -> str:
        order = await avoid.read_json(request)
        return f"paid {order['amount']} to {order['to']}"

    app = FastAPI(openapi_url=None)
    app.post("/pay")(pay)
    browser = Browser(app)
    body = '{"to": "eve", "amount": 100, "": "="}'  # name, equals sign, value

    async def forge() -> tuple[int, str]:
        return await browser.send("POST", "/pay", body, page=SIBLING, headers=PLAIN)

    assert await forge() == (403, '{"detail":"Log in."}')
    browser.take(f"{SESSION}=adas; Path=/; Secure; SameSite=Lax")
    status, text = await forge()
    observe(f"<form enctype=text/plain>: {status} {text}")
    assert (status, text) == PAID
