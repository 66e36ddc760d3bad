"""Where a number keeps the name it was given, and where it loses it."""

from collections.abc import Mapping, Sequence
from typing import assert_type, reveal_type

from snippets.typesystem.newtype_ids import Cents, CustomerId, OrderId


def kept_in_a_container(orders: Mapping[OrderId, CustomerId]) -> list[CustomerId]:
    """Containers and functions that hand on what they got keep the name."""
    # reveals: CustomerId
    reveal_type(max(orders.values()))
    return assert_type(sorted(orders.values()), list[CustomerId])


def kept_by_sum_alone(amounts: Sequence[Cents]) -> Cents:
    """`sum` is declared to give what it adds; a start takes its zero away."""
    # reveals: Cents | Literal[0]
    reveal_type(sum(amounts))
    return assert_type(sum(amounts, Cents(0)), Cents)


def lost_in_arithmetic(amount: Cents, customer: CustomerId) -> int:
    """An operator is the one of `int`, and so is its result."""
    # reveals: int
    reveal_type(amount * 2)
    # reveals: int
    return reveal_type(amount + customer)


def given_to_anything(order: OrderId) -> CustomerId:
    """A `NewType` takes any `int`, also one that has a name already."""
    # reveals: CustomerId
    return reveal_type(CustomerId(order))
