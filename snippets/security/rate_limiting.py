"""Hold whoever guesses passwords, by the account and by the address."""

import math
from collections.abc import Awaitable, Callable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from unicodedata import normalize

LONGEST = 15 * 60  # seconds: a longer wait serves whoever locks the owner out
FORGIVEN = 15 * 60  # seconds after which one failure no longer counts

type Check = Callable[[str, str], Awaitable[bool]]
type Ip = IPv4Address | IPv6Address


class TooManyAttemptsError(Exception):
    """The password was not even looked at.

    Attributes:
        retry_after: Whole seconds until it would be: for a 429's ``Retry-After``.
    """

    def __init__(self, retry_after: int) -> None:
        """Say how long to wait."""
        self.retry_after = retry_after
        super().__init__(f"try again in {retry_after} s")


class _Key(NamedTuple):
    """What guesses are counted for, and how many failures cost nothing."""

    who: bytes
    free: int


class Throttle:
    """Lets attempts to log in through, or says how long to wait.

    Examples:
        >>> import asyncio
        >>> from ipaddress import ip_address
        >>> async def check(name: str, password: str) -> bool:
        ...     return (name, password) == ("ada", "sunshine")
        >>> throttle = Throttle(check, now=lambda: 0)
        >>> asyncio.run(throttle.log_in("ada", "sunshine", ip_address("192.0.2.1")))
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
        # failures, and the time of the last attempt: the oldest attempt is in front
        self._tallies: dict[_Key, tuple[float, float]] = {}

    async def log_in(self, name: str, password: str, address: Ip) -> bool:
        """Check a password, unless account or address have to wait.

        Args:
            name: As the user typed it, whether or not somebody has it.
            password: As the user typed it.
            address: The peer's, or what *your* proxy says that it was.

        Returns:
            Whether it is the user's password.

        Raises:
            TooManyAttemptsError: If it was not looked at. What ``check`` raises goes
                through, and the attempt counts as a failure.
        """
        now = self._now()
        # --8<-- [start:answer]
        account = _Key(_spelling(name), free=5)
        network = _Key(_network(address), free=20)  # an office may have one address
        wait = max(self._until(account), self._until(network)) - now
        if wait > 0:
            raise TooManyAttemptsError(math.ceil(wait))
        self._add(account, now)  # before the check, or
        self._add(network, now)  # all that is sent at once is checked
        if not await self._check(name, password):
            return False
        # --8<-- [end:answer]
        self._tallies.pop(account, None)
        # one, not all: whoever guesses may have an account, too
        failures, last = self._tallies.get(network, (1, now))
        self._tallies[network] = failures - 1, last
        return True

    def _until(self, key: _Key) -> float:
        """Say when the next attempt may come."""
        failures, last = self._tallies.get(key, (0, -math.inf))
        return last + delay(math.ceil(failures), key.free)

    def _failures(self, key: _Key, now: float) -> float:
        """Give the failures that are not forgiven yet."""
        failures, last = self._tallies.get(key, (0, now))
        return max(0, failures - (now - last) / FORGIVEN)

    def _add(self, key: _Key, now: float) -> None:
        """Take an attempt for a failure, until it turns out to be none."""
        while self._tallies and not self._failures(next(iter(self._tallies)), now):
            del self._tallies[next(iter(self._tallies))]
        failures = self._failures(key, now)
        self._tallies.pop(key, None)  # a key that is put in again goes to the end
        self._tallies[key] = failures + 1, now


def delay(failures: int, free: int) -> int:
    """Give the wait after some failures: none, then a second, doubled each time.

    Args:
        failures: How many there were.
        free: How many of them cost nothing.

    Returns:
        Seconds, at most a quarter of an hour.

    Examples:
        >>> [delay(failures, free=5) for failures in (4, 5, 6, 7, 14, 15, 9999)]
        [0, 1, 2, 4, 512, 900, 900]
    """
    if failures < free:
        return 0
    return min(1 << min(failures - free, LONGEST.bit_length()), LONGEST)


def _spelling(name: str) -> bytes:
    """Give all spellings of a name one short key, or each has its own tries."""
    spelling = normalize("NFKC", name).casefold().strip()
    return sha256(spelling.encode(errors="surrogatepass")).digest()


def _network(address: Ip) -> bytes:
    """Take 64 bits of an IPv6 address: the rest is its owner's choice."""
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return address.packed[:8]
    return address.packed[-4:]
