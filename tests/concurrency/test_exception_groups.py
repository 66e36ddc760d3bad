import asyncio
import dis
import logging
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, override

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from snippets.concurrency import exception_groups_avoid as avoid
from snippets.concurrency.exception_groups import (
    RejectedError,
    ShopError,
    UnreachableError,
    push_or_retry,
    push_stock,
    shops_in,
)

pytestmark = pytest.mark.anyio

FOR_EVER = 10.0**6


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


@dataclass
class Fake:
    """A shop that takes the stock after a second, or fails."""

    error: BaseException | None = None
    stock: int | None = None
    seconds: float = 1
    name: str = "bath"

    async def push(self, stock: int) -> None:
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        self.stock = stock


BATH = UnreachableError("bath", "no answer")
YORK = RejectedError("york", "no such article")
BUG = KeyError("sku")


def fails(*errors: BaseException) -> Sequence[Fake]:
    return tuple(Fake(error) for error in errors)


async def test_a_failing_shop_does_not_keep_the_stock_from_the_others() -> None:
    leeds = Fake()
    with pytest.raises(ExceptionGroup):
        await push_stock(iter([Fake(BATH), leeds]), 7)
    assert leeds.stock == 7
    assert asyncio.get_running_loop().time() == 1


async def test_independent_failures_are_raised_together() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await push_stock((*fails(BATH, BUG), Fake()), 7)
    assert caught.value.message == "2 of 3 shops failed"
    assert caught.value.exceptions == (BATH, BUG)


async def test_nothing_is_raised_where_nothing_failed() -> None:
    await push_stock([Fake(), Fake()], 7)
    await push_stock((), 7)


async def test_a_shop_that_raises_at_the_call_keeps_the_stock_from_nobody() -> None:
    class Closed(Fake):
        @property
        @override
        def push(self) -> Callable[[int], Coroutine[Any, Any, None]]:  # pyright: ignore[reportIncompatibleMethodOverride] - fails before there is anything to await
            raise BUG

    leeds = Fake()
    with pytest.raises(ExceptionGroup) as caught:
        await push_stock([Closed(), leeds], 7)
    assert caught.value.exceptions == (BUG,)
    assert leeds.stock == 7


@pytest.mark.parametrize("push", [push_or_retry, avoid.retry_by_hand])
async def test_a_shop_that_is_silent_for_ten_seconds_is_unreachable(
    push: Any,  # noqa: ANN401 - the two have protocols of their own
) -> None:
    retried: list[str] = []
    slow, silent = Fake(seconds=9.5), Fake(seconds=FOR_EVER, name="york")
    await push([slow, silent], 7, retried.extend)
    assert (retried, slow.stock, silent.stock) == (["york"], 7, None)
    assert asyncio.get_running_loop().time() == 10


async def test_another_error_of_the_network_is_not_taken_for_silence() -> None:
    reset = ConnectionResetError("reset by peer")
    with pytest.raises(ExceptionGroup) as caught:
        await push_stock(fails(reset), 7)
    assert caught.value.exceptions == (reset,)


async def test_a_silent_shop_fails_with_the_timeout_as_its_cause() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await push_stock([Fake(seconds=FOR_EVER)], 7)
    [error] = caught.value.exceptions
    assert repr(error) == "UnreachableError('bath: no answer')"
    assert isinstance(error.__cause__, TimeoutError)


@pytest.mark.parametrize("push", [push_stock, avoid.push_stock])
async def test_a_negative_stock_is_told_to_nobody(
    push: Any,  # noqa: ANN401 - the two have protocols of their own
) -> None:
    shop = Fake()
    with pytest.raises(ValueError, match=r"^a stock of -1 can't be$"):
        await push([shop], -1)
    assert shop.stock is None
    await push([shop], 0)
    assert shop.stock == 0


async def test_each_kind_is_handled_by_its_own_clause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    retried: list[str] = []
    hull = RejectedError("hull", "no such article")
    await push_or_retry(fails(BATH, YORK, hull), 7, retried.extend)
    assert retried == ["bath"]
    assert caplog.record_tuples == [
        (
            "snippets.concurrency.exception_groups",
            logging.WARNING,
            "stock rejected by york, hull",
        )
    ]


async def test_the_rest_propagates_after_every_clause_has_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    retried: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        await push_or_retry(fails(BUG, BATH, YORK), 7, retried.extend)
    assert caught.value.message == "3 of 3 shops failed"
    assert caught.value.exceptions == (BUG,)
    assert (retried, caplog.messages) == (["bath"], ["stock rejected by york"])


async def test_a_kind_that_no_clause_names_propagates_though_its_base_is_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = ShopError("hull", "418")
    retried: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        await push_or_retry(fails(odd), 7, retried.extend)
    assert caught.value.exceptions == (odd,)
    assert (retried, caplog.messages) == ([], [])


async def test_failures_are_found_in_a_group_inside_the_group() -> None:
    retried: list[str] = []
    north = ExceptionGroup("north", [BUG, BATH])
    with pytest.raises(ExceptionGroup) as caught:
        await push_or_retry(fails(north), 7, retried.extend)
    assert retried == ["bath"]
    assert repr(caught.value.exceptions) == (
        "(ExceptionGroup('north', [KeyError('sku')]),)"
    )


async def test_an_error_in_a_clause_joins_the_rest_and_hides_nothing() -> None:
    full = OSError("queue full")

    def retry(_shops: list[str]) -> None:
        raise full

    with pytest.raises(ExceptionGroup) as caught:
        await push_or_retry(fails(BATH, BUG), 7, retry)
    assert repr(caught.value.exceptions) == (
        "(OSError('queue full'), "
        "ExceptionGroup('2 of 2 shops failed', [KeyError('sku')]))"
    )


async def test_an_error_in_a_clause_comes_alone_where_nothing_is_left() -> None:
    full = OSError("queue full")

    def retry(_shops: list[str]) -> None:
        raise full

    with pytest.raises(OSError, match=r"^queue full$") as caught:
        await push_or_retry(fails(BATH), 7, retry)
    assert caught.value is full
    assert isinstance(full.__context__, ExceptionGroup)


async def test_cancelled_it_ends_cancelled() -> None:
    retried: list[str] = []
    task = asyncio.create_task(push_or_retry([Fake()], 7, retried.extend))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_push_that_was_cancelled_alone_makes_it_a_base_group() -> None:
    retried: list[str] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        await push_or_retry(fails(asyncio.CancelledError(), BATH), 7, retried.extend)
    assert not isinstance(caught.value, Exception)
    assert [type(error) for error in caught.value.exceptions] == [
        asyncio.CancelledError
    ]
    assert retried == ["bath"]


def test_the_walk_keeps_the_order_at_every_depth() -> None:
    bath, york, leeds = (ShopError(name, "?") for name in ("bath", "york", "leeds"))
    north = ExceptionGroup("north", [ExceptionGroup("coast", [bath]), york])
    failed = ExceptionGroup("all", [north, leeds]).subgroup(ShopError)
    assert failed is not None
    assert list(shops_in(failed)) == ["bath", "york", "leeds"]


@pytest.fixture
def usual_stack() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own limit: a tool in this process raises it
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_stack")
def test_groups_nested_five_thousand_deep_are_too_deep() -> None:
    failed: ExceptionGroup[Any] = ExceptionGroup("inmost", [BATH])
    for _ in range(5000):
        failed = ExceptionGroup("outer", [failed])
    with pytest.raises(RecursionError):
        list(shops_in(failed))


def test_a_failure_says_what_it_is_about() -> None:
    assert (BATH.shop, str(BATH)) == ("bath", "bath: no answer")


def test_a_failure_goes_to_the_first_clause_that_fits() -> None:
    taken: list[list[str]] = []

    def run() -> None:
        try:
            raise ExceptionGroup("all", [BATH, YORK])
        except* ShopError as group:
            taken.append(list(shops_in(group)))
        except* UnreachableError:
            raise AssertionError from None

    run()
    assert taken == [["bath", "york"]]


def test_a_single_exception_is_wrapped_for_the_clause() -> None:
    groups: list[ExceptionGroup[UnreachableError]] = []
    try:
        raise BATH
    except* UnreachableError as group:
        groups.append(group)
    [wrapped] = groups
    assert (wrapped.message, wrapped.exceptions) == ("", (BATH,))


def test_a_single_exception_that_no_clause_takes_stays_as_it_was() -> None:
    def run() -> None:
        try:
            raise BUG
        except* UnreachableError:
            raise AssertionError from None

    with pytest.raises(KeyError) as caught:
        run()
    assert caught.value is BUG


def test_a_part_that_is_raised_again_goes_back_to_its_place() -> None:
    north = ExceptionGroup("north", [BATH, BUG])
    handled: list[str] = []

    def run() -> None:
        try:
            raise ExceptionGroup("all", [north, YORK])
        except* UnreachableError as group:
            handled.extend(shops_in(group))
            raise

    with pytest.raises(ExceptionGroup) as caught:
        run()
    assert handled == ["bath"]
    assert repr(caught.value) == (
        "ExceptionGroup('all', [ExceptionGroup('north', "
        "[UnreachableError('bath: no answer'), KeyError('sku')]), "
        "RejectedError('york: no such article')])"
    )


def test_except_star_compiles_to_a_split_and_a_raise_of_what_is_left() -> None:
    steps = list(dis.get_instructions(push_or_retry))
    assert "CHECK_EG_MATCH" in {step.opname for step in steps}
    assert "INTRINSIC_PREP_RERAISE_STAR" in {step.argrepr for step in steps}
    plain = {step.opname for step in dis.get_instructions(avoid.retry_by_plain_except)}
    assert "CHECK_EXC_MATCH" in plain
    assert "CHECK_EG_MATCH" not in plain


@pytest.mark.parametrize("leave", ["return", "break", "continue"])
def test_a_clause_cannot_leave_and_drop_the_rest(leave: str) -> None:
    source = f"""
def run():
    while True:
        try:
            work()
        except* OSError:
            {leave}
"""
    with pytest.raises(SyntaxError, match=r"cannot appear in an except\* block"):
        compile(source, "clause", "exec")


def test_a_group_of_ones_own_loses_its_class_where_it_is_split() -> None:
    class NightlyError(ExceptionGroup[Exception]):
        pass

    taken, rest = NightlyError("night", [BATH, BUG]).split(UnreachableError)
    assert (type(taken), type(rest)) == (ExceptionGroup, ExceptionGroup)


async def test_whoever_raises_the_first_error_hides_the_others(
    observe: Observe,
) -> None:
    error = avoid.UnreachableError("bath", "no answer")
    with pytest.raises(avoid.UnreachableError) as caught:
        await avoid.push_first_error(fails(error, BUG), 7)
    observe(caught.value)
    assert caught.value is error
    assert caught.value.__context__ is None


async def test_a_plain_except_does_not_look_into_the_group(observe: Observe) -> None:
    retried: list[str] = []
    error = avoid.UnreachableError("bath", "no answer")
    with pytest.raises(ExceptionGroup) as caught:
        await avoid.retry_by_plain_except(fails(error), 7, retried.extend)
    observe(f"raised: {caught.value!r}; to retry: {retried}")
    assert caught.value.exceptions == (error,)
    assert retried == []


async def test_both_careless_handlers_log_what_was_rejected_alone_or_at_top(
    caplog: pytest.LogCaptureFixture,
) -> None:
    retried: list[str] = []
    rejected = avoid.RejectedError("york", "no such article")

    def listed() -> Iterator[Fake]:
        raise rejected
        yield Fake()

    await avoid.retry_by_plain_except(listed(), 7, retried.extend)
    await avoid.retry_by_hand(fails(rejected), 7, retried.extend)
    assert caplog.messages == ["stock rejected by york"] * 2
    assert retried == []


async def test_a_plain_except_takes_only_what_comes_alone() -> None:
    def listed() -> Iterator[Fake]:
        raise avoid.UnreachableError("head office", "no list of shops")
        yield Fake()

    retried: list[str] = []
    await avoid.retry_by_plain_except(listed(), 7, retried.extend)
    assert retried == ["head office"]


async def test_sorting_by_hand_swallows_what_it_did_not_expect(
    observe: Observe,
) -> None:
    retried: list[str] = []
    error = avoid.UnreachableError("bath", "no answer")
    await avoid.retry_by_hand(fails(error, BUG), 7, retried.extend)
    observe(f"failed: bath and {BUG!r}; to retry: {retried}; raised: nothing")
    assert retried == ["bath"]


async def test_sorting_by_hand_misses_a_group_inside_the_group(
    observe: Observe,
) -> None:
    retried: list[str] = []
    north = ExceptionGroup("north", [avoid.UnreachableError("bath", "no answer")])
    await avoid.retry_by_hand(fails(north), 7, retried.extend)
    observe(f"failed: bath, in the group of the north; to retry: {retried}")
    assert retried == []


@pytest.mark.parametrize("push", [avoid.push_stock, avoid.push_first_error, push_stock])
async def test_each_way_is_alike_while_nothing_fails(
    push: Any,  # noqa: ANN401 - the three have protocols of their own
) -> None:
    shop = Fake()
    await push([shop], 7)
    assert shop.stock == 7
