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
    """

    charged: list[str] = field(default_factory=list[str])
    declined: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])


def charge_all(accounts: Iterable[str], charge: Callable[[str], None]) -> Outcome:
    """Charge each account once.

    Args:
        accounts: The accounts that are due.
        charge: Charges one account, or raises.

    Returns:
        What became of each account.

    Examples:
        >>> def charge(account: str) -> None:
        ...     if account == "ada":
        ...         raise CardDeclinedError
        >>> charge_all(["ada", "bob"], charge)
        Outcome(charged=['bob'], declined=['ada'], failed=[])
    """
    outcome = Outcome()
    for account in accounts:
        try:
            charge(account)
        except CardDeclinedError:
            outcome.declined.append(account)
        except Exception:  # not BaseException: Ctrl-C, exit and cancellation pass
            log.exception("charging %s failed", account)
            outcome.failed.append(account)
        else:
            outcome.charged.append(account)
    return outcome


async def charge_queued(
    queue: Queue[str], charge: Callable[[str], Awaitable[None]], outcome: Outcome
) -> None:
    """Charge accounts as they come, until the task is cancelled.

    Args:
        queue: The accounts that are due.
        charge: Charges one account, or raises.
        outcome: Takes what became of each account.
    """
    while True:
        account = await queue.get()
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
