"""Ask a supplier for prices over a new connection each time, or without end."""

import asyncio

import aiohttp
import httpx2

CONNECTIONS = 20
IDLE = 4.0
CONNECT = 3.0
SILENCE = 5.0
TOTAL = 10.0
MOST_BYTES = 200
MOST_DIGITS = 9


async def httpx2_price(supplier: str, article: str) -> int:
    query = _query(article)
    silence = httpx2.Timeout(SILENCE, connect=CONNECT)
    # --8<-- [start:answer]
    async with (
        asyncio.timeout(TOTAL),
        # expect: test[an_httpx2_client_per_request_opens_a_connection_each_time]
        # expect: test[each_httpx2_client_reads_the_certificates_again_on_the_loop]
        httpx2.AsyncClient(
            base_url=supplier, timeout=silence, trust_env=False
        ) as client,
    ):
        response = await client.get("price", params=query)
    # --8<-- [end:answer]
    return _cents(response.raise_for_status().text)


async def aiohttp_price(supplier: str, article: str) -> int:
    query = _query(article)
    limits = aiohttp.ClientTimeout(total=TOTAL, connect=CONNECT, sock_read=SILENCE)
    async with (
        # expect: test[an_aiohttp_session_per_request_opens_a_connection_each_time]
        aiohttp.ClientSession(
            supplier.rstrip("/") + "/", timeout=limits, raise_for_status=True
        ) as session,
        session.get("price", params=query, max_redirects=1) as response,
    ):
        return _cents(await response.text())


async def httpx2_price_in_ten_seconds(client: httpx2.AsyncClient, article: str) -> int:
    # expect: test[a_timeout_of_ten_seconds_waits_minutes_for_a_dripping_answer]
    response = await client.get("price", params=_query(article), timeout=TOTAL)
    return _cents(response.raise_for_status().text.strip())


def patient_httpx2_client(supplier: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=supplier,
        limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE),
        # expect: test[without_a_timeout_a_silent_supplier_is_awaited_for_ever]
        timeout=None,
        trust_env=False,
    )


def unlimited_aiohttp_session(supplier: str) -> aiohttp.ClientSession:
    # expect: test[without_a_limit_a_burst_opens_a_connection_for_each_request]
    anything = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
    limits = aiohttp.ClientTimeout(total=TOTAL, connect=CONNECT, sock_read=SILENCE)
    return aiohttp.ClientSession(
        supplier.rstrip("/") + "/",
        connector=anything,
        timeout=limits,
        raise_for_status=True,
    )


def _query(article: str) -> dict[str, str]:
    if not 1 <= len(article.encode()) <= MOST_BYTES:
        raise ValueError(f"an article has 1 to {MOST_BYTES} bytes")
    return {"article": article}


def _cents(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ValueError(f"not a price: {text[:20]!r}")
    return int(text)
