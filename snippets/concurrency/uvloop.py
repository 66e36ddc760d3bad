"""Run a service on uvloop where it can be had, and measure what that is worth."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

type NewLoop = Callable[[], asyncio.AbstractEventLoop]

try:
    import uvloop
except ImportError:  # no build for this platform or interpreter: serve all the same
    fastest: NewLoop = asyncio.EventLoop
else:
    fastest = uvloop.new_event_loop

logger = logging.getLogger(__name__)


def run[T](main: Coroutine[Any, Any, T], new_loop: NewLoop = fastest) -> T:
    """Run a program on a loop of its own, and say on which.

    Args:
        main: The program.
        new_loop: Makes the loop; ``asyncio.EventLoop`` where uvloop doesn't pay.

    Returns:
        What the program returns.

    Examples:
        >>> import asyncio
        >>> async def loop_of_this_service() -> str:
        ...     await asyncio.sleep(0)
        ...     return type(asyncio.get_running_loop()).__module__
        >>> run(loop_of_this_service(), asyncio.EventLoop)
        'asyncio.unix_events'
    """
    with asyncio.Runner(loop_factory=new_loop) as runner:
        logger.info("event loop: %s", type(runner.get_loop()).__module__)
        return runner.run(main)


def speedup(
    work: Callable[[], Coroutine[Any, Any, object]],
    new_loop: NewLoop = fastest,
    rounds: int = 9,
) -> float:
    """Tell how many times as fast some work is on another loop.

    Args:
        work: What the service really does, some milliseconds of it.
        new_loop: Makes the loop to be compared with asyncio's own.
        rounds: How often each runs; the best counts, since noise only slows down.

    Returns:
        1 for no difference, more where the other loop is faster.
    """
    with (
        asyncio.Runner(loop_factory=asyncio.EventLoop) as own,
        asyncio.Runner(loop_factory=new_loop) as other,
    ):
        # in turns, so that a busy moment of the machine hits both
        pairs = [(_seconds(own, work), _seconds(other, work)) for _ in range(rounds)]
    return min(pair[0] for pair in pairs) / min(pair[1] for pair in pairs)


def _seconds(
    runner: asyncio.Runner, work: Callable[[], Coroutine[Any, Any, object]]
) -> float:
    """Time the work once."""
    begun = perf_counter()
    runner.run(work())
    return perf_counter() - begun
