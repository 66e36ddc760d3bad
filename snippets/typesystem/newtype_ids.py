"""Refund orders: an id or an amount can't be taken for another."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import NewType

CustomerId = NewType("CustomerId", int)
OrderId = NewType("OrderId", int)
Cents = NewType("Cents", int)


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

    Returns:
        The refund.

    Raises:
        ValueError: If a field is missing or no whole number above zero.

    Examples:
        >>> read_refund({"order": "1042", "customer": "7", "cents": "1990"})
        Refund(order=1042, customer=7, amount=1990)
    """
    return Refund(
        order=OrderId(_number(form, "order")),
        customer=CustomerId(_number(form, "customer")),
        amount=Cents(_number(form, "cents")),
    )


def credit(
    balances: MutableMapping[CustomerId, Cents], customer: CustomerId, amount: Cents
) -> None:
    """Add an amount to a customer's balance.

    Args:
        balances: What each customer has with us.
        customer: Who gets it.
        amount: How much.
    """
    balances[customer] = Cents(balances.get(customer, 0) + amount)


def settle(
    refund: Refund,
    open_orders: MutableMapping[OrderId, CustomerId],
    balances: MutableMapping[CustomerId, Cents],
) -> bool:
    """Pay a refund once, to the customer whose order it is.

    Args:
        refund: What was asked for.
        open_orders: Who may still ask for a refund, and for which order.
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
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"{name} can't be {text!r}")
    return int(text)
