"""Read payments from an SQLite file that other programs write."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Payment:
    """A payment.

    Attributes:
        order: The number of the order that it is for.
        cents: How much was paid.
    """

    order: str
    cents: int


def payments(connection: sqlite3.Connection) -> list[Payment]:
    """Read all payments, in the order of their numbers.

    Raises:
        ValueError: If a row holds something else.
        sqlite3.Error: If the table can't be read.

    Examples:
        >>> import sqlite3
        >>> from contextlib import closing
        >>> with closing(sqlite3.connect(":memory:")) as ledger:
        ...     _ = ledger.execute("CREATE TABLE payment (number TEXT, cents INTEGER)")
        ...     _ = ledger.execute("INSERT INTO payment VALUES ('A1', 990)")
        ...     payments(ledger)
        [Payment(order='A1', cents=990)]
    """
    # --8<-- [start:answer]
    cursor = connection.execute("SELECT number, cents FROM payment ORDER BY number")
    rows: list[object] = cursor.fetchall()  # sqlite3 says list[Any]: it ends here
    return [_payment(row) for row in rows]
    # --8<-- [end:answer]


def connect(
    path: Path,
    **options: Any,  # noqa: ANN401 - for sqlite3.connect: each has a type of its own
) -> sqlite3.Connection:
    """Open a file of payments for reading.

    Args:
        path: The file.
        options: What ``sqlite3.connect`` takes besides, such as ``timeout``.

    Returns:
        The connection. Whoever opens it closes it.

    Raises:
        sqlite3.Error: If there is no file that can be opened.
        TypeError: If ``sqlite3.connect`` doesn't take an option.
        ValueError: If the path can't be encoded, or an option has no such value.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection: sqlite3.Connection = sqlite3.connect(address, uri=True, **options)
    return connection


def _payment(row: object) -> Payment:
    """Take a row for a payment only if it is one."""
    match row:
        case (str(order), int(cents)) if order:
            return Payment(order, cents)
        case _:
            raise ValueError(f"no payment: {row!r:.80}")
