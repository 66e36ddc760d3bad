"""Quote a basket: await what computes, and wait for one price after another."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple


class Line(NamedTuple):
    sku: str
    quantity: int


# expect: ruff[RUF029]
async def is_gift(line: Line) -> bool:
    # expect: test[a_call_costs_more_where_the_function_is_async_for_nothing]
    return line.sku.startswith("GIFT-")


def gifts(lines: Iterable[Line]) -> list[Line]:
    # expect: test[an_async_predicate_takes_every_line_for_a_gift]
    return list(filter(is_gift, lines))


async def total(lines: Iterable[Line], prices: Mapping[str, Decimal]) -> Decimal:
    cost = Decimal(0)
    for line in lines:
        # expect: test[awaiting_a_computation_gives_nobody_else_a_turn]
        if not await is_gift(line):
            cost += line.quantity * prices[line.sku]
    return cost


async def quote_in_sequence(
    lines: Sequence[Line], fetch_price: Callable[[str], Awaitable[Decimal]]
) -> Decimal:
    # expect: test[awaiting_each_price_in_turn_takes_the_sum_of_all_waits]
    prices = {line.sku: await fetch_price(line.sku) for line in lines}
    return await total(lines, prices)


def quote_in_a_plain_function(
    lines: Sequence[Line], get_price: Callable[[str], Decimal]
) -> Decimal:
    # expect: test[a_plain_function_that_waits_takes_the_sum_and_holds_up_the_rest]
    prices = {line.sku: get_price(line.sku) for line in lines}
    return sum((line.quantity * prices[line.sku] for line in lines), Decimal(0))
