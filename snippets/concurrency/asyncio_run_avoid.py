"""Look up exchange rates, with a loop started wherever one seems to be missing."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Protocol

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0


class Client(Protocol):
    async def rate(self, currency: str) -> Decimal: ...

    async def aclose(self) -> None: ...


type Connect = Callable[[], Coroutine[Any, Any, Client]]


# --8<-- [start:answer]
async def rates(connect: Connect, currencies: Iterable[str]) -> dict[str, Decimal]:
    async with _opened(connect) as client:
        return {currency: rate_now(client, currency) for currency in currencies}


def rate_now(client: Client, currency: str) -> Decimal:
    # expect: test[a_loop_cannot_be_started_inside_a_running_loop]
    return asyncio.run(client.rate(currency))
    # --8<-- [end:answer]


def main_on_any_loop(connect: Connect, currency: str) -> Decimal:
    # expect: test[get_event_loop_only_warns_where_nothing_ran_before]
    # expect: test[get_event_loop_raises_once_anything_has_called_run]
    # expect: test[get_event_loop_raises_in_every_other_thread]
    loop = asyncio.get_event_loop()
    client = loop.run_until_complete(connect())
    # expect: test[run_until_complete_leaves_tasks_behind_without_their_clean_up]
    return loop.run_until_complete(client.rate(currency))


class RateReader:
    def __init__(self, connect: Connect) -> None:
        self._client = asyncio.run(connect())

    def rate(self, currency: str) -> Decimal:
        # expect: test[a_client_does_not_survive_the_loop_it_was_opened_in]
        return asyncio.run(self._client.rate(currency))

    def close(self) -> None:
        asyncio.run(_close(self._client))


@asynccontextmanager
async def _opened(connect: Connect) -> AsyncGenerator[Client]:
    client = await connect()
    try:
        yield client
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.aclose()
    except Exception:
        log.exception("a connection to the bank was not closed")
