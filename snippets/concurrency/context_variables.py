"""Write the request's number into every log line, whichever thread writes it."""

import asyncio
import logging
import re
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import override

NUMBER = re.compile(r"[\w.-]{1,64}")  # one line of the log stays one line

_request = ContextVar("request", default="-")


async def in_pool[**P, T](
    pool: ThreadPoolExecutor,
    function: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Do what ``asyncio.to_thread`` does, in a pool of your own.

    As with ``to_thread``, cancelling the caller does not stop the function.

    Returns:
        What the function returns.

    Raises:
        RuntimeError: If the pool was shut down.
        Exception: What the function raises.
    """
    # --8<-- [start:answer]
    context = copy_context()  # one for each call: two threads can't enter the same
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        pool, lambda: context.run(function, *args, **kwargs)
    )
    # --8<-- [end:answer]


@contextmanager
def request(number: str) -> Generator[None]:
    """Name the request that the code inside works for.

    Args:
        number: Its number, as the log shows it: 1 to 64 letters, digits, ``_.-``.

    Raises:
        ValueError: If it is no such number.

    Examples:
        >>> with request("7"):
        ...     with request("7.1"):
        ...         inner = current()
        ...     outer = current()
        >>> inner, outer, current()
        ('7.1', '7', '-')
    """
    if not NUMBER.fullmatch(number):
        raise ValueError(f"not a request's number: {number[:80]!r}")
    token = _request.set(number)
    try:
        yield
    finally:
        _request.reset(token)


def current() -> str:
    """Tell the number of the request that the caller works for.

    Returns:
        The number; ``-`` outside of any request.
    """
    return _request.get()


class RequestFilter(logging.Filter):
    """Adds the request's number to a record, for ``%(request)s``.

    Add it to a handler, not to a logger: a logger's filters see only the records that
    were logged on this very logger.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its number."""
        record.request = current()
        return True


async def place(
    number: str,
    lines: Iterable[str],
    reserve: Callable[[str], None],
    print_label: Callable[[str], None],
    printers: ThreadPoolExecutor,
) -> None:
    """Place an order; each step knows for which.

    Args:
        number: The order's number.
        lines: What was ordered.
        reserve: Takes a line from the stock; it blocks.
        print_label: Prints a line's label; it blocks.
        printers: A thread for each printer.

    Raises:
        ValueError: If the order's number is no number of a request.
        ExceptionGroup: If a step fails, with the errors; steps that run end first.
    """
    with request(number):
        # a task runs in a copy of this context, and its thread in a copy of the task's
        async with asyncio.TaskGroup() as group:
            for line in lines:
                group.create_task(asyncio.to_thread(reserve, line))
                group.create_task(in_pool(printers, print_label, line))
