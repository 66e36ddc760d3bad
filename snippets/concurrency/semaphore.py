"""Ask a carrier where parcels are, within both limits of its contract."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic

ANSWER_SECONDS = 10
A_DAY = 86_400


class Carrier:
    """A carrier that allows few open requests, and few new ones in a second."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[str]],
        *,
        at_once: int,
        limiter: "RateLimiter",
    ) -> None:
        """Bind the carrier's API to its limits.

        Args:
            ask: Sends the request for one parcel.
            at_once: How many requests may be open.
            limiter: How many may begin within a window; share it with every other
                client of the same account.

        Raises:
            ValueError: If no request could ever be open.
        """
        if at_once < 1:  # Semaphore(0) is legal, and waits for a release() first
            raise ValueError(f"at_once must be at least 1, not {at_once}")
        self._ask = ask
        self._slots = asyncio.Semaphore(at_once)
        self._limiter = limiter

    async def track(self, parcel: str) -> str:
        """Return where a parcel is, as the carrier answers.

        Raises:
            TimeoutError: If there is no answer ``ANSWER_SECONDS`` after the request.
            Exception: What the request raises.

        Examples:
            >>> import asyncio
            >>> async def ask(parcel: str) -> str:
            ...     return await asyncio.sleep(0, f"{parcel}: Oslo")
            >>> async def main() -> list[str]:
            ...     carrier = Carrier(ask, at_once=3, limiter=RateLimiter(5, 1.0))
            ...     return await asyncio.gather(*map(carrier.track, ["A1", "B2"]))
            >>> asyncio.run(main())
            ['A1: Oslo', 'B2: Oslo']
        """
        # --8<-- [start:answer]
        async with self._slots:
            await self._limiter.wait()  # last: leave to begin now does not keep
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(parcel)
        # --8<-- [end:answer]


class RateLimiter:
    """Lets at most so many callers of one event loop pass within any window of time."""

    def __init__(self, calls: int, seconds: float) -> None:
        """Begin with nobody passed.

        Args:
            calls: How many may pass within one window.
            seconds: The window's length, a day at most.

        Raises:
            ValueError: If nobody could ever pass, or everybody at any time.
            OverflowError: If ``calls`` is too large for the length of a list.
        """
        if calls < 1:
            raise ValueError(f"calls must be at least 1, not {calls}")
        if not 0 < seconds <= A_DAY:
            raise ValueError(f"seconds must be above 0, up to a day, not {seconds}")
        self._seconds = seconds
        self._passed = deque([-math.inf], maxlen=calls)  # the latest, oldest first
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Wait until one more may pass. First come, first served."""
        async with self._turn:
            due = self._passed[0] + self._seconds
            # a sleep may end early, or late
            while (now := monotonic()) < due:  # noqa: ASYNC110 - time sets no event
                await asyncio.sleep(due - now)
            self._passed.append(now)  # when it passed, not when it was due
