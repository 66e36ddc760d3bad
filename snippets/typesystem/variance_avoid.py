"""Freight, for callers who have exactly a ``dict`` and a ``list``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Charge:
    label: str
    cents: int


@dataclass(frozen=True, slots=True)
class Toll(Charge):
    road: str


HANDLING = Charge("handling", 250)


def pack(kilos: dict[str, float], packaging: float) -> None:
    for article in kilos:
        kilos[article] += packaging


def labels(whole_kilos: dict[str, int], packaging: float) -> list[str]:
    # expect: mypy[arg-type] pyright[reportArgumentType]
    pack(whole_kilos, packaging)
    # expect: test[whole_kilos_are_whole_no_more]
    return [f"{article}: {kilos:d} kg" for article, kilos in whole_kilos.items()]


# --8<-- [start:answer]
def bill(charges: list[Charge]) -> None:
    charges.append(HANDLING)


def roads(tolls: list[Toll]) -> list[str]:
    # expect: mypy[arg-type] pyright[reportArgumentType]
    bill(tolls)
    # expect: test[a_charge_without_a_road_is_among_the_tolls]
    return [toll.road for toll in tolls]


# --8<-- [end:answer]


def billed_in_place(charges: Sequence[Charge]) -> Sequence[Charge]:
    if isinstance(charges, list):
        # expect: test[a_list_found_behind_a_sequence_is_changed_under_its_owner]
        charges.append(HANDLING)
        return charges
    return [*charges, HANDLING]


def weight(kilos: Mapping[str | int, float], article: str | int) -> float:
    return kilos[article]


def weight_by_barcode(kilos: Mapping[str, float], barcode: int) -> float:
    # expect: mypy[arg-type] pyright[reportArgumentType]
    # expect: test[a_mapping_is_asked_for_a_key_that_it_can_not_take]
    return weight(kilos, barcode)
