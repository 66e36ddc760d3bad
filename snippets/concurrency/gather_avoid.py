"""Deliver an event to every subscriber, and lose what became of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

DEADLINE_SECONDS = 10

type Send = Callable[[str, str], Awaitable[int]]


@dataclass
class Report:
    delivered: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, BaseException] = field(default_factory=dict[str, BaseException])


async def deliver_until_one_fails(
    event: str, subscribers: Iterable[str], send: Send
) -> Report:
    names = list(dict.fromkeys(subscribers))
    # --8<-- [start:answer]
    # expect: test[plain_gather_hides_the_second_failure]
    # expect: test[plain_gather_loses_what_was_delivered]
    statuses = await asyncio.gather(
        *(_send(event, name, send) for name in names),
    )
    # --8<-- [end:answer]
    return Report(delivered=dict(zip(names, statuses, strict=True)))


async def deliver_unread(event: str, subscribers: Iterable[str], send: Send) -> None:
    # expect: test[outcomes_that_nobody_reads_are_errors_passed_in_silence]
    await asyncio.gather(
        *(_send(event, name, send) for name in dict.fromkeys(subscribers)),
        return_exceptions=True,
    )


async def count_delivered(event: str, subscribers: Iterable[str], send: Send) -> int:
    outcomes = await asyncio.gather(
        *(_send(event, name, send) for name in dict.fromkeys(subscribers)),
        return_exceptions=True,
    )
    # expect: test[a_cancelled_delivery_is_counted_as_delivered]
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)


async def _send(event: str, subscriber: str, send: Send) -> int:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await send(event, subscriber)
