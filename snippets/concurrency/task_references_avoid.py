"""Take orders, and leave each receipt to a task that nobody owns."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol


class Shop(Protocol):
    async def charge(self, order: str) -> None: ...
    async def reserve(self, order: str) -> None: ...
    async def send_receipt(self, order: str) -> None: ...


async def place_and_drop(order: str, shop: Shop) -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(shop.charge(order))
        group.create_task(shop.reserve(order))
    # --8<-- [start:answer]
    # expect: ruff[RUF006] mypy[unused-awaitable]
    # expect: test[a_dropped_task_is_collected_while_it_waits_for_an_answer]
    # expect: test[the_error_of_a_dropped_task_never_reaches_the_caller]
    asyncio.create_task(
        shop.send_receipt(order),
        name=f"receipt for {order}",
    )
    # --8<-- [end:answer]
    return f"{order}: thank you"


class HoardingBackground:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        # expect: test[a_task_that_is_never_let_go_hides_its_error_even_from_the_log]
        self._tasks.add(task)
