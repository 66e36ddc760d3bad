"""Write a request's number into every log line, be it another request's."""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context

NUMBER = re.compile(r"[\w.-]{1,64}")

_request = ContextVar("request", default="-")


class _OfThread(threading.local):
    number = "-"


_of_thread = _OfThread()


async def in_pool_without_context(
    pool: ThreadPoolExecutor, function: Callable[[str], None], line: str
) -> None:
    # --8<-- [start:answer]
    loop = asyncio.get_running_loop()
    # expect: test[a_bare_executor_forgets_the_request]
    await loop.run_in_executor(pool, function, line)
    # --8<-- [end:answer]


@contextmanager
def request(number: str) -> Generator[None]:
    if not NUMBER.fullmatch(number):
        raise ValueError(f"not a request's number: {number[:80]!r}")
    token = _request.set(number)
    try:
        yield
    finally:
        _request.reset(token)


def current() -> str:
    return _request.get()


async def in_pool_by_hand(
    pool: ThreadPoolExecutor, function: Callable[[str], None], line: str
) -> None:
    number = current()

    def run() -> None:
        # expect: test[a_thread_goes_on_with_the_number_of_an_earlier_request]
        _request.set(number)
        function(line)

    await asyncio.get_running_loop().run_in_executor(pool, run)


async def in_pool_all(
    pool: ThreadPoolExecutor, function: Callable[[str], None], lines: Iterable[str]
) -> None:
    loop, context = asyncio.get_running_loop(), copy_context()

    def run(line: str) -> None:
        # expect: test[a_second_thread_cannot_enter_a_context_that_is_in_use]
        context.run(function, line)

    await asyncio.gather(*(loop.run_in_executor(pool, run, line) for line in lines))


async def lines_of(number: str, stock: AsyncGenerator[str]) -> AsyncGenerator[str]:
    with request(number):
        async for line in stock:
            # expect: ruff[ASYNC119]
            # expect: test[a_generator_sets_the_number_of_whoever_iterates]
            # expect: test[a_generator_that_another_task_closes_cannot_reset_the_number]
            yield line


@contextmanager
def request_of_thread(number: str) -> Generator[None]:
    outer = _of_thread.number
    # expect: test[two_requests_on_one_thread_share_what_belongs_to_the_thread]
    _of_thread.number = number
    try:
        yield
    finally:
        _of_thread.number = outer


def current_of_thread() -> str:
    return _of_thread.number
