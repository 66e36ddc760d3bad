from dataclasses import FrozenInstanceError
from typing import cast, get_args

import pytest

from proof.testing.basics import Observe
from snippets.typesystem import exhaustiveness_avoid as avoid
from snippets.typesystem.exhaustiveness import (
    Card,
    Payment,
    Speed,
    Status,
    Transfer,
    Voucher,
    destination,
    fee_in_cents,
    may_cancel,
    read_speed,
)
from snippets.typesystem.exhaustiveness_types import (
    after_a_container,
    after_a_field,
    after_a_guard,
    after_identity,
    after_two_classes,
)

CARD = Card("1881")
TRANSFER = Transfer("NO93 8601 1117 947")
VOUCHER = Voucher("THANKS-10")
PLACES: dict[Payment, str] = {
    CARD: "card ending in 1881",
    TRANSFER: "account NO93 8601 1117 947",
    VOUCHER: "voucher THANKS-10",
}
FEES: dict[Speed, int] = {"instant": 50, "daily": 10, "weekly": 0}
UNREACHABLE = "Expected code to be unreachable, but got: "


@pytest.mark.parametrize(("payment", "place"), PLACES.items())
def test_each_way_to_pay_has_its_place(payment: Payment, place: str) -> None:
    assert destination(payment) == place


@pytest.mark.parametrize(("speed", "fee"), FEES.items())
def test_each_speed_has_its_fee(speed: Speed, fee: int) -> None:
    assert fee_in_cents(speed) == fee


@pytest.mark.parametrize(
    ("word", "open_still"), [("asked", True), ("sent", False), ("refused", False)]
)
def test_only_what_is_not_decided_can_be_cancelled(
    word: str, *, open_still: bool
) -> None:
    assert may_cancel(Status(word)) is open_still


def test_a_closed_set_can_be_listed_so_that_these_tests_leave_nobody_out() -> None:
    assert {type(payment) for payment in PLACES} == set(get_args(Payment.__value__))
    assert set(FEES) == set(get_args(Speed.__value__))
    assert len(Status) == 3


@pytest.mark.parametrize("word", FEES)
def test_a_word_of_the_set_is_let_in(word: str) -> None:
    assert read_speed(word) == word


@pytest.mark.parametrize("word", ["monthly", "Instant", "", "daily "])
def test_any_other_word_stops_at_the_edge(word: str) -> None:
    with pytest.raises(ValueError, match="no such speed: ") as refused:
        read_speed(word)
    assert str(refused.value) == f"no such speed: {word!r}"


def test_of_a_long_word_twenty_characters_are_told() -> None:
    with pytest.raises(ValueError, match="no such speed: ") as refused:
        read_speed("x" * 1_000_000)
    assert str(refused.value) == f"no such speed: {'x' * 20!r}"


def test_an_enum_is_its_own_edge() -> None:
    with pytest.raises(ValueError, match=r"^'lost' is not a valid Status$"):
        Status("lost")


def test_a_payment_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        # ignored because it is the claim: each checker reports the assignment
        VOUCHER.code = "MINE"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not any(hasattr(payment, "__dict__") for payment in PLACES)
    assert Card("1881") == CARD


def test_a_foreign_payment_is_no_payment_of_any_kind() -> None:
    with pytest.raises(AssertionError) as stopped:
        destination(cast("Payment", "cash"))
    assert str(stopped.value) == UNREACHABLE + "'cash'"


def test_a_foreign_speed_costs_nothing_but_an_exception() -> None:
    with pytest.raises(AssertionError) as stopped:
        fee_in_cents(cast("Speed", "monthly"))
    assert str(stopped.value) == UNREACHABLE + "'monthly'"


def test_a_foreign_status_may_neither_be_cancelled_nor_not() -> None:
    with pytest.raises(AssertionError) as stopped:
        may_cancel(cast("Status", "sent"))
    assert str(stopped.value) == UNREACHABLE + "'sent'"


def test_only_a_hundred_characters_of_a_foreign_value_reach_the_log() -> None:
    with pytest.raises(AssertionError) as stopped:
        destination(cast("Payment", "x" * 1000))
    assert str(stopped.value) == UNREACHABLE + "'" + "x" * 99 + "..."


def test_python_o_removes_an_assert_and_leaves_assert_never() -> None:
    def names(statement: str) -> tuple[str, ...]:
        return compile(statement, "refunds.py", "exec", optimize=1).co_names

    assert names("assert speed in FEES") == ()
    assert names("assert_never(speed)") == ("assert_never", "speed")


def test_what_two_classes_leave_is_the_third() -> None:
    left = [after_two_classes(payment) for payment in PLACES]
    assert left == ["card", "transfer", "THANKS-10"]


def test_a_card_gets_past_a_guard_and_past_a_field() -> None:
    mine = Card("4242")
    assert [after_a_guard(each) for each in (mine, *PLACES)] == [None, *PLACES]
    assert [after_a_field(each) for each in (mine, *PLACES)] == [None, *PLACES]


def test_at_run_time_in_takes_out_what_mypy_keeps() -> None:
    assert [after_a_container(speed) for speed in FEES] == ["instant", None, None]
    left = [after_identity(status) for status in Status]
    assert left == [None, None, Status.REFUSED]


def test_a_table_with_a_hole_passes_both_checkers_and_raises_at_run_time() -> None:
    table: dict[Speed, int] = {"instant": 50, "daily": 10}
    with pytest.raises(KeyError, match="weekly"):
        table[read_speed("weekly")]


def test_a_default_sends_the_money_of_a_voucher_to_a_bank_account(
    observe: Observe,
) -> None:
    assert avoid.destination_with_a_default(avoid.Card("1881")) == PLACES[CARD]
    place = avoid.destination_with_a_default(avoid.Voucher("THANKS-10"))
    observe(f"a voucher goes to: {place}")
    assert place == "the account it came from"


def test_a_chain_of_ifs_drops_the_refund_that_no_branch_takes(
    observe: Observe,
) -> None:
    instant: list[str] = []
    daily: list[str] = []
    for speed, name in (("instant", "ada"), ("daily", "bob"), ("weekly", "eve")):
        avoid.queue_by_if(read_speed(speed), instant, daily, name)
    observe(f"asked: ada, bob, eve; queued: {', '.join(instant + daily)}")
    assert (instant, daily) == (["ada"], ["bob"])


def test_a_match_without_an_end_tells_nobody(observe: Observe) -> None:
    outbox: list[str] = []
    for status in avoid.Status:
        avoid.tell_by_match(status, outbox)
    observe(f"{len(avoid.Status)} refunds, {len(outbox)} messages")
    assert outbox == ["We have your request.", "Your money is on its way."]


def test_what_the_checkers_reported_fails_by_its_name_at_run_time(
    observe: Observe,
) -> None:
    known = (avoid.Card("1881"), avoid.Transfer("NO93 8601 1117 947"))
    places = [avoid.destination_forgetting_one(payment) for payment in known]
    assert places == [PLACES[CARD], PLACES[TRANSFER]]
    with pytest.raises(AssertionError) as stopped:
        avoid.destination_forgetting_one(avoid.Voucher("THANKS-10"))
    observe(stopped.value)
    assert str(stopped.value) == UNREACHABLE + "Voucher(code='THANKS-10')"


def test_a_flag_has_more_values_than_names(observe: Observe) -> None:
    assert [avoid.desk_of(right) for right in avoid.Right] == ["counter", "back office"]
    with pytest.raises(AssertionError) as stopped:
        avoid.desk_of(avoid.Right.ASK | avoid.Right.APPROVE)
    observe(stopped.value)
    assert str(stopped.value) == UNREACHABLE + "<Right.ASK|APPROVE: 3>"


def test_an_int_passes_for_a_float_and_is_none(observe: Observe) -> None:
    assert (avoid.cents(4.5), avoid.cents("4.50")) == (450, 450)
    with pytest.raises(AssertionError) as stopped:
        avoid.cents(4)
    observe(stopped.value)
    assert str(stopped.value) == UNREACHABLE + "4"
