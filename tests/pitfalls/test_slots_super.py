import sys
from contextlib import nullcontext
from dataclasses import FrozenInstanceError, dataclass
from inspect import getclosurevars
from typing import override

import pytest

from proof.testing.basics import Observe
from snippets.pitfalls.slots_super import Entry, Refund, masked
from snippets.pitfalls.slots_super_avoid import (
    RefundByHiddenCell,
    RefundByOwnType,
    RefundByStaleCell,
)


def test_a_refund_is_checked_against_the_charge() -> None:
    with pytest.raises(ValueError, match=r"^2001 cents: only 2000 were paid$"):
        Refund("20250017", cents=2001, charged_cents=2000)


@pytest.mark.parametrize("cents", [0, -1])
def test_a_refund_is_checked_as_any_entry(cents: int) -> None:
    with pytest.raises(ValueError, match=rf"^{cents} cents: must be more than 0$"):
        Refund("20250017", cents, charged_cents=2000)


def test_all_that_was_paid_can_be_given_back() -> None:
    assert Refund("20250017", cents=2000, charged_cents=2000).cents == 2000


def test_the_smallest_entry_moves_one_cent() -> None:
    memo: str = Entry("20250017", cents=1).memo
    assert memo == "account 20250017"


def test_a_decorated_property_reaches_the_base_as_well() -> None:
    memo: str = Refund("20250017", cents=5, charged_cents=5).memo
    assert memo == "refund to account ****0017"


def test_a_subclass_of_the_subclass_runs_each_check_once() -> None:
    @dataclass(frozen=True, slots=True)
    class Goodwill(Refund):
        reason: str

    assert Goodwill("1", 1, 1, "late").memo == "refund to account 1"
    with pytest.raises(ValueError, match=r"^2 cents: only 1 were paid$"):
        Goodwill("1", 2, 1, "late")


@pytest.mark.parametrize("entry", [Entry("1", 1), Refund("1", 1, 1)])
def test_no_entry_carries_a_dict(entry: Entry) -> None:
    assert not hasattr(entry, "__dict__")


@pytest.mark.parametrize("entry", [Entry("1", 1), Refund("1", 1, 1)])
def test_an_entry_is_not_changed_once_it_is_booked(entry: Entry) -> None:
    with pytest.raises(FrozenInstanceError, match=r"^cannot assign to field 'cents'$"):
        entry.cents = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - refused by design


def test_a_masked_method_keeps_its_name() -> None:
    def memo(_: object) -> str:
        return "1234 12345 123456"

    assert masked(memo).__name__ == "memo"
    assert masked(memo)(None) == "**** ***** **3456"


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("0017", "0017"),
        ("20017", "*0017"),
        ("5500 0000 0000 0017", "**** **** **** 0017"),
        ("5500-0000-0000-001-7", "****-****-****-001-7"),
        ("NL55 PROV 0417", "NL** PROV 0417"),
        ("5500\n0000 0017", "****\n**** 0017"),
        ("\u0665\u0665" + "0017", "**0017"),
        ("", ""),
    ],
)
def test_a_memo_shows_four_digits_however_the_account_is_written(
    account: str, shown: str
) -> None:
    assert Refund(account, 5, charged_cents=5).memo == f"refund to account {shown}"


def test_a_long_account_is_masked_as_well() -> None:
    digits, letters = Refund("1" * 10**5, 1, 1), Refund("1" + "a" * 10**5, 1, 1)
    assert digits.memo == f"refund to account {'*' * (10**5 - 4)}1111"
    assert letters.memo == f"refund to account {letters.account}"


def test_zero_argument_super_is_sound_where_slots_are_written_by_hand() -> None:
    @dataclass(frozen=True)
    class Fee(Entry):
        __slots__ = ("reason",)
        reason: str

        @override
        def __post_init__(self) -> None:
            super().__post_init__()

    assert not hasattr(Fee("1", 1, "late"), "__dict__")
    with pytest.raises(ValueError, match=r"^0 cents: must be more than 0$"):
        Fee("1", 0, "late")


def test_the_cell_holds_the_discarded_class_before_3_13_14() -> None:
    cell = getclosurevars(RefundByStaleCell.__post_init__).nonlocals["__class__"]
    assert cell.__qualname__ == "RefundByStaleCell"
    assert (cell is RefundByStaleCell) == (sys.version_info >= (3, 13, 14))


def test_construction_fails_where_the_cell_holds_the_discarded_class(
    observe: Observe,
) -> None:
    cell = getclosurevars(RefundByStaleCell.__post_init__).nonlocals["__class__"]
    with (
        nullcontext()
        if cell is RefundByStaleCell
        else pytest.raises(TypeError, match=r"^super\(type, obj\): obj \(instance of ")
    ) as caught:
        RefundByStaleCell("20250017", 500, 2000)
    observe(caught.value if caught else "no error: this patch release mends the cell")


def test_a_path_that_does_not_reach_super_hides_the_fault() -> None:
    with pytest.raises(ValueError, match=r"^2001 cents: only 2000 were paid$"):
        RefundByStaleCell("20250017", 2001, 2000)


def test_a_cell_behind_a_decorated_property_stays_stale(observe: Observe) -> None:
    refund = RefundByHiddenCell("20250017", 500)
    with pytest.raises(TypeError) as caught:
        _ = refund.memo
    observe(caught.value)
    assert str(caught.value) == (
        "super(type, obj): obj (instance of RefundByHiddenCell) is not an instance "
        "or subtype of type (RefundByHiddenCell)."
    )


def test_super_of_type_self_works_in_the_class_itself() -> None:
    assert RefundByOwnType("20250017", 500).memo == "account 20250017"
    with pytest.raises(ValueError, match=r"^0 cents: must be more than 0$"):
        RefundByOwnType("20250017", 0)


def test_super_of_type_self_recurses_in_a_subclass(observe: Observe) -> None:
    class Goodwill(RefundByOwnType):
        pass

    with pytest.raises(RecursionError) as caught:
        Goodwill("20250017", 500)
    observe(type(caught.value).__name__)
