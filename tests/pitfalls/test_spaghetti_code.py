import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snippets.pitfalls.spaghetti_code as straight
import snippets.pitfalls.spaghetti_code_avoid as nested
from proof.testing.basics import Observe
from snippets.pitfalls.spaghetti_code import Claim, ClaimError, parse, refund

type Settle = Callable[
    [Iterable[str], Mapping[str, int]], straight.Settlement | nested.Settlement
]

PRICES = {"A17": 4505, "B20": 999}


@pytest.fixture(params=[nested.settle, straight.settle], ids=["before", "after"])
def settle(request: pytest.FixtureRequest) -> Settle:
    function: Settle = request.param
    return function


@pytest.mark.parametrize(
    ("claim", "cents"),
    [
        ("A17 damaged 0", 4505),
        ("A17 damaged 365", 4505),
        ("A17 unwanted 30", 4505),
        ("A17 opened 30", 3604),
        ("A17 late 14", 450),
        ("B20 opened 0", 799),
    ],
)
def test_before_and_after_a_reason_pays_its_share_until_its_last_day(
    settle: Settle, claim: str, cents: int
) -> None:
    assert settle([claim], PRICES) == ({claim[:3]: cents}, [])


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("A17 damaged 366", "A17: outside 365 days"),
        ("A17 unwanted 31", "A17: outside 30 days"),
        ("A17 opened 31", "A17: outside 30 days"),
        ("A17 late 15", "A17: outside 14 days"),
        ("A17 late -1", "A17: outside 14 days"),
        ("A17 bored 1", "A17: unknown reason"),
        ("C99 damaged 1", "C99: unknown order"),
        ("A17 damaged", "A17 damaged: not a claim"),
        ("A17 damaged soon", "A17 damaged soon: not a claim"),
        ("A17 damaged 1_0", "A17 damaged 1_0: not a claim"),
        ("A17 damaged +1", "A17 damaged +1: not a claim"),
        ("A17 damaged \u0661", "A17 damaged \u0661: not a claim"),
        ("A17 damaged 1234567", "A17 damaged 1234567: not a claim"),
        ("A17 damaged 1 1", "A17 damaged 1 1: not a claim"),
        ("A17 damaged 999999", "A17: outside 365 days"),
        (f"A17 {'r' * 21} 1", f"A17 {'r' * 21} 1: not a claim"),
        (f"{'A' * 21} late 1", f"{'A' * 21} late 1: not a claim"),
        (f"{'A' * 20} late 1", f"{'A' * 20}: unknown order"),
        (f"A17 {'r' * 20} 1", "A17: unknown reason"),
        ("A" * 1_000_000, f"{'A' * 40}: not a claim"),
    ],
)
def test_before_and_after_a_refused_claim_is_told_why(
    settle: Settle, claim: str, reason: str
) -> None:
    assert settle([claim], PRICES) == ({}, [reason])


def test_before_and_after_an_order_is_not_refunded_for_a_second_reason(
    settle: Settle,
) -> None:
    claims = ["A17 damaged 3", "A17 unwanted 4"]
    assert settle(claims, PRICES) == ({"A17": 4505}, ["A17: already refunded"])


def test_before_and_after_a_refunded_order_is_told_so_before_its_reason_is_judged(
    settle: Settle,
) -> None:
    claims = ["A17 unwanted 4", "A17 bored 400"]
    assert settle(claims, PRICES) == ({"A17": 4505}, ["A17: already refunded"])


def test_before_and_after_a_bad_line_does_not_stop_the_others(settle: Settle) -> None:
    claims = ["", "?", "  ", "B20 unwanted 2"]
    assert settle(claims, PRICES) == ({"B20": 999}, ["?: not a claim"])


REASONS = st.sampled_from(["damaged", "unwanted", "opened", "late", "bored"])


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([*PRICES, "C99"]), REASONS, st.integers(-1, 400)),
        unique_by=lambda claim: claim[0],
    )
)
def test_before_and_after_agree_where_each_order_is_claimed_once(
    claims: list[tuple[str, str, int]],
) -> None:
    lines = [f"{order} {reason} {days}" for order, reason, days in claims]
    assert tuple(straight.settle(lines, PRICES)) == tuple(nested.settle(lines, PRICES))


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["A17", "B20"]), REASONS, st.integers(-1, 400)).map(
            lambda claim: "{} {} {}".format(*claim)
        )
    )
)
def test_no_order_is_ever_paid_more_than_its_price(lines: list[str]) -> None:
    payouts = straight.settle(lines, PRICES).payouts
    assert all(cents <= PRICES[order] for order, cents in payouts.items())


def test_a_claim_is_read_without_any_order() -> None:
    assert parse("A17 opened 12") == Claim("A17", "opened", 12)


def test_a_line_of_another_form_is_no_claim() -> None:
    with pytest.raises(ClaimError, match=r"^A17 late 9{31}: not a claim$"):
        parse(f"A17 late {'9' * 5000}")
    assert parse(" A17\topened  -0\n") == Claim("A17", "opened", 0)


def test_each_refusal_is_tested_without_a_file_of_claims() -> None:
    with pytest.raises(ClaimError, match=r"^A17: already refunded$"):
        refund(Claim("A17", "damaged", 1), PRICES, paid=["A17"])


def complexity(*arguments: str, code: str | None = None) -> dict[str, int]:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    command += ["--select=C901", "--config=lint.mccabe.max-complexity=0"]
    command += ["--output-format=json", *arguments]
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        command, input=code, capture_output=True, text=True, timeout=30, check=False
    )
    found: list[dict[str, str]] = json.loads(done.stdout)
    figures: dict[str, int] = {}
    for each in found:
        _, name, rest = each["message"].split("`")
        figures[name] = int(rest.partition("(")[2].partition(" ")[0])
    return figures


def test_the_figure_falls_from_12_in_one_function_to_5_at_most() -> None:
    assert complexity(str(Path(nested.__file__))) == {"settle": 12}
    assert complexity(str(Path(straight.__file__))) == {
        "parse": 2,
        "refund": 5,
        "settle": 3,
    }


def test_a_damaged_claim_is_paid_on_top_of_an_earlier_one(observe: Observe) -> None:
    claims = ["A17 unwanted 4", "A17 damaged 5"]
    settled = nested.settle(claims, PRICES)
    observe(f"{settled.payouts['A17']} cents refunded for {PRICES['A17']} paid")
    assert settled == ({"A17": 9010}, [])
    assert straight.settle(claims, PRICES).refused == ["A17: already refunded"]


JOINED = """
def may_refund(known, paid, days):
    return known and not paid and days <= 30
"""

NESTED = """
def may_refund(known, paid, days):
    if known:
        if not paid:
            if days <= 30:
                return True
    return False
"""


def test_ruff_counts_no_branch_for_and_although_it_is_one() -> None:
    assert complexity("-", code=NESTED) == {"may_refund": 4}
    assert complexity("-", code=JOINED) == {"may_refund": 1}


def test_ruff_gives_a_flat_match_a_high_figure_although_it_has_no_depth() -> None:
    cases = "".join(f"        case {n}: return 'zone {n}'\n" for n in range(12))
    code = f"def zone(digit):\n    match digit:\n{cases}"
    assert complexity("-", code=code) == {"zone": 13}
