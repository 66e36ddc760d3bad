"""Fetch a file from the mirror that answers first, under asyncio and under Trio."""

import logging
from collections.abc import Sequence
from typing import Protocol

import anyio

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
MAX_HEAD_START = 60.0


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
        The first answer, once the mirrors are closed; a close has 5 seconds.

    Raises:
        ValueError: If there is no mirror, or ``head_start`` is not from 0 to 60.
        ExceptionGroup: If every mirror failed, with the OSError of each. An error of
            another kind ends the race, with that error in the group.

    Examples:
        >>> import anyio
        >>> from unittest.mock import AsyncMock
        >>> async def main() -> bytes:
        ...     mirror = AsyncMock()
        ...     mirror.fetch.return_value = b"1.0"
        ...     return await fastest([mirror], head_start=0.25)
        >>> anyio.run(main)
        b'1.0'
    """
    if not mirrors:
        raise ValueError("no mirror to ask")
    if not 0 <= head_start <= MAX_HEAD_START:
        raise ValueError("head_start must be from 0 to 60 seconds")
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
            await _close(mirror)

    # --8<-- [start:answer]
    async with anyio.create_task_group() as race:
        for mirror in mirrors:
            failed = anyio.Event()
            race.start_soon(ask, mirror, failed)
            with anyio.move_on_after(head_start):
                await failed.wait()
    # --8<-- [end:answer]
    if not answers:
        raise ExceptionGroup("no mirror answered", errors)
    return answers[0]


async def _close(mirror: Mirror) -> None:
    """Close a connection, or log why it is still open."""
    try:
        # in a cancelled scope every await is cancelled: this one needs a shield
        with anyio.fail_after(CLOSE_SECONDS, shield=True):
            await mirror.aclose()
    except Exception:
        log.exception("a mirror was not closed")  # raised, it would lose the answer
