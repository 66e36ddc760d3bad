"""Settle refund claims: refuse early, and look the rest up in a table."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

CLAIM = re.compile(r"(\S{1,20})\s+(\S{1,20})\s+(-?[0-9]{1,6})")


class Policy(NamedTuple):
    """What a reason entitles to: for how many days, and to which share."""

    days: int
    percent: int


POLICIES = {
    "damaged": Policy(days=365, percent=100),
    "unwanted": Policy(days=30, percent=100),
    "opened": Policy(days=30, percent=80),
    "late": Policy(days=14, percent=10),
}


class ClaimError(Exception):
    """A claim is refused; the message says why."""


class Claim(NamedTuple):
    """What a customer wants refunded, and how many days after the delivery."""

    order: str
    reason: str
    days: int


class Settlement(NamedTuple):
    """What is paid for each order, in cents, and what is told to the others."""

    payouts: Mapping[str, int]
    refused: list[str]


def parse(line: str) -> Claim:
    """Read a claim.

    Args:
        line: An order, a reason and a number of days, such as ``A17 opened 12``: at
            most twenty characters, twenty and six digits.

    Returns:
        The claim.

    Raises:
        ClaimError: If the line isn't of that form.
    """
    match = CLAIM.fullmatch(line.strip())
    if match is None:
        raise ClaimError(f"{line[:40]}: not a claim")
    order, reason, days = match.groups()
    return Claim(order, reason, int(days))


def refund(claim: Claim, prices: Mapping[str, int], paid: Container[str]) -> int:
    """Judge one claim.

    Args:
        claim: What is wanted.
        prices: What each order cost, in cents.
        paid: The orders that were refunded before.

    Returns:
        The cents to pay, rounded down.

    Raises:
        ClaimError: If nothing is to be paid.

    Examples:
        >>> refund(Claim("A17", "opened", days=12), {"A17": 4500}, paid=[])
        3600
    """
    # --8<-- [start:answer]
    if claim.order not in prices:
        raise ClaimError(f"{claim.order}: unknown order")
    if claim.order in paid:
        raise ClaimError(f"{claim.order}: already refunded")
    policy = POLICIES.get(claim.reason)
    if policy is None:
        raise ClaimError(f"{claim.order}: unknown reason")
    if not 0 <= claim.days <= policy.days:
        raise ClaimError(f"{claim.order}: outside {policy.days} days")
    return prices[claim.order] * policy.percent // 100
    # --8<-- [end:answer]


def settle(lines: Iterable[str], prices: Mapping[str, int]) -> Settlement:
    """Judge claims in the order of their arrival; an order is refunded once.

    Args:
        lines: One claim each; blank ones are skipped.
        prices: What each order cost, in cents.

    Returns:
        What is paid, and what is refused with the reason.
    """
    payouts: dict[str, int] = {}
    refused: list[str] = []
    for line in filter(str.strip, lines):
        try:
            claim = parse(line)
            payouts[claim.order] = refund(claim, prices, payouts)
        except ClaimError as error:
            refused.append(str(error))
    return Settlement(payouts, refused)
