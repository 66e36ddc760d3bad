"""Look up an order, and say what to get where there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import overload


@dataclass(frozen=True)
class Order:
    """An order.

    Attributes:
        number: Its number.
        cents: What it costs.
    """

    number: str
    cents: int


class _Absent(Enum):
    """Tells "no default" from every default, ``None`` included."""

    DEFAULT = auto()


class Orders:
    """The orders of a day, by their number."""

    def __init__(self, orders: Iterable[Order]) -> None:
        """Keep the orders.

        Args:
            orders: The orders; of two with one number the later is kept.
        """
        self._by_number = {order.number: order for order in orders}

    # --8<-- [start:answer]
    @overload
    def get(self, number: str) -> Order: ...
    @overload
    def get[D](self, number: str, default: D) -> Order | D: ...
    # --8<-- [end:answer]
    def get[D](self, number: str, default: D | _Absent = _Absent.DEFAULT) -> Order | D:
        """Look up an order.

        Args:
            number: The order's number.
            default: What to return where there is no such order.

        Returns:
            The order, or the default where one was given.

        Raises:
            LookupError: If there is no such order, and no default.

        Examples:
            >>> today = Orders([Order("A1", 990)])
            >>> today.get("A1").cents
            990
            >>> today.get("B2", None) is None
            True
        """
        found = self._by_number.get(number, default)
        if found is _Absent.DEFAULT:
            raise LookupError(f"no order {number:.40}")
        return found
