"""Refund an order, and forget that there are vouchers and weekly refunds."""

from collections.abc import MutableSequence
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Literal, assert_never

type Speed = Literal["instant", "daily", "weekly"]


class Status(Enum):
    ASKED = "asked"
    SENT = "sent"
    REFUSED = "refused"


class Right(Flag):
    ASK = 1
    APPROVE = 2


@dataclass(frozen=True, slots=True)
class Card:
    last_digits: str


@dataclass(frozen=True, slots=True)
class Transfer:
    iban: str


@dataclass(frozen=True, slots=True)
class Voucher:
    code: str


type Payment = Card | Transfer | Voucher


def destination_with_a_default(payment: Payment) -> str:
    # --8<-- [start:answer]
    match payment:
        case Card(last_digits=digits):
            return f"card ending in {digits}"
        case _:
            # expect: test[a_default_sends_the_money_of_a_voucher_to_a_bank_account]
            return "the account it came from"
    # --8<-- [end:answer]


def queue_by_if(speed: Speed, instant: list[str], daily: list[str], name: str) -> None:
    if speed == "instant":
        instant.append(name)
    # expect: test[a_chain_of_ifs_drops_the_refund_that_no_branch_takes]
    elif speed == "daily":
        daily.append(name)


def tell_by_match(status: Status, outbox: MutableSequence[str]) -> None:
    # expect: pyright[reportMatchNotExhaustive]
    # expect: test[a_match_without_an_end_tells_nobody]
    match status:
        case Status.ASKED:
            outbox.append("We have your request.")
        case Status.SENT:
            outbox.append("Your money is on its way.")


def destination_forgetting_one(payment: Payment) -> str:
    match payment:
        case Card(last_digits=digits):
            return f"card ending in {digits}"
        case Transfer(iban=iban):
            return f"account {iban}"
        case _:
            # expect: mypy[arg-type] pyright[reportArgumentType]
            # expect: test[what_the_checkers_reported_fails_by_its_name_at_run_time]
            assert_never(payment)


def desk_of(right: Right) -> str:
    match right:
        case Right.ASK:
            return "counter"
        case Right.APPROVE:
            return "back office"
        case _:
            # expect: pyright[reportArgumentType]
            # expect: test[a_flag_has_more_values_than_names]
            assert_never(right)


def cents(amount: float | str) -> int:
    match amount:
        case float():
            return round(amount * 100)
        case str():
            return round(float(amount) * 100)
        case _:
            # expect: pyright[reportArgumentType]
            # expect: test[an_int_passes_for_a_float_and_is_none]
            assert_never(amount)
