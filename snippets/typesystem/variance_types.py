"""What fits into a mapping or a sequence, and what comes out as one's own."""

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import assert_type, reveal_type

from snippets.typesystem.variance import Charge, Toll, billed, heaviest, packed


def values(pieces: Counter[str], catalogue: MappingProxyType[str, bool]) -> float:
    """Pass whatever maps strings to numbers: no value is ever written."""
    # reveals: dict[str, float]
    gross = reveal_type(packed(pieces, 0.5))
    assert_type(packed(catalogue, 0.5), dict[str, float])
    gross["pallet"] = 22.5
    return sum(gross.values())


def keys(by_number: dict[int, int]) -> int:
    """Pass any type of key through a parameter of the function."""
    # reveals: int
    return reveal_type(heaviest(by_number))


def elements(tolls: list[Toll]) -> list[Charge]:
    """Pass a list of a subclass, or a tuple."""
    assert_type(billed(tuple(tolls)), list[Charge])
    # reveals: list[Charge]
    return reveal_type(billed(tolls))


def displays() -> dict[str, float]:
    """Write a display: it gets its type from where it goes, once it has none."""
    named = {"anvil": 60}
    # reveals: dict[str, int]
    reveal_type(named)
    asked_for: dict[str, float] = {"anvil": 60}
    # reveals: dict[str, float]
    return reveal_type(asked_for)


def count(roads: Sequence[str]) -> int:
    """Count roads, or the letters of one: the trap of ``Sequence``."""
    return len(roads)


def strings(road: str) -> int:
    """Pass a string where strings are asked for, and no checker minds."""
    return count(road)
