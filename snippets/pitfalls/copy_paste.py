"""Export sheets: one rule for what a cell may hold, one layout for each reader."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

# where a cell could start for some reader, if a formula could start there: with one of
# = + - @, which are letters of double width from \uff1d on
_LIVE = re.compile(
    r'^(?=[\t\r\n])|(?<![^,;|\t\r\n"])(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])'
)

type Cell = str | int


def inert(cell: Cell) -> Cell:
    """Keep a spreadsheet from taking a customer's text for a formula.

    Args:
        cell: What is to be shown.

    Returns:
        Numbers as they are; text with an apostrophe where a formula could start, also
        behind what a reader may take for the end of a cell.

    Examples:
        >>> inert("@SUM(A1:A9)"), inert("Ada;=1"), inert(-4500)
        ("'@SUM(A1:A9)", "Ada;'=1", -4500)
    """
    return _LIVE.sub("'", cell) if isinstance(cell, str) else cell


def sheet(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write one sheet as CSV, each text in quotes.

    Args:
        header: The names of the columns.
        rows: The cells, in the order of the columns.

    Returns:
        The text of the file.

    Raises:
        ValueError: If a number has more digits than ``str()`` converts.
    """
    text = StringIO()
    # --8<-- [start:answer]
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(map(inert, header))
    writer.writerows(map(inert, row) for row in rows)
    # --8<-- [end:answer]
    return text.getvalue()


@dataclass(frozen=True)
class Customer:
    """A customer, as the shop keeps it.

    Attributes:
        name: As the customer typed it.
        email: As the customer typed it.
        reset_token: Lets its bearer choose a new password.
    """

    name: str
    email: str
    reset_token: str


@dataclass(frozen=True)
class Order:
    """What was bought.

    Attributes:
        number: The order's number.
        note: What the customer typed for the gift card.
        cents: The price.
    """

    number: str
    note: str
    cents: int


@dataclass(frozen=True)
class Refund:
    """Money that was paid back.

    Attributes:
        order: The order's number.
        reason: As the customer typed it.
        cents: The money, negative.
    """

    order: str
    reason: str
    cents: int


def customers_sheet(customers: Iterable[Customer]) -> str:
    """Write what the agency for the newsletter gets.

    Args:
        customers: Whom to write to.

    Returns:
        The sheet, with a name and an address for each customer.
    """
    rows = ((each.name, each.email) for each in customers)
    return sheet(["name", "email"], rows)


def orders_sheet(orders: Iterable[Order]) -> str:
    """Write what the packers get.

    Args:
        orders: What to pack.

    Returns:
        The sheet, with the text of each order's gift card.
    """
    rows = ((each.number, each.note) for each in orders)
    return sheet(["order", "gift card"], rows)


def refunds_sheet(refunds: Iterable[Refund]) -> str:
    """Write what accounting gets.

    Args:
        refunds: What to book.

    Returns:
        The sheet, with the reason and the cents of each refund.

    Raises:
        ValueError: If a number has more digits than ``str()`` converts.
    """
    rows = ((each.order, each.reason, each.cents) for each in refunds)
    return sheet(["order", "reason", "cents"], rows)
