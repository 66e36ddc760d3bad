import asyncio
import logging
import pickle
import re
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from typing import Any, override

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Timeline
from snippets.concurrency import context_variables_avoid
from snippets.concurrency.context_variables import (
    RequestFilter,
    current,
    in_pool,
    place,
    request,
)
from snippets.concurrency.context_variables_avoid import (
    current_of_thread,
    in_pool_all,
    in_pool_by_hand,
    in_pool_without_context,
    lines_of,
    request_of_thread,
)

TOO_LONG_SECONDS = 20


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture
def pool() -> Generator[ThreadPoolExecutor]:
    """Give a pool of one thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def ask() -> str:
    await asyncio.sleep(0)
    return current()


async def ask_in_a_task(_: ThreadPoolExecutor) -> str:
    return await asyncio.create_task(ask())


async def ask_in_a_group(_: ThreadPoolExecutor) -> str:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ask())
    return task.result()


async def ask_in_a_callback(_: ThreadPoolExecutor) -> str:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    loop.call_soon(lambda: answer.set_result(current()))
    return await answer


async def ask_in_to_thread(_: ThreadPoolExecutor) -> str:
    return await asyncio.to_thread(current)


async def ask_in_pool(pool: ThreadPoolExecutor) -> str:
    return await in_pool(pool, current)


async def ask_in_a_bare_executor(pool: ThreadPoolExecutor) -> str:
    return await asyncio.get_running_loop().run_in_executor(pool, current)


async def ask_in_a_submitted_job(pool: ThreadPoolExecutor) -> str:
    return await asyncio.wrap_future(pool.submit(current))


async def ask_in_a_new_thread(_: ThreadPoolExecutor) -> str:
    answers = list[str]()
    thread = threading.Thread(target=lambda: answers.append(current()))
    thread.start()
    await asyncio.to_thread(thread.join, TOO_LONG_SECONDS)
    return answers[0]


type Ask = Callable[[ThreadPoolExecutor], Awaitable[str]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "way",
    [ask_in_a_task, ask_in_a_group, ask_in_a_callback, ask_in_to_thread, ask_in_pool],
)
async def test_what_asyncio_starts_inherits_the_request(
    way: Ask, pool: ThreadPoolExecutor
) -> None:
    with request("7"):
        assert await way(pool) == "7"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "way", [ask_in_a_bare_executor, ask_in_a_submitted_job, ask_in_a_new_thread]
)
async def test_a_bare_executor_or_thread_does_not(
    way: Ask, pool: ThreadPoolExecutor
) -> None:
    with request("7"):
        assert await way(pool) == "-"


@pytest.mark.anyio
async def test_each_line_of_an_order_is_logged_under_its_number(
    pool: ThreadPoolExecutor,
) -> None:
    told = list[str]()

    def reserve(line: str) -> None:
        told.append(f"{current()}: reserve {line}")

    def print_label(line: str) -> None:
        told.append(f"{current()}: print {line}")

    async with asyncio.timeout(TOO_LONG_SECONDS):
        await place("7", ("lamp", "pen"), reserve, print_label, pool)
    assert sorted(told) == [
        "7: print lamp",
        "7: print pen",
        "7: reserve lamp",
        "7: reserve pen",
    ]
    assert current() == "-"


async def interleave(
    timeline: Timeline,
    enter: Callable[[str], AbstractContextManager[None]],
    ask_number: Callable[[], str],
) -> None:
    """Run two requests on one thread, the second while the first one waits."""
    paid = asyncio.Event()

    async def handle(number: str) -> None:
        with timeline.lane(number), enter(number):
            if number == "7":
                with timeline.wait(number, "card"):
                    await paid.wait()
            timeline.add(number, "notes", f"logs as {ask_number()}")
            paid.set()
            if number == "8":
                with timeline.wait(number, "stock"):
                    await asyncio.sleep(0)

    async with asyncio.timeout(TOO_LONG_SECONDS), asyncio.TaskGroup() as group:
        for number in ("7", "8"):
            group.create_task(handle(number))


@pytest.mark.anyio
async def test_two_requests_on_one_thread_keep_their_numbers(
    timeline: Timeline,
) -> None:
    await interleave(timeline, request, current)
    assert timeline.told == [
        "7 starts",
        "7 waits: card",
        "8 starts",
        "8 notes: logs as 8",
        "8 waits: stock",
        "7 goes on",
        "7 notes: logs as 7",
        "7 ends",
        "8 goes on",
        "8 ends",
    ]


@pytest.mark.anyio
async def test_a_task_keeps_the_number_it_was_created_under() -> None:
    with request("7"):
        task = asyncio.create_task(ask())
    with request("8"):
        assert await task == "7"


@pytest.mark.anyio
async def test_what_a_task_enters_its_parent_does_not_see() -> None:
    entered, may_leave = asyncio.Event(), asyncio.Event()

    async def child() -> str:
        with request("7.1"):
            entered.set()
            await may_leave.wait()
            return current()

    async with asyncio.timeout(TOO_LONG_SECONDS):
        with request("7"):
            task = asyncio.create_task(child())
            await entered.wait()
            assert current() == "7"
            may_leave.set()
            assert await task == "7.1"


async def directly(coroutine: Coroutine[Any, Any, None]) -> None:
    await coroutine


async def in_wait_for(coroutine: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait_for(coroutine, TOO_LONG_SECONDS)


@pytest.mark.anyio
@pytest.mark.parametrize("run", [directly, in_wait_for])
async def test_what_an_awaited_coroutine_enters_its_caller_sees(
    run: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
) -> None:
    async def enter() -> None:
        await asyncio.sleep(0)
        opened.enter_context(request("7"))

    with ExitStack() as opened:
        await run(enter())
        assert current() == "7"
    assert current() == "-"


def test_a_debugger_finds_the_request_by_name() -> None:
    with request("7"):
        context = copy_context()
    assert {variable.name: context[variable] for variable in context}["request"] == "7"


@pytest.mark.anyio
async def test_an_error_leaves_the_request_as_well() -> None:
    await asyncio.sleep(0)
    with pytest.raises(ConnectionError), request("7"):
        raise ConnectionError
    assert current() == "-"


@pytest.mark.anyio
async def test_the_pool_hands_on_arguments_result_and_error(
    pool: ThreadPoolExecutor,
) -> None:
    assert await in_pool(pool, int, "ff", base=16) == 255
    with pytest.raises(ValueError, match="invalid literal"):
        await in_pool(pool, int, "lamp")


@pytest.mark.anyio
async def test_the_function_runs_in_that_very_pool() -> None:
    with ThreadPoolExecutor(1, "printer") as printers:
        thread = await in_pool(printers, threading.current_thread)
    assert thread.name == "printer_0"


@pytest.mark.anyio
async def test_a_thread_of_the_pool_keeps_nothing(pool: ThreadPoolExecutor) -> None:
    with request("7"):
        assert await in_pool(pool, current) == "7"
    assert await ask_in_a_bare_executor(pool) == "-"


@pytest.mark.anyio
async def test_two_threads_work_for_one_request_at_once() -> None:
    both = threading.Barrier(2)

    def ask_together() -> str:
        both.wait(TOO_LONG_SECONDS)
        return current()

    with ThreadPoolExecutor(2) as pool, request("7"):
        numbers = await asyncio.gather(
            in_pool(pool, ask_together), in_pool(pool, ask_together)
        )
    assert list(numbers) == ["7", "7"]


NO_NUMBERS = ["", "7\n", "7\nERROR paid", "7 8", "7\0", "\ud800", "7" * 65, "%s!"]


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("enter", [request, context_variables_avoid.request])
def test_a_number_that_would_forge_the_log_is_refused(
    enter: Callable[[str], AbstractContextManager[None]], number: str
) -> None:
    with pytest.raises(ValueError, match=r"^not a request's number: ") as refused:
        enter(number).__enter__()
    assert str(refused.value).endswith(repr(number))
    assert current() == "-"


def test_a_number_that_is_refused_is_told_by_its_beginning() -> None:
    with pytest.raises(ValueError, match=r"^not a request") as refused:
        request(" " * 1_000_000).__enter__()
    assert str(refused.value) == f"not a request's number: {' ' * 80!r}"


@pytest.mark.parametrize("number", ["7", "7.1", "a_B-9", "7" * 64])
def test_a_number_is_a_word_of_up_to_64_characters(number: str) -> None:
    with request(number):
        assert current() == number


@pytest.mark.anyio
async def test_a_pool_that_was_shut_down_refuses_the_function() -> None:
    with ThreadPoolExecutor(1) as ended:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        await in_pool(ended, current)


@pytest.mark.anyio
async def test_a_cancelled_caller_does_not_stop_the_function(
    pool: ThreadPoolExecutor,
) -> None:
    started, may_end = threading.Event(), threading.Event()
    ended = list[str]()

    def work() -> None:
        started.set()
        may_end.wait(TOO_LONG_SECONDS)
        ended.append(current())

    with request("7"):
        working = asyncio.create_task(in_pool(pool, work))
    await asyncio.to_thread(started.wait, TOO_LONG_SECONDS)
    working.cancel()
    await asyncio.wait([working])
    assert working.cancelled()
    may_end.set()
    await in_pool(pool, current)
    assert ended == ["7"]


@pytest.mark.anyio
async def test_an_order_whose_label_fails_raises_the_error(
    pool: ThreadPoolExecutor,
) -> None:
    def print_label(line: str) -> None:
        raise OSError(f"no paper for {line}")

    told = list[str]()
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match=r"^no paper for lamp$")):
        await place("7", ["lamp"], told.append, print_label, pool)
    with pytest.raises(ValueError, match="not a request"):
        await place("", ["lamp"], told.append, told.append, pool)
    assert current() == "-"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines = list[str]()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def handler() -> Generator[Kept]:
    handler = Kept()
    handler.setFormatter(
        logging.Formatter("%(request)s %(message)s", defaults={"request": "?"})
    )
    shop = logging.getLogger("shop")
    shop.addHandler(handler)
    yield handler
    shop.removeHandler(handler)


def test_a_handlers_filter_numbers_the_records_of_every_logger(handler: Kept) -> None:
    handler.addFilter(RequestFilter())
    with request("7"):
        logging.getLogger("shop.stock").error("out of lamps")
    logging.getLogger("shop").error("closing")
    assert handler.lines == ["7 out of lamps", "- closing"]


def test_a_loggers_filter_sees_no_record_of_a_logger_below_it(handler: Kept) -> None:
    shop, numbered = logging.getLogger("shop"), RequestFilter()
    shop.addFilter(numbered)
    with request("7"):
        logging.getLogger("shop.stock").error("out of lamps")
        shop.error("closing")
    shop.removeFilter(numbered)
    assert handler.lines == ["? out of lamps", "7 closing"]


def test_a_context_cannot_be_sent_to_another_process() -> None:
    with pytest.raises(TypeError, match=r"cannot pickle '_contextvars\.Context'"):
        pickle.dumps(copy_context())


def note(numbers: list[str]) -> Callable[[str], None]:
    def work(line: str) -> None:
        numbers.append(f"{context_variables_avoid.current()}: {line}")

    return work


@pytest.mark.anyio
async def test_a_bare_executor_forgets_the_request(
    pool: ThreadPoolExecutor, observe: Observe
) -> None:
    told = list[str]()
    with context_variables_avoid.request("7"):
        await in_pool_without_context(pool, note(told), "lamp")
    observe(f"request 7 is logged as {told}")
    assert told == ["-: lamp"]


@pytest.mark.anyio
async def test_a_thread_goes_on_with_the_number_of_an_earlier_request(
    pool: ThreadPoolExecutor, observe: Observe
) -> None:
    told = list[str]()
    with context_variables_avoid.request("7"):
        await in_pool_by_hand(pool, note(told), "lamp")
    await in_pool_without_context(pool, note(told), "nightly count")
    observe(f"logged: {told}")
    assert told == ["7: lamp", "7: nightly count"]


@pytest.mark.anyio
async def test_a_second_thread_cannot_enter_a_context_that_is_in_use(
    observe: Observe,
) -> None:
    may_leave = threading.Event()

    def work(_: str) -> None:
        may_leave.wait(TOO_LONG_SECONDS)

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(RuntimeError, match="is already entered") as refused:
            await in_pool_all(pool, work, ("lamp", "pen"))
        may_leave.set()
    observe("RuntimeError: " + re.sub(r" object at \w+", "", str(refused.value)))


@pytest.mark.anyio
async def test_two_requests_on_one_thread_share_what_belongs_to_the_thread(
    timeline: Timeline, observe: Observe
) -> None:
    await interleave(timeline, request_of_thread, current_of_thread)
    observe([line for line in timeline.told if "logs" in line])
    assert timeline.told == [
        "7 starts",
        "7 waits: card",
        "8 starts",
        "8 notes: logs as 8",
        "8 waits: stock",
        "7 goes on",
        "7 notes: logs as 8",
        "7 ends",
        "8 goes on",
        "8 ends",
    ]


async def stock() -> AsyncGenerator[str]:
    await asyncio.sleep(0)
    yield "lamp"


@pytest.mark.anyio
async def test_a_generator_sets_the_number_of_whoever_iterates(
    observe: Observe,
) -> None:
    lines = lines_of("7", stock())
    assert [context_variables_avoid.current()] == ["-"]
    async for _ in lines:
        observe(f"in the caller's loop: request {context_variables_avoid.current()}")
        assert context_variables_avoid.current() == "7"
    assert context_variables_avoid.current() == "-"


@pytest.mark.anyio
async def test_a_generator_that_another_task_closes_cannot_reset_the_number(
    observe: Observe,
) -> None:
    async def first() -> str:
        return await anext(lines)

    lines = lines_of("7", stock())
    assert await asyncio.create_task(first()) == "lamp"
    with pytest.raises(ValueError, match="was created in a different Context") as late:
        await lines.aclose()
    observe("ValueError: " + re.sub(r" at 0x\w+", "", str(late.value)))
