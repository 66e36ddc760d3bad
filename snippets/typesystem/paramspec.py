"""Make the calls that an order promises when the order is committed."""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from inspect import Parameter, signature
from typing import Concatenate

logger = logging.getLogger(__name__)


class AfterCommit:
    """Calls that wait until a transaction is final."""

    def __init__(self) -> None:
        """Begin with no calls."""
        self._calls: deque[Callable[[], None]] = deque()

    # --8<-- [start:answer]
    # None: an async function doesn't fit, whose coroutine nothing would await
    def call[**P](
        self, function: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Keep a call for later; its arguments are checked where it is written."""
        self._calls.append(partial(function, *args, **kwargs))

    # --8<-- [end:answer]

    def run(self) -> None:
        """Make each call once, in order; log those that raise an ``Exception``."""
        while self._calls:
            call = self._calls.popleft()
            try:
                call()
            except Exception:
                logger.exception("a call after the commit failed")


def deferred[**P](
    function: Callable[P, None],
) -> Callable[Concatenate[AfterCommit, P], None]:
    """Make a function wait for the commit that it is handed.

    Args:
        function: What to call after the commit.

    Returns:
        The function with one more parameter, the first, which is positional.

    Raises:
        ValueError: If the function has a parameter ``after`` of its own, or is built in
            and tells inspect nothing.

    Examples:
        >>> import sqlite3
        >>> from contextlib import closing
        >>> sent: list[str] = []
        >>> @deferred
        ... def send_receipt(address: str, *, cents: int) -> None:
        ...     sent.append(f"{address}: {cents / 100:.2f}")
        >>> db = sqlite3.connect(":memory:", autocommit=False)
        >>> with closing(db), transaction(db) as after:
        ...     send_receipt(after, "ada@example.org", cents=1250)
        >>> sent
        ['ada@example.org: 12.50']
    """

    @wraps(function)
    def later(after: AfterCommit, /, *args: P.args, **kwargs: P.kwargs) -> None:
        after.call(function, *args, **kwargs)

    own = signature(function)
    first = Parameter("after", Parameter.POSITIONAL_ONLY, annotation=AfterCommit)
    # wraps has inspect show the function's own parameters, which lack the first
    vars(later)["__signature__"] = own.replace(
        parameters=[first, *own.parameters.values()], return_annotation=None
    )
    return later


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[AfterCommit]:
    """Commit at the end, then make the calls; on an exception make none.

    Args:
        connection: Where the changes are made, opened with ``autocommit=False``.

    Yields:
        What takes the calls, until the block ends.

    Raises:
        ValueError: If the connection's autocommit is another, so that its statements
            could be committed one by one.
        sqlite3.Error: If the commit fails; it is rolled back then.
    """
    if connection.autocommit is not False:
        raise ValueError("open the connection with autocommit=False")
    after = AfterCommit()
    with connection:  # commits, or rolls back
        yield after
    after.run()
