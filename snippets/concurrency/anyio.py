"""Fetch a file from the mirror that answers first, under asyncio and under Trio."""

from collections.abc import Sequence
from typing import Protocol

import anyio

CLOSE_SECONDS = 5.0


class Mirror(Protocol):
    """What this module needs of an open connection to a mirror."""

    async def fetch(self) -> bytes:
        """Return the file, or raise OSError."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""


async def fastest(mirrors: Sequence[Mirror], *, head_start: float) -> bytes:
    """Ask mirrors one after another, and don't wait for a slow one before the next.

    Args:
        mirrors: The mirrors, the best first. Those that were asked are closed.
        head_start: For how many seconds a mirror is asked alone, if it doesn't fail.

    Returns:
        The first answer. Who is still being asked is cancelled.

    Raises:
        ValueError: If there is no mirror.
        ExceptionGroup: If every mirror failed, with each one's OSError.

    Examples:
        >>> import anyio
        >>> from unittest.mock import AsyncMock
        >>> async def main() -> bytes:
        ...     mirror = AsyncMock()
        ...     mirror.fetch.return_value = b"1.0"
        ...     return await fastest([mirror], head_start=0.25)
        >>> [anyio.run(main, backend=each) for each in ("asyncio", "trio")]
        [b'1.0', b'1.0']
    """
    if not mirrors:
        raise ValueError("no mirror to ask")
    answers: list[bytes] = []
    errors: list[OSError] = []

    async def ask(mirror: Mirror, failed: anyio.Event) -> None:
        try:
            answers.append(await mirror.fetch())
            race.cancel_scope.cancel()
        except OSError as error:
            errors.append(error)
            failed.set()
        finally:
            # what is cancelled stays cancelled: an await in here needs a shield
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await mirror.aclose()

    async with anyio.create_task_group() as race:
        for mirror in mirrors:
            failed = anyio.Event()
            race.start_soon(ask, mirror, failed)
            with anyio.move_on_after(head_start):
                await failed.wait()
    if not answers:
        raise ExceptionGroup("no mirror answered", errors)
    return answers[0]
