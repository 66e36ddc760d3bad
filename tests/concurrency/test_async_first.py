import asyncio
import dis
from collections.abc import Callable
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Measured, undisturbed
from snippets.concurrency import async_first_avoid as avoid
from snippets.concurrency.async_first import Line, is_gift, quote, total

pytestmark = pytest.mark.anyio
CALLS = 5_000
ROUNDS = 9
BASKET = (Line("TEA", 3), Line("GIFT-CUP", 1), Line("JAM", 1), Line("TEA", 1))
PRICES = {"TEA": Decimal("4.50"), "JAM": Decimal("2.25")}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


async def price_after_a_second(sku: str) -> Decimal:
    await asyncio.sleep(1)
    return PRICES.get(sku, Decimal(1))


def one_turn(events: list[str]) -> None:
    """Note that something else had its turn."""
    asyncio.get_running_loop().call_soon(events.append, "somebody else's turn")


def seconds(run: Callable[[], object]) -> float:
    begun = perf_counter()
    run()
    return perf_counter() - begun


def test_a_basket_costs_its_articles_without_its_gifts() -> None:
    cost: Decimal = total(iter(BASKET), PRICES)
    assert cost == Decimal("20.25")


def test_an_empty_basket_costs_a_decimal_zero() -> None:
    assert repr(total((), {})) == "Decimal('0')"


@pytest.mark.parametrize("quantity", [0, -3])
@pytest.mark.parametrize("sku", ["TEA", "GIFT-CUP"])
async def test_a_quantity_below_one_is_refused(sku: str, quantity: int) -> None:
    lines = [Line("JAM", 1), Line(sku, quantity)]
    with pytest.raises(ValueError, match=f"^{quantity} of {sku}$"):
        total(lines, PRICES)
    with pytest.raises(ValueError, match=f"^{quantity} of {sku}$"):
        await quote(lines, price_after_a_second)
    others = [avoid.Line(line.sku, line.quantity) for line in lines]
    with pytest.raises(ValueError, match=f"^{quantity} of {sku}$"):
        await avoid.total(others, PRICES)


def test_a_price_that_is_missing_is_no_gift() -> None:
    with pytest.raises(KeyError, match=r"^'CUP'$"):
        total([Line("TEA", 1), Line("CUP", 1)], PRICES)


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("", False),
        ("gift-cup", False),
        ("GIFT-CUP", True),
        ("CUP-GIFT-", False),
        ("GIFTED", False),
    ],
)
def test_a_gift_is_told_by_the_beginning_of_its_number(
    sku: str, *, expected: bool
) -> None:
    assert is_gift(Line(sku, 1)) is expected


def test_what_computes_serves_filter_max_and_tests_without_a_loop() -> None:
    assert list(filter(is_gift, BASKET)) == [Line("GIFT-CUP", 1)]
    assert max(BASKET, key=is_gift) == Line("GIFT-CUP", 1)


async def test_all_prices_are_waited_for_together_each_article_once() -> None:
    async def fetch_price(sku: str) -> Decimal:
        asked.append(sku)
        return await price_after_a_second(sku)

    asked: list[str] = []
    assert await quote(BASKET, fetch_price) == Decimal("20.25")
    assert sorted(asked) == ["JAM", "TEA"]
    assert asyncio.get_running_loop().time() == 1


async def test_a_price_that_fails_fails_the_quote_and_ends_the_other_waits() -> None:
    async def fetch_price(sku: str) -> Decimal:
        try:
            await asyncio.sleep(1 if sku == "TEA" else 60)
        finally:
            ended.append(sku)
        raise LookupError(sku)

    ended: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        await quote(BASKET, fetch_price)
    assert [repr(each) for each in caught.value.exceptions] == ["LookupError('TEA')"]
    assert ended == ["TEA", "JAM"]


async def test_waiting_gives_everybody_else_a_turn() -> None:
    events: list[str] = []
    one_turn(events)
    await quote(BASKET, price_after_a_second)
    assert events == ["somebody else's turn"]


async def test_the_waits_of_a_bigger_basket_take_no_longer(measured: Measured) -> None:
    sizes = [1, 10, 100]
    together: list[float] = []
    in_turn: list[float] = []
    plain: list[float] = []
    loop = asyncio.get_running_loop()
    for size in sizes:
        lines = [Line(f"SKU-{n}", 1) for n in range(size)]
        begun = loop.time()
        await quote(lines, price_after_a_second)
        together.append(loop.time() - begun)

        others = [avoid.Line(line.sku, line.quantity) for line in lines]
        begun = loop.time()
        await avoid.quote_in_sequence(others, price_after_a_second)
        in_turn.append(loop.time() - begun)

        waits: list[str] = []
        avoid.quote_in_a_plain_function(others, noting(waits))
        plain.append(len(waits))
    measured.plot(
        "Time to quote a basket, each price a second away",
        "seconds of the controlled clock",
        over="articles",
        sizes=sizes,
        values={
            "awaited together": together,
            "awaited in turn": in_turn,
            "plain function": plain,
        },
    )
    assert together == [1, 1, 1]
    assert in_turn == plain == [1, 10, 100]


def noting(waits: list[str]) -> Callable[[str], Decimal]:
    """Make a plain function that would wait a second at each call."""

    def get_price(sku: str) -> Decimal:
        waits.append(sku)
        return PRICES.get(sku, Decimal(1))

    return get_price


def test_a_call_costs_more_where_the_function_is_async_for_nothing(
    measured: Measured, observe: Observe
) -> None:
    def call_plain() -> None:
        for _ in range(CALLS):
            is_gift(line)

    async def call_async() -> None:
        for _ in range(CALLS):
            await avoid.is_gift(other)

    def run_async() -> None:
        with pytest.raises(StopIteration):  # ends without ever having waited
            call_async().send(None)

    line = Line("TEA", 1)
    other = avoid.Line("TEA", 1)
    run_async()
    with undisturbed():
        plain = min(seconds(call_plain) for _ in range(ROUNDS))
        needless = min(seconds(run_async) for _ in range(ROUNDS))
    ratio = needless / plain
    measured.row(
        "Time of a call", "times as long", {"def": 1.0, "async def": round(ratio, 1)}
    )
    observe("the same answer, by way of a coroutine")
    assert ratio > 1.1


def test_a_call_of_an_async_function_makes_an_object_and_runs_nothing() -> None:
    steps = [step.opname for step in dis.get_instructions(avoid.is_gift)]
    assert steps[0] == "RETURN_GENERATOR"
    assert "RETURN_GENERATOR" not in {
        step.opname for step in dis.get_instructions(is_gift)
    }


def test_an_async_predicate_takes_every_line_for_a_gift(observe: Observe) -> None:
    lines = [avoid.Line("TEA", 3), avoid.Line("JAM", 1)]
    with pytest.warns(RuntimeWarning) as warned:
        free = avoid.gifts(lines)
    assert {str(each.message) for each in warned} == {
        "coroutine 'is_gift' was never awaited"
    }
    observe(f"of {len(lines)} lines, {len(free)} are gifts")
    assert free == lines


async def test_awaiting_a_computation_gives_nobody_else_a_turn(
    observe: Observe,
) -> None:
    events: list[str] = []
    one_turn(events)
    lines = [avoid.Line("TEA", 3), avoid.Line("GIFT-CUP", 1)] * 1000
    assert await avoid.total(lines, PRICES) == 13500
    observe(f"turns of anybody else during {len(lines)} awaits: {len(events)}")
    assert events == []


async def test_awaiting_each_price_in_turn_takes_the_sum_of_all_waits(
    observe: Observe,
) -> None:
    lines = [avoid.Line("TEA", 1), avoid.Line("JAM", 1), avoid.Line("CUP", 1)]
    cost = await avoid.quote_in_sequence(lines, price_after_a_second)
    assert cost == Decimal("7.75")
    seconds = asyncio.get_running_loop().time()
    observe(f"{len(lines)} waits of 1 s: {seconds:g} s")
    assert seconds == 3


async def test_a_plain_function_that_waits_takes_the_sum_and_holds_up_the_rest(
    observe: Observe,
) -> None:
    events: list[str] = []
    one_turn(events)
    lines = [avoid.Line("TEA", 1), avoid.Line("JAM", 1), avoid.Line("CUP", 1)]
    cost = avoid.quote_in_a_plain_function(lines, noting(events))
    observe(f"{len(events)} waits, and nobody else's turn between them")
    assert cost == Decimal("7.75")
    assert sorted(events) == ["CUP", "JAM", "TEA"]
    await asyncio.sleep(0)
    assert events[3:] == ["somebody else's turn"]
