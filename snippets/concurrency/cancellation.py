"""Pay accounts under a lease, and stop when told to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Protocol

log = logging.getLogger(__name__)

RELEASE_SECONDS = 2
STOP_SECONDS = 10

type Pay = Callable[[str], Awaitable[str]]


class StillRunningError(Exception):
    """A task has not ended in time after it was cancelled."""


class Leases(Protocol):
    """Locks that all machines share; one that is not given back runs out later."""

    async def acquire(self, account: str) -> None:
        """Wait until the account is ours."""

    async def release(self, account: str) -> None:
        """Give the account back."""


async def settle(
    account: str, leases: Leases, pay: Pay, receipts: MutableMapping[str, str]
) -> None:
    """Pay one account while no other machine does.

    Args:
        account: Whom to pay.
        leases: Gives this machine the account. What can't be given back in time is
            logged and runs out.
        pay: Pays an account and returns the receipt.
        receipts: Takes the receipt.

    Raises:
        Exception: If the account can't be had or paid: that error.

    Examples:
        >>> import asyncio
        >>> class Local:
        ...     async def acquire(self, account: str) -> None: ...
        ...     async def release(self, account: str) -> None:
        ...         receipts[account] += ", given back"
        >>> async def pay(account: str) -> str:
        ...     return await asyncio.sleep(0, f"{account} paid")
        >>> receipts: dict[str, str] = {}
        >>> asyncio.run(settle("ada", Local(), pay, receipts))
        >>> receipts
        {'ada': 'ada paid, given back'}
    """
    # --8<-- [start:answer]
    await leases.acquire(account)
    try:
        receipts[account] = await pay(account)
    finally:
        await _give_back(account, leases)
    # --8<-- [end:answer]


async def _give_back(account: str, leases: Leases) -> None:
    """Release a lease, or log that it has to run out."""
    try:
        # the deadline that brought us here has fired, and fires once
        async with asyncio.timeout(RELEASE_SECONDS):
            await leases.release(account)
    except Exception:
        # raised from here, it would replace the cancellation that is under way
        log.exception("the lease on %s has to run out", account)


async def stop(worker: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end.

    Args:
        worker: The task; it may have ended already.

    Raises:
        StillRunningError: If it has not ended in 10 seconds.
        Exception: If it has failed: its error.
    """
    worker.cancel()
    # wait() raises nothing of the worker's: a CancelledError here is our own
    done, _ = await asyncio.wait([worker], timeout=STOP_SECONDS)
    if not done:
        message = f"{worker.get_name()} runs on after {STOP_SECONDS} s"
        raise StillRunningError(message)
    if not worker.cancelled():
        worker.result()
