"""What the checkers infer for each way of asking for an order."""

from typing import assert_type, reveal_type

from snippets.typesystem.overloads import Order, Orders


def by_the_call(orders: Orders) -> None:
    """Leave the default out, or give one."""
    # reveals: Order
    reveal_type(orders.get("A1"))
    # reveals: Order | None
    reveal_type(orders.get("B2", None))
    # reveals: Order | int
    reveal_type(orders.get("B2", 0))


def by_a_default_that_is_an_order(orders: Orders, draft: Order) -> None:
    """Give a default that needs no check afterwards."""
    assert_type(orders.get("B2", draft), Order)
    assert_type(orders.get("B2", default=draft).cents, int)


def handed_on(orders: Orders, default: Order | None) -> None:
    """Hand on a default that is known at run time only."""
    # reveals: Order | None
    reveal_type(orders.get("B2", default))
