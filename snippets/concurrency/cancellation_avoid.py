"""Pay accounts under a lease, and run on when told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Protocol

log = logging.getLogger(__name__)

RELEASE_SECONDS = 2

type Pay = Callable[[str], Awaitable[str]]


class Leases(Protocol):
    async def acquire(self, account: str) -> None: ...

    async def release(self, account: str) -> None: ...


async def settle_swallowing(
    account: str, leases: Leases, pay: Pay, receipts: MutableMapping[str, str]
) -> None:
    # --8<-- [start:answer]
    await leases.acquire(account)
    # expect: ruff[SIM105]
    try:
        receipts[account] = await pay(account)
    # expect: test[after_the_deadline_the_next_account_is_paid_and_no_one_is_told]
    # expect: test[a_swallowed_cancellation_comes_back_at_some_later_await]
    except asyncio.CancelledError:
        pass  # the deadline has passed
    await _give_back(account, leases)
    # --8<-- [end:answer]


async def settle_converting(
    account: str, leases: Leases, pay: Pay, receipts: MutableMapping[str, str]
) -> None:
    await leases.acquire(account)
    try:
        receipts[account] = await pay(account)
    except asyncio.CancelledError as error:
        message = f"paying {account} was interrupted"
        # expect: test[the_caller_waits_for_a_timeout_error_that_never_comes]
        raise ValueError(message) from error
    finally:
        await _give_back(account, leases)


async def settle_cleaning_up_without_end(
    account: str, leases: Leases, pay: Pay, receipts: MutableMapping[str, str]
) -> None:
    await leases.acquire(account)
    try:
        receipts[account] = await pay(account)
    finally:
        # expect: test[a_lease_server_that_hangs_outlasts_every_deadline]
        # expect: test[an_error_of_the_clean_up_takes_the_place_of_the_cancellation]
        await leases.release(account)


async def stop_as_ruff_offers_it(worker: asyncio.Task[None]) -> None:
    worker.cancel()
    # expect: test[a_supervisor_told_to_stop_meanwhile_runs_on]
    with suppress(asyncio.CancelledError):
        await worker


async def _give_back(account: str, leases: Leases) -> None:
    try:
        async with asyncio.timeout(RELEASE_SECONDS):
            await leases.release(account)
    except Exception:
        log.exception("the lease on %s has to run out", account)
