"""Write the request's number into every log line, whichever thread writes it."""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import override

_request = ContextVar("request", default="-")


@contextmanager
def request(number: str) -> Generator[None]:
    """Name the request that the code inside works for.

    Args:
        number: Its number, as the log shows it.

    Examples:
        >>> with request("7"):
        ...     with request("7.1"):
        ...         inner = current()
        ...     outer = current()
        >>> inner, outer, current()
        ('7.1', '7', '-')
    """
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


async def in_pool[**P, T](
    pool: ThreadPoolExecutor,
    function: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Do what ``asyncio.to_thread`` does, in a pool of your own.

    Args:
        pool: Where the function runs.
        function: A blocking function.
        *args: Its positional arguments.
        **kwargs: Its keyword arguments.

    Returns:
        What the function returns.
    """
    context = copy_context()  # one for each call: two threads can't enter the same
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        pool, lambda: context.run(function, *args, **kwargs)
    )


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
    """
    with request(number):
        # a task runs in a copy of this context, and its thread in a copy of the task's
        async with asyncio.TaskGroup() as group:
            for line in lines:
                group.create_task(asyncio.to_thread(reserve, line))
                group.create_task(in_pool(printers, print_label, line))
