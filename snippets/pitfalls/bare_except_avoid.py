"""Charge accounts, whatever happens: also when it is told to stop."""

import logging
from asyncio import Queue
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


class CardDeclinedError(Exception):
    pass


@dataclass
class Outcome:
    charged: list[str] = field(default_factory=list[str])
    declined: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    unclear: list[str] = field(default_factory=list[str])


def charge_all(
    accounts: Iterable[str], charge: Callable[[str], None], outcome: Outcome
) -> None:
    for account in accounts:
        outcome.unclear.append(account)
        # --8<-- [start:answer]
        try:
            charge(account)
        except CardDeclinedError:
            outcome.declined.append(account)
        # expect: ruff[E722]
        # expect: test[ctrl_c_is_swallowed_and_the_next_account_is_charged]
        # expect: test[the_exit_code_of_sys_exit_is_lost]
        except:
            log.exception("charging %s failed", account)
            outcome.failed.append(account)
        else:
            outcome.charged.append(account)
        # --8<-- [end:answer]
        outcome.unclear.remove(account)


async def charge_queued(
    queue: Queue[str], charge: Callable[[str], Awaitable[None]], outcome: Outcome
) -> None:
    while True:
        account = await queue.get()
        outcome.unclear.append(account)
        try:
            await charge(account)
        except CardDeclinedError:
            outcome.declined.append(account)
        # expect: test[a_cancelled_worker_charges_the_next_account]
        except BaseException:
            log.exception("charging %s failed", account)
            outcome.failed.append(account)
        else:
            outcome.charged.append(account)
        finally:
            queue.task_done()
        outcome.unclear.remove(account)
