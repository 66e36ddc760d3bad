"""Stream the rows of a query, and leave its connection to the garbage collector."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0


class Cursor[Row](Protocol):
    async def fetch(self, rows: int) -> Sequence[Row]: ...
    async def close(self) -> None: ...


async def find_and_leave[Row](
    query: Callable[[], Awaitable[Cursor[Row]]], wanted: Callable[[Row], bool]
) -> Row | None:
    # --8<-- [start:answer]
    async for row in stream(query):
        if wanted(row):
            # expect: test[finally_has_not_run_when_the_callers_next_statement_does]
            return row
    return None
    # --8<-- [end:answer]


async def check_and_report[Row](
    query: Callable[[], Awaitable[Cursor[Row]]],
    check: Callable[[Row], None],
    report: Callable[[ValueError], Awaitable[None]],
) -> None:
    rows = stream(query)
    try:
        async for row in rows:
            check(row)
    except ValueError as error:
        # expect: test[a_variable_keeps_the_connection_that_the_report_waits_for]
        await report(error)


async def stream_in_time[Row](
    query: Callable[[], Awaitable[Cursor[Row]]], *, seconds: float
) -> AsyncGenerator[Row]:
    cursor = await query()
    try:
        async with asyncio.timeout(seconds):
            while rows := await cursor.fetch(100):
                for row in rows:
                    # expect: ruff[ASYNC119]
                    # expect: test[a_deadline_round_a_yield_cancels_who_iterates]
                    yield row
    finally:
        await _close(cursor)


async def stream[Row](
    query: Callable[[], Awaitable[Cursor[Row]]], *, page: int = 100
) -> AsyncGenerator[Row]:
    if page < 1:
        raise ValueError(f"page must be at least 1, not {page}")
    cursor = await query()
    try:
        while rows := await cursor.fetch(page):
            for row in rows:
                yield row
    finally:
        await _close(cursor)


async def _close(cursor: Cursor[object]) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await cursor.close()
    except Exception:
        log.exception("a cursor was not closed")
