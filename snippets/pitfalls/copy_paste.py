"""Export sheets: one rule for what a cell may hold, one layout for each reader."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

type Cell = str | int


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


def inert(cell: Cell) -> Cell:
    """Keep a spreadsheet from taking a customer's text for a formula.

    Args:
        cell: What is to be shown.

    Returns:
        Numbers as they are; text with an apostrophe where it would be a formula.

    Examples:
        >>> inert("@SUM(A1:A9)"), inert("Ada"), inert(-4500)
        ("'@SUM(A1:A9)", 'Ada', -4500)
    """
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def sheet(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write one sheet as CSV.

    Args:
        header: The names of the columns.
        rows: The cells, in the order of the columns.

    Returns:
        The text of the file.
    """
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(map(inert, row) for row in rows)
    return text.getvalue()


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
    """
    rows = ((each.order, each.reason, each.cents) for each in refunds)
    return sheet(["order", "reason", "cents"], rows)
