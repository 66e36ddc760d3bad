"""Take orders; each receipt is sent after the customer has the answer."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

log = logging.getLogger(__name__)

CLEAN_UP_SECONDS = 5


class Shop(Protocol):
    """What this module needs of a shop."""

    async def charge(self, order: str) -> None:
        """Take the money."""

    async def reserve(self, order: str) -> None:
        """Put the goods aside."""

    async def send_receipt(self, order: str) -> None:
        """Mail the receipt."""


class Background:
    """Owns the tasks that outlive the request that started them."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run a coroutine to its end, and log it if that is a failure.

        Args:
            work: The coroutine.
            name: What the log calls it.

        Raises:
            RuntimeError: If no event loop runs here.
        """
        # --8<-- [start:answer]
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)  # the event loop's own reference is weak
        task.add_done_callback(self._finish)
        # --8<-- [end:answer]

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Let go of a task that is done; nobody else will look at its error."""
        self._tasks.remove(task)
        if task.cancelled():
            log.warning("%s: cancelled", task.get_name())
        elif (error := task.exception()) is not None:
            log.error("%s: failed", task.get_name(), exc_info=error)

    async def drain(self, *, seconds: float) -> None:
        """Wait for what is under way; once you stop starting more.

        Args:
            seconds: What isn't done by then is cancelled. What isn't done
                ``CLEAN_UP_SECONDS`` later is logged, and left running.
        """
        try:
            await self._wait(seconds)
        finally:
            for task in self._tasks:
                task.cancel()
            await self._wait(CLEAN_UP_SECONDS)
            for task in self._tasks:
                log.error("%s: still running", task.get_name())

    async def _wait(self, seconds: float) -> None:
        """Wait until all have ended, or the time is up."""
        if self._tasks:  # asyncio.wait refuses an empty set
            await asyncio.wait(self._tasks, timeout=seconds)


async def place(order: str, shop: Shop, background: Background) -> str:
    """Take an order.

    Args:
        order: The order's number.
        shop: The shop that takes it.
        background: Owns the task that sends the receipt.

    Returns:
        The answer to the customer.

    Raises:
        ExceptionGroup: What the shop raised. One of the two steps may have been done.

    Examples:
        >>> import asyncio
        >>> from unittest.mock import AsyncMock
        >>> async def main(shop: AsyncMock) -> None:
        ...     background = Background()
        ...     await place("A-17", shop, background)
        ...     await background.drain(seconds=10)
        >>> asyncio.run(main(shop := AsyncMock()))
        >>> shop.mock_calls
        [call.charge('A-17'), call.reserve('A-17'), call.send_receipt('A-17')]
    """
    async with asyncio.TaskGroup() as group:  # owns what the answer depends on
        group.create_task(shop.charge(order))
        group.create_task(shop.reserve(order))
    background.start(shop.send_receipt(order), name=f"receipt for {order}")
    return f"{order}: thank you"
