"""Ledger entries with slots, whose subclasses can't reach their base."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import override


def masked[T](text: Callable[[T], str]) -> Callable[[T], str]:
    @wraps(text)
    def shown(self: T) -> str:
        return re.sub(r"\d(?=(?:\D*\d){4})", "*", text(self))

    return shown


@dataclass(frozen=True, slots=True)
class Entry:
    account: str
    cents: int

    def __post_init__(self) -> None:
        if self.cents <= 0:
            raise ValueError(f"{self.cents} cents: must be more than 0")

    @property
    def memo(self) -> str:
        return f"account {self.account}"


@dataclass(frozen=True, slots=True)
class RefundByStaleCell(Entry):
    charged_cents: int

    @override
    def __post_init__(self) -> None:
        # --8<-- [start:answer]
        if self.cents > self.charged_cents:
            raise ValueError(f"{self.cents} cents: only {self.charged_cents} were paid")
        # expect: test[construction_fails_where_the_cell_holds_the_discarded_class]
        super().__post_init__()
        # --8<-- [end:answer]


@dataclass(frozen=True, slots=True)
class RefundByHiddenCell(Entry):
    @property
    @masked
    @override
    def memo(self) -> str:
        # expect: test[a_cell_behind_a_decorated_property_stays_stale]
        return f"refund to {super().memo}"


@dataclass(frozen=True, slots=True)
class RefundByOwnType(Entry):
    @override
    def __post_init__(self) -> None:
        # expect: test[super_of_type_self_recurses_in_a_subclass]
        super(type(self), self).__post_init__()
