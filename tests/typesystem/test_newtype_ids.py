import json
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict
from types import new_class
from typing import NewType

import pytest
from pydantic import TypeAdapter

from proof.testing.basics import Observe, untyped
from snippets.typesystem import newtype_ids_avoid as avoid
from snippets.typesystem.newtype_ids import (
    Cents,
    CustomerId,
    OrderId,
    Refund,
    credit,
    read_refund,
    settle,
)
from snippets.typesystem.newtype_ids_types import (
    given_to_anything,
    kept_by_sum_alone,
    kept_in_a_container,
    lost_in_arithmetic,
)

ADA, BOB = CustomerId(7), CustomerId(8)
VipId = NewType("VipId", CustomerId)
ORDER = OrderId(1042)
FORM = {"order": "1042", "customer": "7", "cents": "1990"}
REFUND = Refund(order=ORDER, customer=ADA, amount=Cents(1990))


def test_each_field_of_the_request_gets_its_own_type() -> None:
    assert read_refund(FORM) == REFUND
    assert Refund.__annotations__ == {
        "order": OrderId,
        "customer": CustomerId,
        "amount": Cents,
    }


@pytest.mark.parametrize("name", FORM)
@pytest.mark.parametrize(
    "text", ["", "0", "-7", "7.0", "३", "²", "seven", "1_0", "007", "7३"]
)
def test_what_is_no_number_above_zero_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="can't be") as refused:
        read_refund(FORM | {name: text})
    assert str(refused.value) == f"{name} can't be {text!r}"


@pytest.mark.parametrize("text", ["9" * 13, "9" * 5_000])
def test_a_number_of_more_than_twelve_digits_is_named_in_short(text: str) -> None:
    with pytest.raises(ValueError, match="can't be") as refused:
        read_refund(FORM | {"order": text})
    assert str(refused.value) == f"order can't be {text[:20]!r}"


@pytest.mark.parametrize("text", ["1", "9" * 12])
def test_the_smallest_and_the_largest_number_are_read(text: str) -> None:
    assert read_refund(FORM | {"cents": text}).amount == int(text)


def test_a_missing_field_is_named_as_well() -> None:
    with pytest.raises(ValueError, match=r"^order can't be ''$"):
        read_refund({})


def test_a_refund_is_paid_once_to_the_owner_of_the_order() -> None:
    orders: dict[OrderId, CustomerId] = {ORDER: ADA}
    balances: dict[CustomerId, Cents] = {}
    assert settle(REFUND, orders, balances)
    assert not settle(REFUND, orders, balances)
    assert (orders, balances) == ({}, {ADA: 1990})


def test_a_customer_is_known_by_the_number_and_not_by_the_object() -> None:
    refund = read_refund(FORM | {"customer": "1000007"})
    orders = {ORDER: CustomerId(int("1000007"))}
    balances: dict[CustomerId, Cents] = {}
    assert settle(refund, orders, balances)
    assert balances == {1_000_007: 1990}


@pytest.mark.parametrize("orders", [{}, {ORDER: BOB}])
def test_nobody_is_paid_for_an_order_of_somebody_else(
    orders: Mapping[OrderId, CustomerId],
) -> None:
    asked = dict(orders)
    balances = {ADA: Cents(5)}
    assert not settle(REFUND, asked, balances)
    assert (asked, balances) == (orders, {ADA: 5})


def test_a_credit_adds_to_what_is_there() -> None:
    balances = {ADA: Cents(5)}
    credit(balances, ADA, Cents(10))
    credit(balances, BOB, Cents(1))
    assert balances == {ADA: 15, BOB: 1}


def test_a_refund_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        # ignored because it is the claim: each checker reports the assignment
        REFUND.amount = Cents(1)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(REFUND, "__dict__")


def test_neither_a_swapped_nor_a_bare_number_passes_the_checkers() -> None:
    balances: dict[CustomerId, Cents] = {}
    # ignored because it is the claim: each checker reports both arguments
    credit(balances, Cents(1990), ADA)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # ignored because it is the claim: each checker reports the key
    balances[7] = Cents(1)  # type: ignore[index]  # pyright: ignore[reportArgumentType]
    assert balances == {1990: 7, 7: 1}


def test_at_run_time_the_call_gives_back_its_argument() -> None:
    number = 10**20
    assert CustomerId(number) is number
    assert type(ORDER) is int
    assert CustomerId.__call__ is OrderId.__call__


def test_json_and_pickle_see_an_int() -> None:
    assert (
        json.dumps(asdict(REFUND)) == '{"order": 1042, "customer": 7, "amount": 1990}'
    )
    assert pickle.dumps(ORDER) == pickle.dumps(1042)
    assert pickle.loads(pickle.dumps(REFUND)) == REFUND  # noqa: S301 - our own bytes


def test_pydantic_checks_the_type_underneath() -> None:
    assert TypeAdapter(Refund).validate_python(FORM | {"amount": 1990}) == REFUND


def test_isinstance_knows_no_newtype() -> None:
    customer_id = untyped("snippets.typesystem.newtype_ids").CustomerId
    with pytest.raises(TypeError, match="must be a type"):
        isinstance(7, customer_id)


def test_a_newtype_has_no_subclass() -> None:
    customer_id = untyped("snippets.typesystem.newtype_ids").CustomerId
    with pytest.raises(TypeError, match=r"^Cannot subclass an instance of"):
        new_class("Vip", (customer_id,))


def test_a_newtype_of_a_newtype_goes_where_the_first_is_asked() -> None:
    balances: dict[CustomerId, Cents] = {}
    credit(balances, VipId(ADA), Cents(5))
    # ignored because it is the claim: each checker reports the argument
    assert VipId(7) == ADA  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert balances == {ADA: 5}


def test_containers_keep_the_name() -> None:
    assert kept_in_a_container({ORDER: BOB, OrderId(1043): ADA}) == [ADA, BOB]


def test_the_sum_of_no_amounts_is_an_amount() -> None:
    assert kept_by_sum_alone([Cents(1), Cents(2)]) == 3
    assert kept_by_sum_alone(()) == 0


def test_the_result_of_an_operator_needs_its_name_anew() -> None:
    assert lost_in_arithmetic(Cents(1990), ADA) == 1997
    # ignored because it is the claim: each checker reports the int
    doubled: Cents = REFUND.amount * 2  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert doubled == 3980


def test_swapped_ints_pay_an_amount_its_customer(observe: Observe) -> None:
    balances: dict[int, int] = {}
    avoid.pay_plain(balances, customer=7, amount=1990)
    observe(f"customer 7 was to get 1990; balances: {balances}")
    assert balances == {1990: 7}


def test_keywords_stop_a_swap_and_not_a_wrong_value() -> None:
    balances: dict[int, int] = {}
    order = 1042
    avoid.credit_plain(balances, amount=1990, customer=order)
    assert balances == {1042: 1990}


def test_an_alias_is_another_name_for_the_same_type(observe: Observe) -> None:
    balances: dict[int, int] = {}
    avoid.pay_alias(balances, order=1042, amount=1990)
    observe(f"order 1042 is now a customer; balances: {balances}")
    assert balances == {1042: 1990}
    assert avoid.Customer.__value__ is avoid.Order.__value__ is int


def test_what_both_checkers_refuse_runs_all_the_same(observe: Observe) -> None:
    balances: dict[avoid.CustomerId, avoid.Cents] = {}
    avoid.pay(balances, avoid.CustomerId(7), avoid.Cents(1990))
    observe(f"customer 7 was to get 1990; balances: {balances}")
    assert balances == {1990: 7}


def test_a_wrapper_put_on_at_the_call_claims_and_checks_nothing(
    observe: Observe,
) -> None:
    balances: dict[avoid.CustomerId, avoid.Cents] = {}
    avoid.pay_wrapped(balances, avoid.OrderId(1042), avoid.Cents(1990))
    observe(f"order 1042 is now a customer; balances: {balances}")
    assert balances == {1042: 1990}
    assert given_to_anything(ORDER) == 1042


def test_equal_numbers_are_equal_ids(observe: Observe) -> None:
    known = avoid.is_known({avoid.CustomerId(7): avoid.Cents(5)}, avoid.OrderId(7))
    observe(f"order 7 is among the customers: {known}")
    assert known


def test_a_sum_of_an_id_and_an_amount_is_an_int(observe: Observe) -> None:
    due = avoid.fee(avoid.Cents(1990), avoid.CustomerId(7))
    observe(f"1990 cents and customer 7 make {due}")
    assert due == 1997
