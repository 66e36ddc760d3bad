import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack, Measured
from snippets.security import rate_limiting_avoid as avoid
from snippets.security.rate_limiting import Throttle, TooManyAttemptsError, delay

pytestmark = pytest.mark.anyio

HOME = "192.0.2.1"
RIGHT = "sunshine"
DAY = 24 * 60 * 60
GROWING = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
NEAR = [f"198.51.100.{number}" for number in range(100)]

type LogIn = Callable[[str, str, str], Awaitable[bool]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Users:
    """Everybody's password is sunshine; says which ones were checked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.checked: list[str] = []

    def clock(self) -> float:
        return self.now

    async def check(self, name: str, password: str) -> bool:
        self.checked.append(name)
        await asyncio.sleep(0)
        return password == RIGHT


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def throttle(users: Users) -> Throttle:
    return Throttle(users.check, users.clock)


@pytest.fixture
def theirs(users: Users) -> avoid.Throttle:
    return avoid.Throttle(users.check, users.clock)


async def told(attempt: Awaitable[bool]) -> str:
    """Await an attempt, and say what became of it."""
    try:
        return "in" if await attempt else "wrong"
    except (TooManyAttemptsError, avoid.TooManyAttemptsError) as held:
        return str(held)


async def waits_before(
    throttle: Throttle, users: Users, attempts: list[tuple[str, str]]
) -> list[float]:
    """Guess for each name and address, as soon as it is let through."""
    waits: list[float] = []
    for name, address in attempts:
        begun = users.now
        while (seen := await told(throttle.log_in(name, "guess", address))) != "wrong":
            users.now += int(seen.removeprefix("try again in ").removesuffix(" s"))
        waits.append(users.now - begun)
    return waits


async def fail(throttle: Throttle, times: int, name: str = "ada") -> None:
    for _ in range(times):
        assert not await throttle.log_in(name, "guess", HOME)


async def test_the_right_password_is_let_in_and_no_other(throttle: Throttle) -> None:
    assert await throttle.log_in("ada", "sunshine", HOME)
    assert not await throttle.log_in("ada", "moonlight", HOME)


async def test_the_wait_for_one_account_doubles_up_to_15_minutes(
    throttle: Throttle, users: Users
) -> None:
    waits = await waits_before(throttle, users, [("ada", HOME)] * 20)
    assert waits == [0] * 5 + GROWING + [900] * 5


async def test_one_account_is_held_from_however_many_addresses(
    throttle: Throttle, users: Users
) -> None:
    attempts = [("ada", address) for address in NEAR[:20]]
    waits = await waits_before(throttle, users, attempts)
    assert waits == [0] * 5 + GROWING + [900] * 5


async def test_one_address_is_held_for_however_many_accounts(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", HOME) for number in range(35)]
    waits = await waits_before(throttle, users, attempts)
    assert waits == [0] * 20 + GROWING + [900] * 5


async def test_many_accounts_from_as_many_addresses_are_not_held(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", at) for number, at in enumerate(NEAR)]
    assert await waits_before(throttle, users, attempts) == [0] * 100


async def test_who_is_held_is_held_to_the_second_with_the_right_password_too(
    throttle: Throttle, users: Users
) -> None:
    await fail(throttle, 5)
    seen: list[str] = []
    for now in (0, 0.25, 1 - 1e-9, 1):
        users.now = now
        seen.append(await told(throttle.log_in("ada", "sunshine", HOME)))
    assert seen == ["try again in 1 s"] * 3 + ["in"]
    assert users.checked == ["ada"] * 6


async def test_an_attempt_that_is_held_costs_no_hash_and_prolongs_nothing(
    throttle: Throttle, users: Users
) -> None:
    await waits_before(throttle, users, [("ada", HOME)] * 9)
    users.checked.clear()
    seen = {await told(throttle.log_in("ada", "guess", HOME)) for _ in range(50)}
    assert (seen, users.checked) == ({"try again in 16 s"}, [])
    users.now += 16
    assert not await throttle.log_in("ada", "guess", HOME)


async def test_a_name_that_nobody_has_is_held_in_the_same_way(
    throttle: Throttle,
) -> None:
    await fail(throttle, 5, "nobody")
    assert await told(throttle.log_in("nobody", "guess", HOME)) == "try again in 1 s"


async def test_what_is_sent_at_once_is_not_all_checked(
    throttle: Throttle, users: Users
) -> None:
    seen = await asyncio.gather(
        *(told(throttle.log_in("ada", "guess", address)) for address in NEAR)
    )
    assert seen == ["wrong"] * 5 + ["try again in 1 s"] * 95
    assert users.checked == ["ada"] * 5


async def test_what_is_sent_at_once_by_one_address_is_not_all_checked(
    throttle: Throttle, users: Users
) -> None:
    names = [f"user{number}" for number in range(100)]
    seen = await asyncio.gather(
        *(told(throttle.log_in(name, "guess", HOME)) for name in names)
    )
    assert seen == ["wrong"] * 20 + ["try again in 1 s"] * 80
    assert users.checked == names[:20]


async def test_a_log_in_forgives_its_account(throttle: Throttle, users: Users) -> None:
    await fail(throttle, 4)
    assert await throttle.log_in("ada", "sunshine", HOME)
    assert await waits_before(throttle, users, [("ada", HOME)] * 7) == [0] * 5 + [1, 2]


async def test_a_user_may_log_in_on_two_devices_at_once(throttle: Throttle) -> None:
    log_ins = (throttle.log_in("ada", "sunshine", address) for address in (HOME, HOME))
    assert await asyncio.gather(*log_ins) == [True, True]


async def test_a_log_in_of_ones_own_forgives_an_address_nothing(
    throttle: Throttle, users: Users
) -> None:
    waits: list[float] = []
    for number in range(23):
        waits += await waits_before(throttle, users, [(f"user{number}", HOME)])
        assert await told(throttle.log_in("eve", "sunshine", HOME)) != "wrong"
    assert waits == [0] * 20 + [1, 2, 4]


async def test_an_office_behind_one_address_logs_in_in_the_morning(
    throttle: Throttle,
) -> None:
    for number in range(200):
        name = f"user{number}"
        assert await throttle.log_in(name, "sunshine", HOME)
    await fail(throttle, 4)
    assert await throttle.log_in("ada", "sunshine", HOME)


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
async def test_an_attempt_that_is_broken_off_counts(
    error: type[BaseException], users: Users
) -> None:
    async def check(name: str, password: str) -> bool:
        await users.check(name, password)
        raise error

    throttle = Throttle(check, users.clock)
    for _ in range(5):
        with pytest.raises(error):
            await throttle.log_in("ada", "guess", HOME)
    assert await told(throttle.log_in("ada", "guess", HOME)) == "try again in 1 s"


async def test_all_spellings_of_a_name_are_one_account(
    throttle: Throttle, users: Users
) -> None:
    names = ["ada", "Ada", "ADA", " ada ", "\uff41\uff44\uff41", "ada"]
    attempts = [(name, HOME) for name in names]
    assert await waits_before(throttle, users, attempts) == [0] * 5 + [1]
    assert users.checked == names  # as they were typed


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "try again in 1 s"),
        ("2001:db8:0:1::%eth0", "try again in 1 s"),
        ("2001:db8:0:0::1", "wrong"),
        ("2001:db8:0:2::1", "wrong"),
        ("192.0.2.1", "wrong"),
    ],
)
async def test_an_ipv6_network_of_64_bits_is_one_address(
    other: str, expected: str, throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", f"2001:db8:0:1::{number:x}") for number in range(20)]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in("ada", "guess", other)) == expected


async def test_an_ipv4_address_is_the_same_when_it_is_written_as_ipv6(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", f"::ffff:{HOME}") for number in range(20)]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in("ada", "guess", HOME)) == "try again in 1 s"
    assert await told(throttle.log_in("ada", "guess", "::ffff:192.0.2.2")) == "wrong"


async def test_what_is_no_address_is_an_error(throttle: Throttle, users: Users) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        await throttle.log_in("ada", "sunshine", "testclient")
    assert users.checked == []


@pytest.mark.parametrize(("after", "waits"), [(DAY - 1, [0, 2]), (DAY, [0, 0])])
async def test_a_day_without_an_attempt_forgives_everything(
    after: int, waits: list[int], throttle: Throttle, users: Users
) -> None:
    await fail(throttle, 5)
    users.now += after
    assert await waits_before(throttle, users, [("ada", HOME)] * 2) == waits


async def test_no_more_is_kept_than_a_day_brings(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", at) for number, at in enumerate(NEAR)]
    await waits_before(throttle, users, attempts)
    users.now = 1
    await waits_before(throttle, users, attempts[:1])
    kept = vars(throttle)["_tallies"]
    assert len(kept) == 200
    users.now = DAY
    await waits_before(throttle, users, [("ada", HOME)])
    assert [(key.who, tally) for key, tally in kept.items()] == [
        ("user0", (2, 1)),
        (NEAR[0], (2, 1)),
        ("ada", (1, DAY)),
        (HOME, (1, DAY)),
    ]


async def test_an_account_that_is_called_like_an_address_is_no_address(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(HOME, address) for address in NEAR[:5]]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in(HOME, "guess", NEAR[5])) == "try again in 1 s"
    assert await told(throttle.log_in("ada", "guess", HOME)) == "wrong"


@settings(derandomize=True, database=None, deadline=None)
@given(failures=st.integers(0, 2000), free=st.integers(0, 100))
def test_the_delay_never_shrinks_and_never_exceeds_15_minutes(
    failures: int, free: int
) -> None:
    wait = delay(failures, free)
    assert (wait == 0) == (failures < free)
    assert wait <= delay(failures + 1, free) <= min(max(1, 2 * wait), 900)


def shop(throttle: Throttle, address_of: Callable[[Request], str]) -> Starlette:
    """Make an application that answers 429 to whom the throttle holds."""

    async def log_in(request: Request) -> PlainTextResponse:
        name, _, password = (await request.body()).decode().partition(":")
        right = await throttle.log_in(name, password, address_of(request))
        return PlainTextResponse("welcome" if right else "wrong name or password")

    async def held(_request: Request, error: Exception) -> PlainTextResponse:
        await asyncio.sleep(0)
        assert isinstance(error, TooManyAttemptsError)
        headers = {"Retry-After": str(error.retry_after)}
        return PlainTextResponse("too many attempts", 429, headers=headers)

    return Starlette(
        routes=[Route("/log-in", log_in, methods=["POST"])],
        exception_handlers={TooManyAttemptsError: held},
    )


def peer(request: Request) -> str:
    assert request.client is not None
    return request.client.host


async def spray(app: Starlette) -> list[str]:
    """Try one password on 100 accounts, each time with another header."""
    transport = ASGITransport(app, client=(HOME, 50000))
    async with AsyncClient(transport=transport, base_url="https://shop") as client:
        answers = [
            await client.post(
                "/log-in",
                content=f"user{number}:guess",
                headers={"X-Forwarded-For": address},
            )
            for number, address in enumerate(NEAR)
        ]
    return [
        f"{answer.status_code} {answer.headers.get('retry-after', '')}".strip()
        for answer in answers
    ]


async def test_who_is_held_gets_a_429_that_says_how_long(throttle: Throttle) -> None:
    assert await spray(shop(throttle, peer)) == ["200"] * 20 + ["429 1"] * 80


async def test_a_header_gives_each_guess_an_address_of_its_own(
    throttle: Throttle, observe: Observe
) -> None:
    answers = await spray(shop(throttle, avoid.address_of))
    observe(
        f"{answers.count('200')} of {len(answers)} guesses from one address checked"
    )
    assert answers == ["200"] * 100


async def checked_at_once(
    log_in: LogIn, users: Users, attempts: list[tuple[str, str]]
) -> int:
    """Try all, one after the other, at one time, and count the ones not held."""
    users.checked.clear()
    for name, address in attempts:
        await told(log_in(name, "guess", address))
    return len(users.checked)


async def test_one_account_is_guessed_from_many_addresses(
    throttle: Throttle,
    theirs: avoid.Throttle,
    users: Users,
    observe: Observe,
    attack: Attack,
) -> None:
    attempts = [("ada", address) for address in NEAR * 5]
    attack.sent("500 passwords for ada, from 100 addresses")
    checked = await checked_at_once(theirs.log_in_by_address, users, attempts)
    observe(f"{checked} of 500 passwords checked")
    attack.happened(f"{checked} passwords are checked")
    assert checked == 500
    assert await told(theirs.log_in_by_address("ada", "", NEAR[0])) == "try again later"
    checked = await checked_at_once(throttle.log_in, users, attempts)
    attack.now(f"{checked} passwords are checked, then ada's account has to wait")
    assert checked == 5


async def test_one_password_is_tried_on_every_account(
    throttle: Throttle,
    theirs: avoid.Throttle,
    users: Users,
    observe: Observe,
    attack: Attack,
) -> None:
    attempts = [(f"user{number}", HOME) for number in range(500)]
    attack.sent("one password for 500 accounts, from one address")
    checked = await checked_at_once(theirs.log_in_by_account, users, attempts)
    observe(f"{checked} of 500 accounts checked")
    attack.happened(f"{checked} accounts are checked")
    assert checked == 500
    for _ in range(5):
        await told(theirs.log_in_by_account("ada", "guess", HOME))
    assert await told(theirs.log_in_by_account("ada", "", HOME)) == "try again later"
    checked = await checked_at_once(throttle.log_in, users, attempts)
    attack.now(f"{checked} accounts are checked, then the address has to wait")
    assert checked == 20


async def test_a_log_in_of_ones_own_between_guesses_forgives_them(
    theirs: avoid.Throttle, users: Users, observe: Observe
) -> None:
    for number in range(400):
        name, password = ("eve", "sunshine") if number % 5 == 4 else ("ada", "guess")
        assert await told(theirs.log_in_and_forgive(name, password, HOME)) in {
            "in",
            "wrong",
        }
    observe(f"{users.checked.count('ada')} guesses for ada, 80 log-ins of eve, no wait")
    assert users.checked.count("ada") == 320


async def test_guesses_sent_at_once_are_checked_before_one_counts(
    theirs: avoid.Throttle, users: Users, observe: Observe
) -> None:
    seen = await asyncio.gather(
        *(told(theirs.log_in_then_count("ada", "guess", HOME)) for _ in range(100))
    )
    observe(f"{len(users.checked)} of 100 passwords checked")
    assert seen == ["wrong"] * 100
    assert await told(theirs.log_in_then_count("ada", "", HOME)) == "try again later"
    users.now = avoid.WINDOW
    assert await told(theirs.log_in_then_count("ada", "sunshine", HOME)) == "in"


async def test_a_day_of_guessing_comes_to_a_hundred_tries(
    throttle: Throttle, theirs: avoid.Throttle, users: Users, measured: Measured
) -> None:
    async def in_a_day(log_in: LogIn, attempts: list[tuple[str, str]]) -> int:
        """Count what is checked if all is tried each quarter of an hour."""
        users.now += 2 * DAY  # what was tried before is forgotten
        users.checked.clear()
        for _ in range(DAY // avoid.WINDOW):
            users.now += avoid.WINDOW
            for name, address in attempts:
                await told(log_in(name, "guess", address))
        return len(users.checked)

    one_account = [("ada", address) for address in NEAR[:4]] * 6
    one_address = [(f"user{number}", HOME) for number in range(4)] * 6
    by_account = {
        "Throttle": await in_a_day(throttle.log_in, one_account),
        "log_in_by_address": await in_a_day(theirs.log_in_by_address, one_account),
    }
    by_address = {
        "Throttle": await in_a_day(throttle.log_in, one_address),
        "log_in_by_account": await in_a_day(theirs.log_in_by_account, one_address),
    }
    measured.row("Guesses at one account from 4 addresses in a day", "", by_account)
    measured.row("Guesses at 4 accounts from one address in a day", "", by_address)
    failures = list(range(4, 17))
    measured.plot(
        "Wait before the next guess at one account",
        "s",
        over="failures",
        sizes=failures,
        values={"Throttle": [delay(each, free=5) for each in failures]},
    )
    assert by_account == {"Throttle": 100, "log_in_by_address": 1920}
    assert by_address == {"Throttle": 115, "log_in_by_account": 1920}
