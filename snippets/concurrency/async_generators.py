"""Stream the rows of a query, and let go of its connection when done."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0


class Cursor[Row](Protocol):
    """A running query; it holds a connection of the pool until it is closed."""

    async def fetch(self, rows: int) -> Sequence[Row]:
        """Return the next rows, so many at the most; none at the end."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


async def find[Row](
    query: Callable[[], Awaitable[Cursor[Row]]], wanted: Callable[[Row], bool]
) -> Row | None:
    """Return the first row that is wanted, and read no further.

    Args:
        query: Starts the query.
        wanted: Says whether a row is it.

    Returns:
        The row, or ``None`` where there is none.

    Raises:
        Exception: If the query, a fetch or ``wanted`` fails: that error.

    Examples:
        >>> import asyncio
        >>> class Names(list[str]):
        ...     async def fetch(self, rows: int) -> list[str]:
        ...         return await asyncio.sleep(0, [self.pop(0) for _ in self[:rows]])
        ...
        ...     async def close(self) -> None:
        ...         self.append(await asyncio.sleep(0, "closed"))
        >>> async def query() -> Names:
        ...     return await asyncio.sleep(0, names)
        >>> names = Names(["ada", "Bob", "eve"])
        >>> search = find(query, str.istitle)
        >>> asyncio.run(search), names
        ('Bob', ['closed'])
    """
    # --8<-- [start:answer]
    async with aclosing(stream(query)) as rows:
        async for row in rows:
            if wanted(row):
                return row
    return None
    # --8<-- [end:answer]


async def stream[Row](
    query: Callable[[], Awaitable[Cursor[Row]]], *, page: int = 100
) -> AsyncGenerator[Row]:
    """Give one row after the other, with one page of them in memory.

    Holds a connection from the first row to the last: iterate it in `aclosing`. An
    error of closing is logged, and closing has 5 seconds.

    Args:
        query: Starts the query.
        page: How many rows are fetched at a time.

    Yields:
        The rows in the order of the query.

    Raises:
        ValueError: If a page has no row.
        Exception: If the query can't be started, or a fetch fails: that error.
    """
    if page < 1:
        raise ValueError(f"page must be at least 1, not {page}")
    cursor = await query()  # in here: a generator that never starts holds nothing
    try:
        while rows := await cursor.fetch(page):
            for row in rows:
                yield row
    finally:
        await _close(cursor)


async def _close(cursor: Cursor[object]) -> None:
    """Give the connection back, or log why it could not be given back."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await cursor.close()
    except Exception:
        # raised from a `finally`, it would replace the error or cancellation
        log.exception("a cursor was not closed")
