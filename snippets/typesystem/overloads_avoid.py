"""Look up an order, and leave it to the caller what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, overload, reveal_type


@dataclass(frozen=True)
class Order:
    number: str
    cents: int


class Orders:
    def __init__(self, orders: Iterable[Order]) -> None:
        self._by_number = {order.number: order for order in orders}

    @overload
    def get_by_flag(self, number: str, *, required: Literal[True]) -> Order: ...
    @overload
    def get_by_flag(self, number: str, *, required: Literal[False]) -> Order | None: ...
    def get_by_flag(self, number: str, *, required: bool) -> Order | None:
        return self.get_either(number, required=required)

    @overload
    def get_promised(self, number: str) -> Order: ...
    @overload
    def get_promised[D](self, number: str, default: D) -> Order | D: ...
    def get_promised(self, number: str, default: object = None) -> object:
        return self._by_number.get(number, default)

    # --8<-- [start:answer]
    def get_either(self, number: str, *, required: bool = True) -> Order | None:
        return self._by_number[number] if required else self._by_number.get(number)


def price(orders: Orders, number: str) -> int:
    # expect: mypy[union-attr] pyright[reportOptionalMemberAccess]
    # expect: test[the_line_that_both_checkers_refuse_runs]
    return orders.get_either(number).cents


def price_by_cast(orders: Orders, number: str) -> int:
    # expect: test[the_cast_that_silences_them_lets_none_through]
    return cast("Order", orders.get_either(number, required=False)).cents


# --8<-- [end:answer]


def is_known(orders: Orders, number: str, *, strict: bool) -> bool:
    # expect: mypy[call-overload]
    # expect: test[a_flag_in_a_variable_runs]
    found = orders.get_by_flag(number, required=strict)
    # mypy reveals: Any
    # pyright reveals: Order | None
    return reveal_type(found) is not None


def price_as_promised(orders: Orders, number: str) -> int:
    # expect: test[an_overload_promises_what_the_body_does_not_keep]
    return orders.get_promised(number).cents
