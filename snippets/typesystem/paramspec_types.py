"""What the checkers know of a function that waits for a commit."""

from collections.abc import Callable
from typing import overload, reveal_type

from snippets.typesystem.paramspec import AfterCommit, deferred

OUTBOX: list[str] = []


@deferred
def send_receipt(address: str, *, cents: int = 0) -> None:
    """Do something, and return nothing."""
    OUTBOX.append(f"{address}: {cents / 100:.2f}")


@deferred
def tell[T](order: T, by: Callable[[T], None]) -> None:
    """Ask for a way of telling that fits this very order."""
    by(order)


@overload
def cancel(order: int) -> None: ...
@overload
def cancel(order: str, *, shop: str) -> None: ...
def cancel(order: int | str, *, shop: str = "ours") -> None:
    """Take our number, or another shop's reference with its name."""
    OUTBOX.append(f"{shop}: {order}")


class Mailer:
    """Sends, once it is an object."""

    def remind(self, address: str, days: int = 14) -> None:
        """Remind a customer."""
        OUTBOX.append(f"{address}: {days} days left")


def names_kinds_and_defaults_are_kept() -> None:
    """Read the same parameters with one more in front."""
    # mypy reveals: def (AfterCommit, address: str, *, cents: int =)
    # pyright reveals: (AfterCommit, address: str, *, cents: int = 0) -> None
    reveal_type(send_receipt)


def a_bound_method_has_its_self_already() -> None:
    """Defer a method where it is called, not where it is defined."""
    # mypy reveals: def (AfterCommit, address: str, days: int =)
    # pyright reveals: (AfterCommit, address: str, days: int = 14) -> None
    reveal_type(deferred(Mailer().remind))


def a_generic_function_stays_generic() -> None:
    """Carry a type variable through."""
    # mypy reveals: def [T] (AfterCommit, order: T, by: def (T))
    # pyright reveals: (AfterCommit, order: T@tell, by: (T@tell) -> None) -> None
    reveal_type(tell)


def each_call_is_checked_against_what_is_called(after: AfterCommit) -> None:
    """Solve P anew for every call."""
    # mypy reveals: def [P] (def (*P.args, **P.kwargs), *P.args, **P.kwargs)
    # pyright reveals: (function: (**P@call) -> None, /, **P@call) -> None
    reveal_type(after.call)
    after.call(cancel, 7)
    after.call(cancel, "A-7", shop="Oslo")
