from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from httpx2 import ASGITransport, AsyncClient
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from proof.testing.basics import Observe, untyped
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack, Evidence
from snippets.security import sessions_avoid as avoid
from snippets.security.sessions import COOKIE, Sessions

pytestmark = pytest.mark.anyio

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MOMENT = timedelta.resolution
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OTHER_LETTER = dict(zip(LETTERS, LETTERS[1:] + LETTERS[:1], strict=True))
SHOP = "https://shop.example"

type LogIn = Callable[[str, Request, Response], Awaitable[None]]
type User = Callable[[Request], Awaitable[str | None]]
type LogOut = Callable[[Request, Response], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Clock:
    """Tells the time, and may do something at the moment when it is asked."""

    def __init__(self) -> None:
        self.now = NINE
        self.when_asked: Callable[[], object] = list[None]

    def __call__(self) -> datetime:
        self.when_asked()
        return self.now

    def after(self, time: timedelta) -> None:
        self.now += time


class Browser:
    """Keeps and sends cookies by RFC 6265bis, of one site, and over TLS or not."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}
        self._flags: dict[str, set[str]] = {}
        self.headers: list[str] = []

    async def get(self, path: str, at: str = SHOP) -> str:
        tls = at.startswith("https:")
        sent = [
            f"{name}={value}"
            for name, value in self.cookies.items()
            if tls or "secure" not in self._flags[name]
        ]
        headers = {b"Cookie": "; ".join(sent).encode("latin-1")} if sent else {}
        transport = ASGITransport(self._app)
        async with AsyncClient(transport=transport, base_url=at) as client:
            answer = await client.get(path, headers=headers)
        self.headers = answer.headers.get_list("set-cookie")
        for header in self.headers:
            self.take(header)
        return answer.text

    def take(self, header: str) -> None:
        """Obey a Set-Cookie header that came over TLS, or refuse it."""
        for name, cookie in SimpleCookie(header).items():
            flags = {flag for flag, value in cookie.items() if value != ""}
            of_this_host = (
                "secure" in flags and "domain" not in flags and cookie["path"] == "/"
            )
            if name.startswith("__Host-") and not of_this_host:
                continue
            self.cookies.pop(name, None)
            if cookie["max-age"] != "0":
                self.cookies[name] = cookie.value
                self._flags[name] = flags

    def read_by_scripts(self) -> dict[str, str]:
        """Give what ``document.cookie`` holds."""
        return {
            name: value
            for name, value in self.cookies.items()
            if "httponly" not in self._flags[name]
        }

    def put(self, name: str, value: str) -> None:
        """Hold a cookie that no header brought."""
        self.cookies[name], self._flags[name] = value, {"secure"}

    def copy(self, **cookies: str) -> "Browser":
        """Make a thief's browser, with these cookies or all that are here."""
        thief = Browser(self._app)
        for name, value in (cookies or self.cookies).items():
            thief.put(name, value)
        return thief


def shop(log_in: LogIn, user: User, log_out: LogOut) -> Starlette:
    async def log_in_(request: Request) -> Response:
        response = PlainTextResponse("welcome")
        await log_in(request.path_params["name"], request, response)
        return response

    async def account(request: Request) -> Response:
        name = await user(request)
        return PlainTextResponse(f"account of {name}" if name else "please log in")

    async def log_out_(request: Request) -> Response:
        response = PlainTextResponse("bye")
        await log_out(request, response)
        return response

    return Starlette(
        routes=[
            Route("/log-in/{name}", log_in_),
            Route("/account", account),
            Route("/log-out", log_out_),
        ]
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(valkey: str) -> AsyncGenerator[Redis]:
    client: Redis = untyped("redis.asyncio").Redis.from_url(valkey)
    async with client:
        yield client


@pytest.fixture
def forget_all(valkey: str, key_prefix: str) -> Callable[[], object]:
    """End all sessions, while others wait."""

    def end() -> None:
        with untyped("redis").Redis.from_url(valkey) as client:
            client.delete(*client.scan_iter(f"{key_prefix}*"))

    return end


@pytest.fixture
def sessions(store: Redis, clock: Clock, key_prefix: str) -> Sessions:
    return Sessions(store, clock, key_prefix)


@pytest.fixture
def browser(sessions: Sessions) -> Browser:
    return Browser(shop(sessions.log_in, sessions.user, sessions.log_out))


@pytest.fixture
def avoided(store: Redis, clock: Clock, key_prefix: str) -> avoid.Sessions:
    return avoid.Sessions(store, clock, key_prefix)


@pytest.fixture
def signed(clock: Clock) -> Browser:
    sessions = avoid.SignedSessions(b"k" * 32, clock)
    return Browser(
        shop(
            awaited(lambda user, _, response: sessions.log_in(user, response)),
            awaited(sessions.user),
            awaited(lambda _, response: sessions.log_out(response)),
        )
    )


def awaited[**P, R](call: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Let a function be awaited."""

    async def call_it(*args: P.args, **keywords: P.kwargs) -> R:
        await checkpoint()
        return call(*args, **keywords)

    return call_it


async def keys(store: Redis, prefix: str) -> list[str]:
    return [key.decode() async for key in untyped_scan(store, prefix)]


def untyped_scan(store: Any, prefix: str) -> Any:  # noqa: ANN401 - redis-py's types are partial
    return store.scan_iter(f"{prefix}*")


async def test_a_browser_is_known_from_log_in_to_log_out(browser: Browser) -> None:
    seen = [await browser.get("/account")]
    await browser.get("/log-in/ada")
    seen += [await browser.get("/account"), await browser.get("/account")]
    await browser.get("/log-out")
    seen.append(await browser.get("/account"))
    assert seen == [
        "please log in",
        "account of ada",
        "account of ada",
        "please log in",
    ]
    assert browser.cookies == {}


async def test_two_browsers_are_two_sessions(browser: Browser) -> None:
    other = browser.copy()
    await browser.get("/log-in/ada")
    await other.get("/log-in/bob")
    await browser.get("/log-out")
    assert await other.get("/account") == "account of bob"


async def test_the_cookie_holds_32_random_bytes_and_the_store_their_hash(
    browser: Browser,
    store: Redis,
    key_prefix: str,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def urandom(size: int) -> bytes:
        asked.append(size)
        return bytes(range(size))

    monkeypatch.setattr("secrets.token_bytes", urandom)
    await browser.get("/log-in/ada")
    token = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # noqa: S105 - 0 to 31 in base64
    assert asked == [32]
    assert browser.headers == [
        f"__Host-session={token}; HttpOnly; Path=/; SameSite=lax; Secure"
    ]
    (key,) = await keys(store, key_prefix)
    hashed = "ea866a757e4c38babfa8127cbe9a409d3e1f93a00ff1488ff735fcf917afffd0"
    assert key == key_prefix + hashed
    kept = await store.get(key)
    assert isinstance(kept, bytes)
    assert kept == (
        b'{"user":"ada","begun":"2026-11-02T09:00:00Z","seen":"2026-11-02T09:00:00Z"}'
    )
    evidence.add("What the browser gets", f"Set-Cookie: {browser.headers[0]}")
    evidence.add("What Valkey keeps", f"session:{hashed}\n{kept.decode()}")


async def test_a_script_never_sees_the_cookie_and_plain_http_never_carries_it(
    browser: Browser,
) -> None:
    await browser.get("/log-in/ada")
    assert browser.read_by_scripts() == {}
    plainly = await browser.get("/account", at="http://shop.example")
    assert plainly == "please log in"


async def test_a_log_in_gives_a_new_id_and_ends_the_session_before_it(
    browser: Browser, store: Redis, key_prefix: str
) -> None:
    await browser.get("/log-in/ada")
    before = browser.copy()
    await browser.get("/log-in/ada")
    assert before.cookies != browser.cookies
    assert await before.get("/account") == "please log in"
    assert await browser.get("/account") == "account of ada"
    assert len(await keys(store, key_prefix)) == 1


def test_another_host_of_the_domain_cannot_set_the_cookie() -> None:
    browser = Browser(Starlette())
    browser.take("__Host-session=planted; Domain=shop.example; Path=/; Secure")
    assert browser.cookies == {}


async def test_a_log_out_without_the_flags_would_leave_the_cookie(
    browser: Browser,
) -> None:
    await browser.get("/log-in/ada")
    careless = Response()
    careless.delete_cookie("__Host-session")
    browser.take(careless.headers["set-cookie"])
    assert list(browser.cookies) == ["__Host-session"]


@pytest.mark.parametrize("at", [0, 1, 21, 41, 42])
async def test_a_token_with_one_other_letter_is_nobodys(
    at: int, browser: Browser
) -> None:
    await browser.get("/log-in/ada")
    token = browser.cookies["__Host-session"]
    tampered = token[:at] + OTHER_LETTER[token[at]] + token[at + 1 :]
    thief = browser.copy(**{"__Host-session": tampered})
    assert await thief.get("/account") == "please log in"
    assert await browser.get("/account") == "account of ada"


@pytest.mark.parametrize("token", ["", "guess", "ä", "*", "a" * 3000])
async def test_an_id_that_was_never_given_out_is_nobodys(
    token: str, browser: Browser
) -> None:
    await browser.get("/log-in/ada")
    thief = browser.copy(**{"__Host-session": token})
    assert await thief.get("/account") == "please log in"


async def test_the_hash_from_a_stolen_dump_opens_nothing(
    browser: Browser, store: Redis, key_prefix: str
) -> None:
    await browser.get("/log-in/ada")
    (key,) = await keys(store, key_prefix)
    thief = browser.copy(**{"__Host-session": key.removeprefix(key_prefix)})
    assert await thief.get("/account") == "please log in"


async def test_a_session_is_over_30_minutes_after_the_last_request(
    browser: Browser, clock: Clock
) -> None:
    await browser.get("/log-in/ada")
    seen: list[str] = []
    for idle in (timedelta(minutes=30) - MOMENT, timedelta(minutes=30)):
        clock.after(idle)
        seen.append(await browser.get("/account"))
    assert seen == ["account of ada", "please log in"]


async def test_a_session_is_over_8_hours_after_log_in_however_busy(
    browser: Browser, clock: Clock
) -> None:
    await browser.get("/log-in/ada")
    for _ in range(31):
        clock.after(timedelta(minutes=15))
        assert await browser.get("/account") == "account of ada"
    clock.after(timedelta(minutes=15) - MOMENT)
    assert await browser.get("/account") == "account of ada"
    clock.after(MOMENT)
    assert await browser.get("/account") == "please log in"


async def test_what_is_over_is_deleted_and_a_clock_set_back_brings_nothing_back(
    browser: Browser, store: Redis, key_prefix: str, clock: Clock
) -> None:
    await browser.get("/log-in/ada")
    clock.after(timedelta(minutes=30))
    await browser.get("/account")
    assert await keys(store, key_prefix) == []
    clock.after(-timedelta(minutes=30))
    assert await browser.get("/account") == "please log in"


@pytest.mark.parametrize("path", ["/log-in/bob", "/account"])
async def test_valkey_forgets_by_itself_what_nobody_asks_for(
    path: str, browser: Browser, store: Redis, key_prefix: str
) -> None:
    await browser.get("/log-in/ada")
    await browser.get(path)
    (key,) = await keys(store, key_prefix)
    half_an_hour = 30 * 60
    assert half_an_hour - 60 < await store.ttl(key) <= half_an_hour


async def test_a_log_out_while_a_request_is_under_way_is_final(
    browser: Browser,
    clock: Clock,
    store: Redis,
    key_prefix: str,
    forget_all: Callable[[], object],
) -> None:
    await browser.get("/log-in/ada")
    clock.when_asked = forget_all
    assert await browser.get("/account") == "please log in"
    assert await keys(store, key_prefix) == []


async def test_all_sessions_of_one_user_can_be_ended_and_new_ones_started(
    browser: Browser, sessions: Sessions, clock: Clock
) -> None:
    phone, bobs = browser.copy(), browser.copy()
    await browser.get("/log-in/ada")
    await phone.get("/log-in/ada")
    await bobs.get("/log-in/bob")
    await sessions.log_out_everywhere("ada")
    clock.after(MOMENT)
    seen = [await each.get("/account") for each in (browser, phone, bobs)]
    assert seen == ["please log in", "please log in", "account of bob"]
    await phone.get("/log-in/ada")
    assert await phone.get("/account") == "account of ada"


async def test_what_ended_a_users_sessions_is_kept_as_long_as_they_could_have_lasted(
    browser: Browser, sessions: Sessions, store: Redis, key_prefix: str
) -> None:
    await browser.get("/log-in/ada")
    await sessions.log_out_everywhere("ada")
    eight_hours = 8 * 60 * 60
    ended = f"{key_prefix}ended:ada"
    assert eight_hours - 60 < await store.ttl(ended) <= eight_hours
    assert await browser.get("/account") == "please log in"
    assert await keys(store, key_prefix) == [ended]


@pytest.mark.parametrize("token", ["ended:ada", "../ended:ada", "*"])
async def test_a_cookie_reaches_no_key_but_a_hash(
    token: str, browser: Browser, sessions: Sessions, store: Redis, key_prefix: str
) -> None:
    await sessions.log_out_everywhere("ada")
    browser.put(COOKIE, token)
    assert await browser.get("/account") == "please log in"
    await browser.get("/log-out")
    assert await keys(store, key_prefix) == [f"{key_prefix}ended:ada"]


@pytest.mark.parametrize("kept", ["", "{}", '{"user": "ada"}'])
async def test_a_session_that_another_release_wrote_is_over(
    kept: str, browser: Browser, store: Redis, key_prefix: str
) -> None:
    await browser.get("/log-in/ada")
    (key,) = await keys(store, key_prefix)
    await store.set(key, kept)
    assert await browser.get("/account") == "please log in"


async def test_a_copied_signed_cookie_opens_the_account_after_log_out(
    signed: Browser, browser: Browser, observe: Observe, attack: Attack
) -> None:
    async def replay(victim: Browser) -> str:
        await victim.get("/log-in/ada")
        thief = victim.copy()
        await victim.get("/log-out")
        assert await victim.get("/account") == "please log in"
        return await thief.get("/account")

    attack.sent("ada's cookie, copied while she was logged in, after her log-out")
    seen = await replay(signed)
    observe(f"after the log-out: {seen}")
    attack.happened(seen)
    assert seen == "account of ada"
    seen = await replay(browser)
    attack.now(seen)
    assert seen == "please log in"


async def test_a_signed_cookie_cannot_be_changed_and_ends_in_the_end(
    signed: Browser, clock: Clock
) -> None:
    await signed.get("/log-in/ada")
    changed = signed.cookies["session"].replace("ada", "bob")
    assert await signed.copy(session=changed).get("/account") == "please log in"
    clock.after(timedelta(hours=8))
    assert await signed.get("/account") == "please log in"


async def test_an_id_that_somebody_planted_is_the_victims_after_log_in(
    avoided: avoid.Sessions, browser: Browser, observe: Observe, attack: Attack
) -> None:
    async def plant(victim: Browser, name: str) -> str:
        thief = victim.copy()
        await thief.get("/log-in/eve")
        planted = thief.cookies[name]
        victim.take(f"{name}={planted}; Domain=shop.example; Path=/; Secure")
        taken = "takes" if name in victim.cookies else "refuses"
        victim.put(name, planted)  # there are more ways to plant one
        await victim.get("/log-in/ada")
        return f"the browser {taken} it; eve, after ada's log-in: " + await thief.get(
            "/account"
        )

    old = Browser(
        shop(avoided.log_in_under_the_old_id, avoided.user_until_idle, avoided.log_out)
    )
    attack.sent(f"Set-Cookie: {avoid.COOKIE}=EVES-OWN-ID; Domain=shop.example; Path=/")
    seen = await plant(old, avoid.COOKIE)
    observe(seen)
    attack.happened(seen)
    assert seen == "the browser takes it; eve, after ada's log-in: account of ada"
    seen = await plant(browser, COOKIE)
    attack.now(f"{seen}, even if it were there")
    assert seen == "the browser refuses it; eve, after ada's log-in: please log in"


async def test_a_cookie_of_default_flags_is_read_by_scripts_and_on_the_wire(
    avoided: avoid.Sessions, observe: Observe
) -> None:
    async def log_in(user: str, _request: Request, response: Response) -> None:
        await avoided.log_in_with_default_flags(user, response)

    browser = Browser(shop(log_in, avoided.user_until_idle, avoided.log_out))
    await browser.get("/log-in/ada")
    (header,) = browser.headers
    observe(header.replace(browser.cookies["session"], "TOKEN"))
    assert list(browser.read_by_scripts()) == ["session"]
    plainly = await browser.get("/account", at="http://shop.example")
    assert plainly == "account of ada"


async def test_a_thief_who_calls_every_29_minutes_stays_for_ever(
    avoided: avoid.Sessions, clock: Clock, observe: Observe
) -> None:
    browser = Browser(
        shop(avoided.log_in_under_the_old_id, avoided.user_until_idle, avoided.log_out)
    )
    await browser.get("/log-in/ada")
    thief = browser.copy()
    for _ in range(100):
        clock.after(timedelta(minutes=29))
        assert await thief.get("/account") == "account of ada"
    observe(f"after {clock.now - NINE}: {await thief.get('/account')}")
    clock.after(timedelta(minutes=30))
    assert await thief.get("/account") == "please log in"


async def test_a_request_under_way_brings_back_the_session_that_was_ended(
    avoided: avoid.Sessions,
    clock: Clock,
    forget_all: Callable[[], object],
    observe: Observe,
) -> None:
    browser = Browser(
        shop(avoided.log_in_under_the_old_id, avoided.user_until_idle, avoided.log_out)
    )
    await browser.get("/log-in/ada")
    clock.when_asked = forget_all
    await browser.get("/account")
    clock.when_asked = list[None]
    seen = await browser.get("/account")
    observe(f"after the log-out: {seen}")
    assert seen == "account of ada"
    await browser.get("/log-out")
    assert await browser.get("/account") == "please log in"
