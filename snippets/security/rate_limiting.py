"""Hold whoever guesses passwords, by the account and by the address."""

import math
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from unicodedata import normalize

LONGEST = 15 * 60  # seconds: a longer wait serves who locks the owner out on purpose
FORGET = 24 * 60 * 60  # seconds after the last attempt

type Check = Callable[[str, str], Awaitable[bool]]


class TooManyAttemptsError(Exception):
    """The password was not even looked at.

    Attributes:
        retry_after: Whole seconds until it would be: for a 429's ``Retry-After``.
    """

    def __init__(self, wait: float) -> None:
        """Say how long to wait.

        Args:
            wait: Seconds until the next attempt is looked at.
        """
        self.retry_after = math.ceil(wait)
        super().__init__(f"try again in {self.retry_after} s")


class _Key(NamedTuple):
    """Who tries, and how many failures cost nothing."""

    who: str
    free: int


class Throttle:
    """Lets attempts to log in through, or says how long to wait.

    Examples:
        >>> import asyncio
        >>> async def check(name: str, password: str) -> bool:
        ...     return (name, password) == ("ada", "sunshine")
        >>> throttle = Throttle(check, now=lambda: 0)
        >>> asyncio.run(throttle.log_in("ada", "moonlight", "192.0.2.1"))
        False
        >>> asyncio.run(throttle.log_in("ada", "sunshine", "192.0.2.1"))
        True
    """

    def __init__(self, check: Check, now: Callable[[], float]) -> None:
        """Set the check and the clock.

        Args:
            check: Whether name and password belong together; takes as long for a name
                that nobody has.
            now: Seconds that only grow, such as ``time.monotonic``.
        """
        self._check = check
        self._now = now
        # failures and time of the last attempt; who tried last is at the end
        self._tallies: dict[_Key, tuple[int, float]] = {}

    async def log_in(self, name: str, password: str, address: str) -> bool:
        """Check a password, unless account or address have to wait.

        Args:
            name: As the user typed it, whether or not somebody has it.
            password: As the user typed it.
            address: The peer's, or what *your* proxy says that it was.

        Returns:
            Whether it is the user's password.

        Raises:
            TooManyAttemptsError: If it was not looked at.
        """
        now = self._now()
        account = _Key(_account(name), free=5)
        source = _Key(_source(address), free=20)  # an office may have one address
        wait = max(self._until(account), self._until(source)) - now
        if wait > 0:
            raise TooManyAttemptsError(wait)
        # before the check, or all that is sent at once is checked
        self._count(account, now)
        self._count(source, now)
        if not await self._check(name, password):
            return False
        self._tallies.pop(account, None)
        # one, not all: who guesses may have an account, too
        failures, last = self._tallies[source]
        self._tallies[source] = failures - 1, last
        return True

    def _until(self, key: _Key) -> float:
        """Say when the next attempt may come."""
        failures, last = self._tallies.get(key, (0, -math.inf))
        return last + delay(failures, key.free)

    def _count(self, key: _Key, now: float) -> None:
        """Take an attempt for a failure, until it turns out to be none."""
        while self._tallies:
            oldest, (_, last) = next(iter(self._tallies.items()))
            if now - last < FORGET:
                break
            del self._tallies[oldest]
        failures, _ = self._tallies.pop(key, (0, now))
        self._tallies[key] = failures + 1, now


def delay(failures: int, free: int) -> int:
    """Give the wait after some failures: none, then a second, doubled each time.

    Args:
        failures: How many there were.
        free: How many of them cost nothing.

    Returns:
        Seconds.

    Examples:
        >>> [delay(failures, free=5) for failures in (4, 5, 6, 7, 14, 15, 9999)]
        [0, 1, 2, 4, 512, 900, 900]
    """
    if failures < free:
        return 0
    return min(1 << (failures - free), LONGEST)


def _account(name: str) -> str:
    """Give all spellings of a name one key, or each has its own tries."""
    return normalize("NFKC", name).casefold().strip()


def _source(address: str) -> str:
    """Take 64 bits of an IPv6 address: the rest is its owner's choice."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))
    return address
