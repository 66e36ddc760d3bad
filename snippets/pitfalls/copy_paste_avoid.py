"""Export sheets: the rule in three copies, and then one function for everybody."""

import csv
import re
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
    live = re.compile(
        r'^(?=[\t\r\n])|(?<![^,;|\t\r\n"])(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])'
    )
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["name", "email"])
    for each in customers:
        writer.writerow([live.sub("'", each.name), live.sub("'", each.email)])
    return text.getvalue()


def orders_sheet(orders: Iterable[Order]) -> str:
    text = StringIO()
    live = re.compile(
        r'^(?=[\t\r\n])|(?<![^,;|\t\r\n"])(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])'
    )
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["order", "gift card"])
    for each in orders:
        writer.writerow([live.sub("'", each.number), live.sub("'", each.note)])
    return text.getvalue()


def refunds_sheet(refunds: Iterable[Refund]) -> str:
    text = StringIO()
    # --8<-- [start:answer]
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["order", "reason", "cents"])
    for each in refunds:
        order, reason = (re.sub("^=", "'=", cell) for cell in (each.order, each.reason))
        # expect: test[a_formula_that_two_copies_disarm_passes_the_third]
        writer.writerow([order, reason, each.cents])
    # --8<-- [end:answer]
    return text.getvalue()


def any_sheet(records: Sequence[Customer | Order | Refund]) -> str:
    live = re.compile(
        r'^(?=[\t\r\n])|(?<![^,;|\t\r\n"])(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])'
    )
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    # expect: test[one_sheet_for_everybody_has_no_header_to_show_without_records]
    writer.writerow(field.name for field in fields(records[0]))
    for record in records:
        # expect: test[one_sheet_for_everybody_sends_the_reset_token_to_the_agency]
        cells = [str(value) for value in astuple(record)]
        # expect: test[one_sheet_for_everybody_takes_a_negative_number_for_a_formula]
        writer.writerow(live.sub("'", cell) for cell in cells)
    return text.getvalue()
