"""Refund an order: every way to pay, every speed and every state has its answer."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, assert_never

type Speed = Literal["instant", "daily", "weekly"]


class Status(Enum):
    """How far a refund is."""

    ASKED = "asked"
    SENT = "sent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Card:
    """Paid by card."""

    last_digits: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Paid from a bank account."""

    iban: str


@dataclass(frozen=True, slots=True)
class Voucher:
    """Paid with a voucher of ours."""

    code: str


type Payment = Card | Transfer | Voucher


def read_speed(text: str) -> Speed:
    """Close an open set: check a word from outside, once.

    Raises:
        ValueError: If it is no such word.
    """
    match text:
        case "instant" | "daily" | "weekly":
            return text
        case _:
            raise ValueError(f"no such speed: {text[:20]!r}")


def destination(payment: Payment) -> str:
    """Say where the money goes back to.

    Examples:
        >>> destination(Card("4242"))
        'card ending in 4242'
    """
    # --8<-- [start:answer]
    match payment:
        case Card(last_digits=digits):
            return f"card ending in {digits}"
        case Transfer(iban=iban):
            return f"account {iban}"
        case Voucher(code=code):
            return f"voucher {code}"
        case _:
            assert_never(payment)
    # --8<-- [end:answer]


def fee_in_cents(speed: Speed) -> int:
    """Say what a refund costs."""
    match speed:
        case "instant":
            return 50
        case "daily":
            return 10
        case "weekly":
            return 0
        case _:
            assert_never(speed)


def may_cancel(status: Status) -> bool:
    """Say whether the customer can still take a refund back."""
    if status is Status.ASKED:
        return True
    if status is Status.SENT or status is Status.REFUSED:
        return False
    assert_never(status)
