"""Look up exchange rates: in async code, in a program, and where nothing can await."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any, Protocol

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0


class Client(Protocol):
    """A connection to the bank, which belongs to the loop that it was opened in."""

    async def rate(self, currency: str) -> Decimal:
        """Ask what a euro costs; raise OSError or LookupError."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


# Coroutine, as Runner.run takes no other awaitable; what it sends and yields
# is the loop's business, hence Any.
type Connect = Callable[[], Coroutine[Any, Any, Client]]


# --8<-- [start:answer]
def main(connect: Connect, currencies: Iterable[str]) -> str:
    """List rates: the entry of a program. RuntimeError where a loop already runs."""
    found = asyncio.run(rates(connect, currencies))  # the one call that starts a loop
    return "\n".join(f"{currency} {rate}" for currency, rate in found.items())


async def rates(connect: Connect, currencies: Iterable[str]) -> dict[str, Decimal]:
    """Look up several rates over one connection."""
    async with _opened(connect) as client:
        return {currency: await client.rate(currency) for currency in currencies}
    # --8<-- [end:answer]


@contextmanager
def rate_reader(connect: Connect) -> Generator[Callable[[str], Decimal]]:
    """Look up rates from code that can't await, all of them over one connection.

    Yields:
        A function that returns the rate of a currency; for this thread, in the block.

    Raises:
        RuntimeError: If a loop runs in this thread.
        Exception: If the connection can't be opened, or a lookup fails: that error.

    Examples:
        >>> import asyncio
        >>> from decimal import Decimal
        >>> class Fake:
        ...     async def rate(self, currency: str) -> Decimal:
        ...         return {"USD": Decimal("1.08")}[currency]
        ...
        ...     async def aclose(self) -> None: ...
        >>> with rate_reader(lambda: asyncio.sleep(0, Fake())) as rate:
        ...     rate("USD")
        Decimal('1.08')
    """
    with asyncio.Runner() as runner:
        client = runner.run(connect())
        try:
            yield lambda currency: runner.run(client.rate(currency))
        finally:
            runner.run(_close(client))


@asynccontextmanager
async def _opened(connect: Connect) -> AsyncGenerator[Client]:
    """Hold a connection for as long as the block runs."""
    client = await connect()
    try:
        yield client
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    """Close a connection, or log why it could not be closed."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.aclose()
    except Exception:
        # raised from a `finally`, it would replace the error or cancellation
        log.exception("a connection to the bank was not closed")
