"""Charge accounts; one account that fails must not stop the others."""

import logging
from asyncio import Queue
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


class CardDeclinedError(Exception):
    """The bank refused the card: the customer is asked for another."""


@dataclass
class Outcome:
    """What became of each account.

    Attributes:
        charged: Accounts that paid.
        declined: Accounts whose customer has to act.
        failed: Accounts that somebody has to look into; the log says why.
        unclear: Accounts whose charge was begun, and whose end was not recorded.
    """

    charged: list[str] = field(default_factory=list[str])
    declined: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    unclear: list[str] = field(default_factory=list[str])


def charge_all(
    accounts: Iterable[str], charge: Callable[[str], None], outcome: Outcome
) -> None:
    """Charge each account once.

    Whatever interrupts it or comes out of ``accounts`` is passed on, and ``outcome``
    holds each account that was begun.

    Args:
        accounts: The accounts that are due.
        charge: Charges one account, or raises.
        outcome: Takes what became of each account, as it is known.

    Examples:
        >>> def charge(account: str) -> None:
        ...     if account == "ada":
        ...         raise CardDeclinedError
        >>> outcome = Outcome()
        >>> charge_all(["ada", "bob"], charge, outcome)
        >>> outcome
        Outcome(charged=['bob'], declined=['ada'], failed=[], unclear=[])
    """
    for account in accounts:
        outcome.unclear.append(account)
        # --8<-- [start:answer]
        try:
            charge(account)
        except CardDeclinedError:
            outcome.declined.append(account)
        except Exception:  # not BaseException: Ctrl-C, exit and cancellation pass
            log.exception("charging %s failed", account)
            outcome.failed.append(account)
        else:
            outcome.charged.append(account)
        # --8<-- [end:answer]
        outcome.unclear.remove(account)


async def charge_queued(
    queue: Queue[str], charge: Callable[[str], Awaitable[None]], outcome: Outcome
) -> None:
    """Charge accounts as they come, until the task is cancelled.

    Args:
        queue: The accounts that are due.
        charge: Charges one account, or raises.
        outcome: Takes what became of each account, as it is known.

    Raises:
        QueueShutDown: If the queue was shut down and is empty.
    """
    while True:
        account = await queue.get()
        outcome.unclear.append(account)
        try:
            await charge(account)
        except CardDeclinedError:
            outcome.declined.append(account)
        except Exception:
            log.exception("charging %s failed", account)
            outcome.failed.append(account)
        else:
            outcome.charged.append(account)
        finally:
            queue.task_done()
        outcome.unclear.remove(account)
