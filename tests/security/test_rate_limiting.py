import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import example, given, settings
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

HOME = IPv4Address("192.0.2.1")
RIGHT = "sunshine"
DAY = 24 * 60 * 60
GROWING = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512]  # one is forgiven meanwhile
QUARTER = 15 * 60
NEAR = [IPv4Address("198.51.100.0") + number for number in range(100)]

type Ip = IPv4Address | IPv6Address
type LogIn = Callable[[str, str, Ip], Awaitable[bool]]


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
    throttle: Throttle, users: Users, attempts: Sequence[tuple[str, Ip]]
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
    assert waits == [0] * 5 + GROWING + [900] * 4


async def test_one_account_is_held_from_however_many_addresses(
    throttle: Throttle, users: Users
) -> None:
    attempts = [("ada", address) for address in NEAR[:20]]
    waits = await waits_before(throttle, users, attempts)
    assert waits == [0] * 5 + GROWING + [900] * 4


async def test_one_address_is_held_for_however_many_accounts(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", HOME) for number in range(35)]
    waits = await waits_before(throttle, users, attempts)
    assert waits == [0] * 20 + GROWING + [900] * 4


async def test_many_accounts_from_as_many_addresses_are_not_held(
    throttle: Throttle, users: Users
) -> None:
    attempts = [(f"user{number}", at) for number, at in enumerate(NEAR)]
    assert await waits_before(throttle, users, attempts) == [0] * 100


async def test_whoever_is_held_is_held_to_the_second_with_the_right_password_too(
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
    "name", ["", " ", "\0", "\ud800", "\N{ARABIC-INDIC DIGIT ONE}"]
)
async def test_no_text_is_refused_as_a_name(name: str, throttle: Throttle) -> None:
    await fail(throttle, 5, name)
    assert await told(throttle.log_in(name, "guess", NEAR[0])) == "try again in 1 s"


async def test_a_name_of_a_megabyte_is_kept_as_32_bytes(
    throttle: Throttle, users: Users
) -> None:
    tracemalloc.start()
    try:
        await fail(throttle, 1, "a" * 1_000_000)
        users.checked.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000


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
    network = IPv6Address("2001:db8:0:1::")
    attempts = [(f"user{number}", network + number) for number in range(20)]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in("ada", "guess", ip_address(other))) == expected


async def test_an_ipv4_address_is_the_same_when_it_is_written_as_ipv6(
    throttle: Throttle, users: Users
) -> None:
    mapped = IPv6Address(f"::ffff:{HOME}")
    attempts = [(f"user{number}", mapped) for number in range(20)]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in("ada", "guess", HOME)) == "try again in 1 s"
    assert await told(throttle.log_in("ada", "guess", mapped + 1)) == "wrong"
    assert await told(throttle.log_in("ada", "guess", HOME + 256)) == "wrong"


async def test_two_mistypes_a_day_never_add_up_in_an_office(
    throttle: Throttle, users: Users
) -> None:
    for day in range(60):
        users.now = day * DAY
        for number in range(2):
            name = f"user{number}"
            assert await told(throttle.log_in(name, "guess", HOME)) == "wrong"
            assert await told(throttle.log_in(name, "sunshine", HOME)) == "in"


@pytest.mark.parametrize(("after", "waits"), [(2, [0, 1]), (3, [0, 0, 1])])
async def test_every_quarter_of_an_hour_one_failure_is_forgiven(
    after: int, waits: list[int], throttle: Throttle, users: Users
) -> None:
    await fail(throttle, 5)
    users.now = after * QUARTER - QUARTER / 2  # what is forgiven by half still counts
    attempts = [("ada", HOME)] * len(waits)
    assert await waits_before(throttle, users, attempts) == waits


async def test_guessing_now_and_then_gets_no_more_than_four_tries_an_hour_for_nothing(
    throttle: Throttle, users: Users
) -> None:
    seen: list[str] = []
    for minute in range(0, 10 * 60, 10):
        users.now = minute * 60
        seen.append(await told(throttle.log_in("ada", "guess", HOME)))
    assert seen[:12] == ["wrong"] * 12
    users.checked.clear()
    for minute in range(24 * 60):
        users.now = 10 * 60 * 60 + minute * 60
        await told(throttle.log_in("ada", "guess", HOME))
    assert len(users.checked) == 96


@pytest.mark.parametrize("attempts", [1, 5, 16])
async def test_what_is_forgiven_is_not_kept(
    attempts: int, throttle: Throttle, users: Users
) -> None:
    kept = vars(throttle)["_tallies"]
    await waits_before(throttle, users, [("eve", NEAR[0])] * attempts)
    failures, last = next(iter(kept.values()))
    forgiven = last + failures * QUARTER
    users.now = forgiven - 1
    await fail(throttle, 1)
    assert len(kept) == 4
    users.now = forgiven
    await fail(throttle, 1)
    assert [tally[1] for tally in kept.values()] == [forgiven] * 2


async def test_who_tried_last_is_kept_last(throttle: Throttle, users: Users) -> None:
    await fail(throttle, 4)
    assert not await throttle.log_in("eve", "guess", NEAR[0])
    users.now = 1
    await fail(throttle, 1)
    kept = vars(throttle)["_tallies"]
    assert [tally[1] for tally in kept.values()] == [0, 0, 1, 1]
    users.now = QUARTER
    await fail(throttle, 1)
    assert [tally[1] for tally in kept.values()] == [QUARTER] * 2


async def test_a_log_in_that_takes_longer_than_its_failure_is_kept_succeeds(
    users: Users,
) -> None:
    async def check(name: str, password: str) -> bool:
        if name == "slow":
            users.now = QUARTER
            assert await told(slow.log_in("eve", "sunshine", NEAR[0])) == "in"
        return await users.check(name, password)

    slow = Throttle(check, users.clock)
    assert await slow.log_in("slow", "sunshine", HOME)
    attempts = [(f"user{number}", HOME) for number in range(21)]
    assert await waits_before(slow, users, attempts) == [0] * 20 + [1]


async def test_an_account_that_is_called_like_an_address_is_no_address(
    throttle: Throttle, users: Users
) -> None:
    name = str(HOME)
    attempts = [(name, address) for address in NEAR[:5]]
    await waits_before(throttle, users, attempts)
    assert await told(throttle.log_in(name, "guess", NEAR[5])) == "try again in 1 s"
    assert await told(throttle.log_in("ada", "guess", HOME)) == "wrong"


async def test_of_thirty_right_log_ins_at_once_ten_have_to_come_back_in_a_second(
    throttle: Throttle, users: Users
) -> None:
    async def log_in(first: int) -> list[str]:
        names = [f"user{number}" for number in range(first, 30)]
        return await asyncio.gather(
            *(told(throttle.log_in(name, "sunshine", HOME)) for name in names)
        )

    assert await log_in(0) == ["in"] * 20 + ["try again in 1 s"] * 10
    assert await log_in(20) == ["in"] * 10
    assert await waits_before(throttle, users, [("ada", HOME)] * 6) == [0] * 5 + [1]


@settings(derandomize=True, database=None, deadline=None, max_examples=50)
@given(failures=st.integers(), free=st.integers())
@example(10**400, 5)
@example(5, -(10**400))
def test_the_delay_never_shrinks_and_never_exceeds_15_minutes(
    failures: int, free: int
) -> None:
    wait = delay(failures, free)
    assert (wait == 0) == (failures < free)
    assert wait <= delay(failures + 1, free) <= min(max(1, 2 * wait), 900)


def shop(throttle: Throttle, address_of: Callable[[Request], Ip]) -> Starlette:
    """Make an application that answers 429 to whoever is held."""

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


def peer(request: Request) -> Ip:
    assert request.client is not None
    return ip_address(request.client.host)


async def spray(app: Starlette) -> list[str]:
    """Try one password on 100 accounts, each time with another header."""
    transport = ASGITransport(app, client=(str(HOME), 50000))
    async with AsyncClient(transport=transport, base_url="https://shop") as client:
        answers = [
            await client.post(
                "/log-in",
                content=f"user{number}:guess",
                headers={"X-Forwarded-For": str(address)},
            )
            for number, address in enumerate(NEAR)
        ]
    return [
        f"{answer.status_code} {answer.headers.get('retry-after', '')}".strip()
        for answer in answers
    ]


async def test_whoever_is_held_gets_a_429_that_says_how_long(
    throttle: Throttle,
) -> None:
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
    log_in: LogIn, users: Users, attempts: Sequence[tuple[str, Ip]]
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
    async def in_a_day(log_in: LogIn, attempts: Sequence[tuple[str, Ip]]) -> int:
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
