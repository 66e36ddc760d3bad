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


async def quote_in_sequence(
    lines: Sequence[Line], fetch_price: Callable[[str], Awaitable[Decimal]]
) -> Decimal:
    # --8<-- [start:answer]
    skus = {line.sku for line in lines if not await is_gift(line)}
    # expect: test[awaiting_each_price_in_turn_takes_the_sum_of_all_waits]
    prices = {sku: await fetch_price(sku) for sku in skus}
    return await total(lines, prices)
    # --8<-- [end:answer]


async def total(lines: Iterable[Line], prices: Mapping[str, Decimal]) -> Decimal:
    cost = Decimal(0)
    for line in lines:
        if line.quantity < 1:
            raise ValueError(f"{line.quantity} of {line.sku}")
        # expect: test[awaiting_a_computation_gives_nobody_else_a_turn]
        if not await is_gift(line):
            cost += line.quantity * prices[line.sku]
    return cost


def quote_in_a_plain_function(
    lines: Sequence[Line], get_price: Callable[[str], Decimal]
) -> Decimal:
    charged = [line for line in lines if not line.sku.startswith("GIFT-")]
    # expect: test[a_plain_function_that_waits_takes_the_sum_and_holds_up_the_rest]
    prices = {sku: get_price(sku) for sku in {line.sku for line in charged}}
    return sum((line.quantity * prices[line.sku] for line in charged), Decimal(0))
