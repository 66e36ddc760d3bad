"""Refund orders, and take one number for another."""

from collections.abc import Mapping, MutableMapping
from typing import NewType

CustomerId = NewType("CustomerId", int)
OrderId = NewType("OrderId", int)
Cents = NewType("Cents", int)

type Customer = int
type Order = int


# --8<-- [start:answer]
def credit_plain(
    balances: MutableMapping[int, int], customer: int, amount: int
) -> None:
    balances[customer] = balances.get(customer, 0) + amount


def pay_plain(balances: MutableMapping[int, int], customer: int, amount: int) -> None:
    # expect: test[swapped_ints_pay_an_amount_its_customer]
    credit_plain(balances, amount, customer)


# --8<-- [end:answer]
def credit_alias(
    balances: MutableMapping[Customer, int], customer: Customer, amount: int
) -> None:
    balances[customer] = balances.get(customer, 0) + amount


def credit(
    balances: MutableMapping[CustomerId, Cents], customer: CustomerId, amount: Cents
) -> None:
    balances[customer] = Cents(balances.get(customer, 0) + amount)


def pay_alias(
    balances: MutableMapping[Customer, int], order: Order, amount: int
) -> None:
    # expect: test[an_alias_is_another_name_for_the_same_type]
    credit_alias(balances, order, amount)


def pay(
    balances: MutableMapping[CustomerId, Cents], customer: CustomerId, amount: Cents
) -> None:
    # expect: mypy[arg-type] x2
    # expect: pyright[reportArgumentType] x2
    # expect: test[what_both_checkers_refuse_runs_all_the_same]
    credit(balances, amount, customer)


def pay_wrapped(
    balances: MutableMapping[CustomerId, Cents], order: OrderId, amount: Cents
) -> None:
    # expect: test[a_wrapper_put_on_at_the_call_claims_and_checks_nothing]
    credit(balances, CustomerId(order), amount)


def is_known(balances: Mapping[CustomerId, Cents], order: OrderId) -> bool:
    # expect: mypy[comparison-overlap]
    # expect: test[equal_numbers_are_equal_ids]
    return order in balances


def fee(amount: Cents, customer: CustomerId) -> int:
    # expect: test[a_sum_of_an_id_and_an_amount_is_an_int]
    return amount + customer
