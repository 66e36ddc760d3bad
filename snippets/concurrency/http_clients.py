"""Ask a supplier for prices over connections that are kept, by httpx2 or aiohttp."""

import asyncio

import aiohttp
import httpx2

CONNECTIONS = 20  # at once; the others wait their turn
IDLE = 30.0  # seconds an unused connection is kept: less than the supplier keeps it
CONNECT = 3.0  # seconds to get a connection, new or from the pool
SILENCE = 5.0  # seconds without a byte
TOTAL = 10.0  # seconds for the whole answer


def httpx2_client(supplier: str) -> httpx2.AsyncClient:
    """Give the one client of this process; close it with ``async with``.

    Args:
        supplier: The base URL.

    Returns:
        A client with a pool of connections, not yet opened.
    """
    return httpx2.AsyncClient(
        base_url=supplier,
        limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE),
        timeout=httpx2.Timeout(SILENCE, connect=CONNECT, pool=CONNECT),
    )


async def httpx2_price(client: httpx2.AsyncClient, article: str) -> int:
    """Ask for a price.

    Args:
        client: The shared client.
        article: What to buy, in the supplier's words.

    Returns:
        The price in cents.

    Raises:
        TimeoutError: The whole answer took too long.
        httpx2.HTTPError: No connection, silence, or no success.

    Examples:
        >>> import asyncio
        >>> import httpx2
        >>> fake = httpx2.MockTransport(lambda _: httpx2.Response(200, text="1299"))
        >>> async def main() -> int:
        ...     async with httpx2.AsyncClient(transport=fake) as client:
        ...         return await httpx2_price(client, "lamp")
        >>> asyncio.run(main())
        1299
    """
    async with asyncio.timeout(TOTAL):  # httpx2's own limits count from byte to byte
        response = await client.get("/price", params={"article": article})
    return int(response.raise_for_status().text)


def aiohttp_session(supplier: str) -> aiohttp.ClientSession:
    """Give the one session of this process; make and close it inside the loop.

    Args:
        supplier: The base URL.

    Returns:
        A session with a pool of connections, not yet opened.
    """
    return aiohttp.ClientSession(
        supplier,
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE),
        timeout=aiohttp.ClientTimeout(total=TOTAL, connect=CONNECT, sock_read=SILENCE),
        raise_for_status=True,
    )


async def aiohttp_price(session: aiohttp.ClientSession, article: str) -> int:
    """Ask for a price.

    Args:
        session: The shared session.
        article: What to buy, in the supplier's words.

    Returns:
        The price in cents.

    Raises:
        TimeoutError: Getting a connection, silence or the whole answer took too long.
        aiohttp.ClientError: No connection, or no success.
    """
    async with session.get("/price", params={"article": article}) as response:
        return int(await response.text())
