"""Settle refund claims, one condition inside the other."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

CLAIM = re.compile(r"(\S{1,20})\s+(\S{1,20})\s+(-?[0-9]{1,6})")
DAMAGED_DAYS = 365
RETURN_DAYS = 30
LATE_DAYS = 14


class Settlement(NamedTuple):
    payouts: Mapping[str, int]
    refused: list[str]


# expect: ruff[C901] ruff[PLR0912]
def settle(lines: Iterable[str], prices: Mapping[str, int]) -> Settlement:
    payouts: dict[str, int] = defaultdict(int)
    refused: list[str] = []
    # expect: ruff[PLR1702] x2
    for line in filter(str.strip, lines):
        match = CLAIM.fullmatch(line.strip())
        if match is None:
            refused.append(f"{line[:40]}: not a claim")
        else:
            order, reason, text = match.groups()
            days = int(text)
            # --8<-- [start:answer]
            if order in prices:
                if reason == "damaged":
                    if 0 <= days <= DAMAGED_DAYS:
                        # expect: test[a_damaged_claim_is_paid_on_top_of_an_earlier_one]
                        payouts[order] += prices[order]
                    else:
                        refused.append(f"{order}: outside {DAMAGED_DAYS} days")
                elif order not in payouts:
                    # --8<-- [end:answer]
                    if reason in {"unwanted", "opened"}:
                        if 0 <= days <= RETURN_DAYS:
                            if reason == "opened":
                                payouts[order] += prices[order] * 80 // 100
                            else:
                                payouts[order] += prices[order]
                        else:
                            refused.append(f"{order}: outside {RETURN_DAYS} days")
                    elif reason == "late":
                        if 0 <= days <= LATE_DAYS:
                            payouts[order] += prices[order] * 10 // 100
                        else:
                            refused.append(f"{order}: outside {LATE_DAYS} days")
                    else:
                        refused.append(f"{order}: unknown reason")
                else:
                    refused.append(f"{order}: already refunded")
            else:
                refused.append(f"{order}: unknown order")
    return Settlement(payouts, refused)
