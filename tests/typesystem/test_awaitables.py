import asyncio
import re
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from snippets.typesystem import awaitables_types
from snippets.typesystem.awaitables import Offer, offer, together, within
from snippets.typesystem.awaitables_avoid import (
    again,
    label_unawaited,
    offer_unawaited,
    price_of_task,
    stock,
    stock_twice_wrapped,
    together_of_anything,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


def now() -> float:
    return asyncio.get_running_loop().time()


async def after(seconds: float, answer: int = 7) -> int:
    return await asyncio.sleep(seconds, answer)


async def fails(error: Exception) -> int:
    await asyncio.sleep(0)
    raise error


class Ready:
    """Awaitable, and neither coroutine nor future."""

    def __await__(self) -> Generator[Any, Any, int]:
        return after(1).__await__()


def future() -> asyncio.Future[int]:
    loop = asyncio.get_running_loop()
    soon = loop.create_future()
    loop.call_later(1, soon.set_result, 7)
    return soon


def task() -> asyncio.Task[int]:
    return asyncio.create_task(after(1))


@pytest.mark.parametrize("answer", [lambda: after(1), task, future, Ready])
async def test_a_coroutine_a_task_a_future_and_any_other_awaitable_are_awaited(
    answer: Callable[[], Awaitable[int]],
) -> None:
    assert await within(2, answer(), 0) == 7
    assert now() == 1


@pytest.mark.parametrize("answer", [lambda: after(1), task, future, Ready])
async def test_none_of_them_is_awaited_longer_than_was_said(
    answer: Callable[[], Awaitable[int]],
) -> None:
    assert await within(0.25, answer(), 0) == 0
    assert now() == 0.25


async def test_a_service_that_runs_into_its_own_timeout_is_a_failure() -> None:
    with pytest.raises(TimeoutError, match="the service's own"):
        await within(1, fails(TimeoutError("the service's own")), 0)


async def test_whoever_cancels_the_caller_cancels_the_answer() -> None:
    answer = task()
    caller = asyncio.create_task(within(1, answer, 0))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert answer.cancelled()


async def test_questions_are_asked_at_once_and_answered_in_their_order() -> None:
    assert await together(after(3, 30), after(1, 10), after(2, 20)) == [30, 10, 20]
    assert now() == 3


async def test_a_question_that_fails_cancels_the_others() -> None:
    async def asked() -> int:
        try:
            return await after(9)
        except asyncio.CancelledError:
            cancelled.append(now())
            raise

    cancelled: list[float] = []
    with pytest.RaisesGroup(pytest.RaisesExc(ConnectionError, match="price")):
        await together(asked(), fails(ConnectionError("price")))
    assert cancelled == [0]


@pytest.mark.parametrize(
    ("price_takes", "stock_takes", "known"),
    [
        (0.25, 0.25, Offer(990, 3)),
        (9, 0.25, Offer(None, 3)),
        (0.25, 9, Offer(990, None)),
        (9, 9, Offer(None, None)),
    ],
)
async def test_an_offer_holds_what_was_answered_within_half_a_second(
    price_takes: float, stock_takes: float, known: Offer
) -> None:
    async def price(sku: str) -> int:
        return await after(price_takes, 990 if sku == "A1" else 0)

    def stock(sku: str) -> asyncio.Future[int]:
        return asyncio.ensure_future(after(stock_takes, 3 if sku == "A1" else 0))

    assert await offer("A1", price, stock) == known
    assert now() == min(0.5, max(price_takes, stock_takes))


def test_an_offer_can_not_be_changed() -> None:
    made = Offer(990, 3)
    with pytest.raises(AttributeError, match="cannot assign to field 'cents'"):
        # ignored because it is the claim: each checker reports the assignment
        made.cents = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def test_what_both_checkers_infer_is_so() -> None:
    await awaitables_types.called_and_awaited()
    await awaitables_types.all_of_them_are_awaitable()
    await awaitables_types.a_task_wants_a_coroutine(Ready())


def test_asyncio_run_refuses_an_awaitable_that_is_no_coroutine() -> None:
    with pytest.raises(ValueError, match="a coroutine was expected, got <"):
        # ignored because it is the claim: each checker reports the argument
        asyncio.run(Ready())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_ensure_future_makes_a_task_of_any_awaitable() -> None:
    made = asyncio.ensure_future(Ready())
    assert type(made) is asyncio.Task
    assert await made == 7


async def test_gather_and_wait_for_accept_every_awaitable() -> None:
    assert sum(await asyncio.gather(Ready(), future(), after(1))) == 21
    assert await asyncio.wait_for(Ready(), timeout=2) == 7


async def test_an_async_method_satisfies_one_that_returns_an_awaitable() -> None:
    class Service(Protocol):
        def ask(self, sku: str, /) -> Awaitable[int]: ...

    class Shop:
        async def ask(self, _sku: str, /) -> int:
            return await after(1)

    async def ask(service: Service) -> int:
        return await service.ask("A1")

    assert await ask(Shop()) == 7


async def test_a_task_that_took_too_long_is_cancelled_for_everybody() -> None:
    shared = task()
    assert await within(0.25, shared, 0) == 0
    assert shared.cancelled()


async def test_a_shielded_task_that_took_too_long_goes_on() -> None:
    shared = task()
    assert await within(0.25, asyncio.shield(shared), 0) == 0
    assert await shared == 7


async def test_a_task_can_be_awaited_again() -> None:
    shared = task()
    assert [await shared, await shared] == [7, 7]


async def test_what_makes_an_awaitable_can_be_asked_again() -> None:
    async def twice[T](ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await ask()
        except ConnectionError:
            return await ask()

    async def ask() -> int:
        asked.append("?")
        return await (after(1) if len(asked) == 2 else fails(ConnectionError()))

    asked: list[str] = []
    assert await twice(ask) == 7


async def test_a_coroutine_is_never_zero_and_what_is_sold_out_is_offered(
    observe: Observe,
) -> None:
    assert await stock("") == 0
    with pytest.warns(RuntimeWarning, match="'stock' was never awaited"):
        offered = await offer_unawaited("")
    observe(f"offered for {offered}, with none in stock")
    assert offered == "0 cents"


async def test_an_f_string_takes_a_coroutine_as_well(observe: Observe) -> None:
    with pytest.warns(RuntimeWarning, match="'stock' was never awaited"):
        label = await label_unawaited("A1")
    label = re.sub("0x[0-9a-f]+", "0x…", label)
    observe(label)
    assert label == "200 cents, <coroutine object stock at 0x…> left"


async def test_an_async_function_that_returns_an_awaitable_has_to_be_awaited_twice(
    observe: Observe,
) -> None:
    once = await stock_twice_wrapped("A1")
    observe(f"await gives a {type(once).__name__}, await await gives {await once}")
    assert asyncio.iscoroutine(once)


async def test_a_task_group_refuses_a_future(observe: Observe) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(TypeError)) as failure:
        await together_of_anything(future())
    (refused,) = failure.value.exceptions
    observe(f"{type(refused).__name__}: {str(refused).partition(' <')[0]} <Future …>")
    assert str(refused).startswith("a coroutine was expected, got <Future pending")


async def test_a_task_group_takes_coroutines_that_are_declared_too_widely() -> None:
    assert await together_of_anything(after(1, 10), after(2, 20)) == [10, 20]


async def test_a_task_that_both_checkers_refuse_is_awaited_all_the_same(
    observe: Observe,
) -> None:
    answer = await price_of_task(task())
    observe(answer)
    assert answer == 7


async def test_a_coroutine_can_not_be_awaited_again(observe: Observe) -> None:
    with pytest.raises(RuntimeError) as failure:
        await again(fails(ConnectionError("once")))
    observe(failure.value)
    assert str(failure.value) == "cannot reuse already awaited coroutine"
