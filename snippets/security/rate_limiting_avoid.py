"""Hold whoever guesses passwords, as long as he guesses in one way."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import Request

FAILURES = 5
WINDOW = 15 * 60

type Check = Callable[[str, str], Awaitable[bool]]
type Ip = IPv4Address | IPv6Address


class TooManyAttemptsError(Exception):
    """The password was not even looked at."""


class Throttle:
    def __init__(self, check: Check, now: Callable[[], float]) -> None:
        self._check = check
        self._now = now
        self._failed = defaultdict[str | Ip, list[float]](list)

    # --8<-- [start:answer]
    async def log_in_by_address(self, name: str, password: str, address: Ip) -> bool:
        # expect: test[one_account_is_guessed_from_many_addresses]
        self._hold(address)
        self._failed[address].append(self._now())
        return await self._check(name, password)

    async def log_in_by_account(self, name: str, password: str, _address: Ip) -> bool:
        # expect: test[one_password_is_tried_on_every_account]
        self._hold(name)
        self._failed[name].append(self._now())
        return await self._check(name, password)

    # --8<-- [end:answer]

    async def log_in_and_forgive(self, name: str, password: str, address: Ip) -> bool:
        self._hold(address)
        self._failed[address].append(self._now())
        if right := await self._check(name, password):
            # expect: test[a_log_in_of_ones_own_between_guesses_forgives_them]
            self._failed[address].clear()
        return right

    async def log_in_then_count(self, name: str, password: str, address: Ip) -> bool:
        self._hold(address)
        # expect: test[guesses_sent_at_once_are_checked_before_one_counts]
        if not (right := await self._check(name, password)):
            self._failed[address].append(self._now())
        return right

    def _hold(self, key: str | Ip) -> None:
        since = self._now() - WINDOW
        self._failed[key] = [at for at in self._failed[key] if at > since]
        if len(self._failed[key]) >= FAILURES:
            raise TooManyAttemptsError("try again later")


def address_of(request: Request) -> Ip:
    # expect: test[a_header_gives_each_guess_an_address_of_its_own]
    return ip_address(request.headers["X-Forwarded-For"].split(",")[0])
