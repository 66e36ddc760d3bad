from collections import Counter, UserDict
from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError
from types import MappingProxyType
from typing import override

import pytest

from proof.testing.basics import Observe
from snippets.typesystem.variance import Charge, Toll, billed, heaviest, packed
from snippets.typesystem.variance_avoid import HANDLING as AVOIDED
from snippets.typesystem.variance_avoid import Charge as AvoidedCharge
from snippets.typesystem.variance_avoid import Toll as AvoidedToll
from snippets.typesystem.variance_avoid import (
    billed_in_place,
    labels,
    roads,
    weight,
    weight_by_barcode,
)
from snippets.typesystem.variance_types import (
    displays,
    elements,
    keys,
    strings,
    values,
)

HANDLING = Charge("handling", 250)
TOLL = Toll("toll", 1200, "A20")


class Articles(UserDict[str, float]):
    """Weights by article, however its name is spelt."""

    @override
    def __getitem__(self, key: str) -> float:
        return self.data[key.upper()]


@pytest.mark.parametrize(
    "kilos",
    [
        {"anvil": 60, "bellows": 4},
        {"anvil": 60.0, "bellows": 4.0},
        MappingProxyType({"anvil": 60, "bellows": 4}),
        Counter(anvil=60, bellows=4),
    ],
)
def test_every_mapping_to_numbers_can_be_packed(kilos: Mapping[str, float]) -> None:
    assert list(packed(kilos, 0.5).items()) == [("anvil", 60.5), ("bellows", 4.5)]


def test_packing_leaves_the_bare_weights_whole() -> None:
    whole_kilos = {"anvil": 60, "vice": 8}
    gross = packed(whole_kilos, 0.25)
    gross["pallet"] = 22.5
    assert gross == {"anvil": 60.25, "vice": 8.25, "pallet": 22.5}
    assert whole_kilos == {"anvil": 60, "vice": 8}


def test_a_whole_number_beyond_every_float_is_an_error() -> None:
    with pytest.raises(OverflowError, match="int too large to convert to float"):
        packed({"anvil": 10**400}, 0.5)


@pytest.mark.parametrize(
    "kilos", [{"anvil": 60.5, "vice": 8}, {"vice": 8, "anvil": 60, "safe": 60}]
)
def test_the_heaviest_article_is_the_first_of_equals(
    kilos: Mapping[str, float],
) -> None:
    assert heaviest(kilos) == "anvil"


def test_an_article_may_be_named_by_anything() -> None:
    number: int = heaviest({4006381: 0.2, 4006382: 0.3})
    assert number == 4006382


def test_of_no_article_none_is_heaviest() -> None:
    with pytest.raises(ValueError, match=r"^no article to compare$"):
        heaviest({})


@pytest.mark.parametrize("charges", [[TOLL], (TOLL,)])
def test_handling_is_added_to_a_bill_of_the_callers_own(
    charges: Sequence[Charge],
) -> None:
    bill = billed(charges)
    assert bill == [TOLL, HANDLING]
    bill.append(Charge("ferry", 9900))
    assert len(charges) == 1


@pytest.mark.parametrize("charge", [HANDLING, TOLL])
def test_a_charge_on_a_bill_can_not_be_changed(charge: Charge) -> None:
    with pytest.raises(FrozenInstanceError):
        charge.cents = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - refused by design
    assert not hasattr(charge, "__dict__")


def test_what_fits_by_its_type_fits_at_run_time() -> None:
    weighed = values(Counter(anvil=60), MappingProxyType({"anvil": True}))
    assert weighed == 60.5 + 22.5
    assert keys({1: 60, 2: 4}) == 1
    assert elements([TOLL]) == [TOLL, HANDLING]
    assert displays() == {"anvil": 60}


def test_a_string_is_a_sequence_of_strings() -> None:
    assert strings("A20") == 3


def test_a_mapping_is_guarded_by_the_checkers_and_not_by_the_dictionary() -> None:
    def correct(kilos: Mapping[str, float]) -> None:
        # ignored because it is the claim: each checker reports the assignment
        kilos["anvil"] = 61.0  # type: ignore[index]  # pyright: ignore[reportIndexIssue]

    kilos = {"anvil": 60.0}
    correct(kilos)
    assert kilos["anvil"] == 61.0


def test_whole_kilos_are_whole_no_more(observe: Observe) -> None:
    whole_kilos = {"anvil": 60}
    with pytest.raises(ValueError, match="format code 'd'") as refused:
        labels(whole_kilos, 0.5)
    observe(refused.value)
    assert whole_kilos == {"anvil": 60.5}


def test_labels_are_printed_as_long_as_nobody_adds_half_a_kilo() -> None:
    assert labels({"anvil": 60}, 0) == ["anvil: 60 kg"]


def test_a_charge_without_a_road_is_among_the_tolls(observe: Observe) -> None:
    tolls = [AvoidedToll("toll", 1200, "A20")]
    with pytest.raises(AttributeError) as roadless:
        roads(tolls)
    observe(roadless.value)
    assert str(roadless.value) == "'Charge' object has no attribute 'road'"


def test_a_list_found_behind_a_sequence_is_changed_under_its_owner(
    observe: Observe,
) -> None:
    toll = AvoidedToll("toll", 1200, "A20")
    tolls = [toll]
    billed_in_place(tolls)
    observe(f"the caller's list[Toll]: {[type(each).__name__ for each in tolls]}")
    assert list[AvoidedCharge](tolls) == [toll, AVOIDED]


def test_a_tuple_behind_a_sequence_is_not_changed() -> None:
    toll = AvoidedToll("toll", 1200, "A20")
    tolls = (toll,)
    assert billed_in_place(tolls) == [toll, AVOIDED]
    assert tolls == (toll,)


def test_a_mapping_is_asked_for_a_key_that_it_can_not_take(observe: Observe) -> None:
    articles = Articles(ANVIL=60.0)
    assert articles["Anvil"] == 60.0
    with pytest.raises(AttributeError) as refused:
        weight_by_barcode(articles, 4006381)
    observe(refused.value)
    assert str(refused.value) == "'int' object has no attribute 'upper'"
    assert weight({4006381: 0.2, "ANVIL": 60.0}, "ANVIL") == 60.0
