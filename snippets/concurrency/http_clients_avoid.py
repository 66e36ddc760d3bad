"""Ask a supplier for prices over a new connection each time, or without end."""

import aiohttp
import httpx2


async def httpx2_price(supplier: str, article: str) -> int:
    # expect: test[an_httpx2_client_per_request_opens_a_connection_each_time]
    # expect: test[each_httpx2_client_reads_the_certificates_again_on_the_loop]
    async with httpx2.AsyncClient(base_url=supplier, timeout=10) as client:
        response = await client.get("/price", params={"article": article})
    return int(response.raise_for_status().text)


async def aiohttp_price(supplier: str, article: str) -> int:
    # expect: test[an_aiohttp_session_per_request_opens_a_connection_each_time]
    async with aiohttp.ClientSession(supplier, raise_for_status=True) as session:
        response = await session.get("/price", params={"article": article})
        return int(await response.text())


async def httpx2_price_in_ten_seconds(client: httpx2.AsyncClient, article: str) -> int:
    parameters = {"article": article}
    # expect: test[a_timeout_of_ten_seconds_waits_minutes_for_a_dripping_answer]
    response = await client.get("/price", params=parameters, timeout=10)
    return int(response.raise_for_status().text)


def patient_httpx2_client(supplier: str) -> httpx2.AsyncClient:
    # expect: test[without_a_timeout_a_silent_supplier_is_awaited_for_ever]
    return httpx2.AsyncClient(base_url=supplier, timeout=None)


def unlimited_aiohttp_session(supplier: str) -> aiohttp.ClientSession:
    # expect: test[without_a_limit_a_burst_opens_a_connection_for_each_request]
    anything = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(supplier, connector=anything)
