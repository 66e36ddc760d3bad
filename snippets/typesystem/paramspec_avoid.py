"""Promise calls after the commit, and find out then that they can't be made."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Concatenate, cast, reveal_type


class AfterCommit:
    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    # --8<-- [start:answer]
    def call(
        self, function: Callable[..., object], /, *args: object, **kwargs: object
    ) -> None:
        # expect: test[a_misspelt_argument_is_found_when_the_order_is_already_committed]
        # expect: test[an_async_function_is_called_and_its_work_is_not_done]
        self.calls.append(partial(function, *args, **kwargs))

    # --8<-- [end:answer]


def deferred_anyhow(function: Callable[..., object]) -> Callable[..., None]:
    @wraps(function)
    def later(after: AfterCommit, /, *args: object, **kwargs: object) -> None:
        after.call(function, *args, **kwargs)

    return later


def deferred_by_cast[F: Callable[..., object]](function: F) -> F:
    return cast("F", deferred_anyhow(function))


def deferred[**P](
    function: Callable[P, object],
) -> Callable[Concatenate[AfterCommit, P], None]:
    # expect: test[wraps_alone_shows_inspect_a_call_that_fails]
    @wraps(function)
    def later(after: AfterCommit, /, *args: P.args, **kwargs: P.kwargs) -> None:
        after.call(function, *args, **kwargs)

    return later


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[AfterCommit]:
    if connection.autocommit is not False:
        raise ValueError("open the connection with autocommit=False")
    after = AfterCommit()
    with connection:
        yield after
    for call in after.calls:
        call()


@deferred_anyhow
def send_receipt(address: str, *, cents: int) -> str:
    return f"{address}: {cents / 100:.2f}"


@deferred_by_cast
def send_invoice(address: str, *, cents: int) -> str:
    return f"{address}: {cents / 100:.2f}"


class Mailer:
    @deferred
    # expect: mypy[misc]
    def send_reminder(self, address: str) -> str:
        return f"{address}: please pay"


def order(connection: sqlite3.Connection, cents: int) -> None:
    with transaction(connection) as after:
        connection.execute("INSERT INTO orders VALUES (?)", (cents,))
        # mypy reveals: def (*Any, **Any)
        # pyright reveals: (...) -> None
        reveal_type(send_receipt)
        send_receipt(after, "ada@example.org", cent=cents)


def bill(connection: sqlite3.Connection, cents: int) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO orders VALUES (?)", (cents,))
        # mypy reveals: def (address: str, *, cents: int) -> str
        # pyright reveals: (address: str, *, cents: int) -> str
        reveal_type(send_invoice)
        # expect: test[a_cast_has_the_checkers_demand_the_call_that_fails]
        send_invoice("ada@example.org", cents=cents)


def bill_rightly(connection: sqlite3.Connection, cents: int) -> None:
    with transaction(connection) as after:
        connection.execute("INSERT INTO orders VALUES (?)", (cents,))
        # expect: mypy[misc] mypy[arg-type] x2 pyright[reportCallIssue]
        # expect: test[a_cast_has_the_checkers_refuse_the_call_that_works]
        send_invoice(after, "ada@example.org", cents=cents)


def remind(connection: sqlite3.Connection) -> None:
    with transaction(connection) as after:
        # expect: mypy[arg-type] mypy[misc] pyright[reportArgumentType]
        # expect: test[a_decorated_method_hands_itself_over_as_the_transaction]
        Mailer().send_reminder(after, "ada@example.org")
