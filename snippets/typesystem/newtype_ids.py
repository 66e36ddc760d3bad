"""Refund orders: an id or an amount can't be taken for another."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import NewType

# --8<-- [start:answer]
CustomerId = NewType("CustomerId", int)
OrderId = NewType("OrderId", int)
Cents = NewType("Cents", int)


def credit(
    balances: MutableMapping[CustomerId, Cents], customer: CustomerId, amount: Cents
) -> None:
    """Add an amount to what a customer has with us."""
    balances[customer] = Cents(balances.get(customer, 0) + amount)


# --8<-- [end:answer]


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it was asked for, each number known for what it is."""

    order: OrderId
    customer: CustomerId
    amount: Cents


def read_refund(form: Mapping[str, str]) -> Refund:
    """Name what each number is, in the one place where that can be seen.

    Args:
        form: The fields of the request.

    Raises:
        ValueError: If a field is missing or no whole number above zero, of at most
            twelve digits.

    Examples:
        >>> read_refund({"order": "1042", "customer": "7", "cents": "1990"})
        Refund(order=1042, customer=7, amount=1990)
    """
    return Refund(
        order=OrderId(_number(form, "order")),
        customer=CustomerId(_number(form, "customer")),
        amount=Cents(_number(form, "cents")),
    )


def settle(
    refund: Refund,
    open_orders: MutableMapping[OrderId, CustomerId],
    balances: MutableMapping[CustomerId, Cents],
) -> bool:
    """Pay a refund to the customer whose order it is, and close the order.

    Args:
        refund: What was asked for.
        open_orders: The orders that may still be refunded, and whose they are. One
            caller at a time uses them.
        balances: What each customer has with us.

    Returns:
        Whether it was paid.
    """
    if open_orders.get(refund.order) != refund.customer:
        return False
    del open_orders[refund.order]
    credit(balances, refund.customer, refund.amount)
    return True


def _number(form: Mapping[str, str], name: str) -> int:
    """Read a field."""
    text = form.get(name, "")
    if not re.fullmatch(r"[1-9][0-9]{0,11}", text):
        raise ValueError(f"{name} can't be {text[:20]!r}")
    return int(text)
