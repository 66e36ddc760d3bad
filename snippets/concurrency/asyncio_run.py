"""Look up exchange rates: in async code, in a program, and where nothing can await."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import aclosing, contextmanager
from decimal import Decimal
from typing import Any, Protocol


class Client(Protocol):
    """A connection to the bank, which belongs to the loop that it was opened in."""

    async def rate(self, currency: str) -> Decimal:
        """Ask what a euro costs."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


# Coroutine, as Runner.run takes no other awaitable; what it sends and yields
# is the loop's business, hence Any.
type Connect = Callable[[], Coroutine[Any, Any, Client]]


async def rates(connect: Connect, currencies: Iterable[str]) -> dict[str, Decimal]:
    """Look up several rates over one connection.

    Args:
        connect: Opens the connection.
        currencies: What to look up.

    Returns:
        The rate of each currency.
    """
    async with aclosing(await connect()) as client:
        return {currency: await client.rate(currency) for currency in currencies}


def main(connect: Connect, currencies: Iterable[str]) -> str:
    """List rates: the entry of a program, and the only place that starts a loop.

    Args:
        connect: Opens the connection.
        currencies: What to look up.

    Returns:
        A line for each rate.
    """
    found = asyncio.run(rates(connect, currencies))
    return "\n".join(f"{currency} {rate}" for currency, rate in found.items())


@contextmanager
def rate_reader(connect: Connect) -> Generator[Callable[[str], Decimal]]:
    """Look up rates from code that can't await, all of them over one connection.

    Args:
        connect: Opens the connection.

    Yields:
        A function that returns the rate of a currency.

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
            runner.run(client.aclose())
