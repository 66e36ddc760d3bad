"""Clocks that a test controls: a sleep of an hour takes no time.

A test module pins its backend with one of these::

    @pytest.fixture
    def anyio_backend() -> tuple[str, dict[str, Any]]:
        return CONTROLLED_ASYNCIO
"""

import asyncio
import selectors
from typing import Any

from typing_extensions import override  # noqa: UP035 - Python 3.10 has none

REAL_SECONDS = 10.0  # how long a controlled loop waits for a thread before it gives up


class _Selector(selectors.SelectSelector):
    """Moves the time on instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:  # nothing is scheduled: only a thread can wake the loop
            if ready := super().select(REAL_SECONDS):
                return ready
            message = "the test hangs: every task waits for another"
            raise RuntimeError(message)
        if ready := super().select(0):
            return ready
        self.now += timeout
        return []


class ControlledLoop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only when every task waits for it.

    Not for real connections: time would pass before an answer arrives.
    """

    def __init__(self) -> None:
        """Begin at time 0."""
        self._clock = _Selector()
        super().__init__(self._clock)

    @override
    def time(self) -> float:
        """Return the seconds that have passed on the controlled clock."""
        return self._clock.now

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for threads as long as they take: this clock knows nothing of them."""
        await super().shutdown_default_executor()


CONTROLLED_ASYNCIO: tuple[str, dict[str, Any]] = (
    "asyncio",
    {"loop_factory": ControlledLoop},
)
REAL_ASYNCIO: tuple[str, dict[str, Any]] = ("asyncio", {})


def controlled_trio() -> tuple[str, dict[str, Any]]:
    """Give the trio backend with a clock that jumps over every wait."""
    from trio.testing import MockClock  # noqa: PLC0415 - slow, and few tests need it

    return ("trio", {"clock": MockClock(autojump_threshold=0)})
