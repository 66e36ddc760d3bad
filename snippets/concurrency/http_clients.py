"""Ask a supplier for prices over connections that are kept, by httpx2 or aiohttp."""

import asyncio

import aiohttp
import httpx2

CONNECTIONS = 20  # at once; the others wait their turn
IDLE = 4.0  # seconds an unused connection is kept: many servers close it after 5
CONNECT = 3.0  # seconds to get a connection, new or from the pool
SILENCE = 5.0  # seconds without a byte
TOTAL = 10.0  # seconds for the whole answer
MOST_BYTES = 200  # of an article's name
MOST_DIGITS = 9  # of a price


def httpx2_client(supplier: str) -> httpx2.AsyncClient:
    """Give the one client of this process; close it with ``async with``.

    Args:
        supplier: The base URL; a path in it is kept.

    Raises:
        httpx2.InvalidURL: If it is no URL.
        ValueError: If it can't be encoded.
    """
    # --8<-- [start:answer]
    return httpx2.AsyncClient(  # once, at the start; then passed to each request
        base_url=supplier,
        limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE),
        timeout=httpx2.Timeout(SILENCE, connect=CONNECT, pool=CONNECT),
        trust_env=False,  # no proxy or password from the environment, as in aiohttp
    )
    # --8<-- [end:answer]


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
        ValueError: Not an article that can be asked for, or not a price.

    Examples:
        >>> import asyncio
        >>> import httpx2
        >>> fake = httpx2.MockTransport(lambda _: httpx2.Response(200, text="1299"))
        >>> async def main() -> int:
        ...     async with httpx2.AsyncClient(transport=fake, base_url="http://a") as a:
        ...         return await httpx2_price(a, "lamp")
        >>> asyncio.run(main())
        1299
    """
    query = _query(article)
    async with asyncio.timeout(TOTAL):  # httpx2's own limits count from byte to byte
        response = await client.get("price", params=query)
    return _cents(response.raise_for_status().text)


def aiohttp_session(supplier: str) -> aiohttp.ClientSession:
    """Give the one session of this process; make and close it inside the loop.

    Args:
        supplier: The base URL; a path in it is kept.

    Raises:
        RuntimeError: If no event loop runs.
        ValueError: If it is no absolute URL.
    """
    return aiohttp.ClientSession(
        supplier.rstrip("/") + "/",  # without it the last part would be replaced
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
        ValueError: Not an article that can be asked for, or not a price.
    """
    query = _query(article)
    # 1: the first redirect is an error, as in httpx2
    async with session.get("price", params=query, max_redirects=1) as response:
        return _cents(await response.text())


def _query(article: str) -> dict[str, str]:
    """Refuse what a client would change or refuse in a way of its own."""
    if not 1 <= len(article.encode()) <= MOST_BYTES:  # of half a character: ValueError
        raise ValueError(f"an article has 1 to {MOST_BYTES} bytes")
    return {"article": article}


def _cents(text: str) -> int:
    """Read a price that is nothing but digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ValueError(f"not a price: {text[:20]!r}")
    return int(text)
