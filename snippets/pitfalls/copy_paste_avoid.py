"""Export sheets: the rule in three copies, and then one function for everybody."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from io import StringIO


@dataclass(frozen=True)
class Customer:
    name: str
    email: str
    reset_token: str


@dataclass(frozen=True)
class Order:
    number: str
    note: str
    cents: int


@dataclass(frozen=True)
class Refund:
    order: str
    reason: str
    cents: int


def customers_sheet(customers: Iterable[Customer]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "email"])
    for each in customers:
        cells = (each.name, each.email)
        starts = ("=", "+", "-", "@", "\t", "\r", "\n")
        safe = (f"'{cell}" if cell.startswith(starts) else cell for cell in cells)
        writer.writerow(safe)
    return text.getvalue()


def orders_sheet(orders: Iterable[Order]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["order", "gift card"])
    for each in orders:
        cells = (each.number, each.note)
        starts = ("=", "+", "-", "@", "\t", "\r", "\n")
        safe = (f"'{cell}" if cell.startswith(starts) else cell for cell in cells)
        writer.writerow(safe)
    return text.getvalue()


def refunds_sheet(refunds: Iterable[Refund]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["order", "reason", "cents"])
    for each in refunds:
        # expect: test[a_formula_that_two_copies_disarm_passes_the_third]
        reason = f"'{each.reason}" if each.reason.startswith("=") else each.reason
        writer.writerow([each.order, reason, each.cents])
    return text.getvalue()


def any_sheet(records: Sequence[Customer | Order | Refund]) -> str:
    starts = ("=", "+", "-", "@", "\t", "\r", "\n")
    text = StringIO()
    writer = csv.writer(text)
    # expect: test[one_sheet_for_everybody_has_no_header_to_show_without_records]
    writer.writerow(field.name for field in fields(records[0]))
    for record in records:
        # expect: test[one_sheet_for_everybody_sends_the_reset_token_to_the_agency]
        cells = [str(value) for value in astuple(record)]
        # expect: test[one_sheet_for_everybody_takes_a_negative_number_for_a_formula]
        safe = (f"'{cell}" if cell.startswith(starts) else cell for cell in cells)
        writer.writerow(safe)
    return text.getvalue()
