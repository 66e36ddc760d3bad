"""Deliver an event to every subscriber, and report what became of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

DEADLINE_SECONDS = 10

type Send = Callable[[str, str], Awaitable[int]]
"""Sends an event to a subscriber; returns the status, or raises."""


@dataclass
class Report:
    """What became of each delivery, in the order of the subscribers.

    Attributes:
        delivered: Who has the event, with the status that they answered.
        failed: Who may not have it, and why.
    """

    delivered: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, BaseException] = field(default_factory=dict[str, BaseException])


async def deliver(event: str, subscribers: Iterable[str], send: Send) -> Report:
    """Send an event to all subscribers at once; one that fails stops no other.

    Args:
        event: What happened.
        subscribers: Who wants to know; one that is named twice is told once.
        send: Delivers to one of them; cancelled after ``DEADLINE_SECONDS``, and
            waited for until it has ended.

    Returns:
        The outcome of every delivery.

    Examples:
        >>> import asyncio
        >>> async def send(_event: str, subscriber: str) -> int:
        ...     await asyncio.sleep(0)
        ...     return {"ada": 204, "bob": 200}[subscriber]
        >>> asyncio.run(deliver("order.paid", ["ada", "cy", "bob"], send))
        Report(delivered={'ada': 204, 'bob': 200}, failed={'cy': KeyError('cy')})
    """
    names = list(dict.fromkeys(subscribers))  # each once, and an iterator is kept
    # --8<-- [start:answer]
    outcomes = await asyncio.gather(
        *(_send(event, name, send) for name in names),
        return_exceptions=True,
    )
    report = Report()
    for name, outcome in zip(names, outcomes, strict=True):
        # Not Exception: that would file a cancelled delivery as delivered.
        if isinstance(outcome, BaseException):
            report.failed[name] = outcome
        else:
            report.delivered[name] = outcome
    # --8<-- [end:answer]
    return report


async def _send(event: str, subscriber: str, send: Send) -> int:
    """Send to one subscriber, inside a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await send(event, subscriber)
