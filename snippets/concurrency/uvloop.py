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
    preferred: NewLoop = asyncio.EventLoop
else:
    preferred = uvloop.new_event_loop

logger = logging.getLogger(__name__)


def run[T](main: Coroutine[Any, Any, T], new_loop: NewLoop = preferred) -> T:
    """Run a program on a loop of its own, and say on which.

    Args:
        main: The program.
        new_loop: Makes the loop; ``asyncio.EventLoop`` where uvloop doesn't pay.

    Returns:
        What the program returns.

    Raises:
        RuntimeError: If a loop runs here already.
        BaseException: What the program raises.

    Examples:
        >>> import asyncio
        >>> async def loop_of_this_service() -> str:
        ...     await asyncio.sleep(0)
        ...     return type(asyncio.get_running_loop()).__module__
        >>> run(loop_of_this_service(), asyncio.EventLoop)
        'asyncio.unix_events'
    """
    # --8<-- [start:answer]
    with asyncio.Runner(loop_factory=new_loop) as runner:
        logger.info("event loop: %s", type(runner.get_loop()).__module__)
        return runner.run(main)
    # --8<-- [end:answer]


def speedup(
    work: Callable[[], Coroutine[Any, Any, object]],
    new_loop: NewLoop = preferred,
    rounds: int = 9,
) -> float:
    """Tell how many times as fast some work is on another loop.

    Args:
        work: What the service really does, some milliseconds of it.
        new_loop: Makes the loop to be compared with asyncio's own.
        rounds: How often each runs; the best counts, since noise only slows down.

    Returns:
        1 for no difference, more where the other loop is faster.

    Raises:
        ValueError: If there is no round.
        RuntimeError: If a loop runs here already.
        ZeroDivisionError: If the work takes less than the clock can tell.
        BaseException: What the work raises.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
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
