"""Fetch the picture that a customer links to, from wherever it says."""

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.request import urlopen

import httpx2

OURS = {"localhost", "127.0.0.1", "::1", "169.254.169.254"}


def fetch_anything(url: str) -> bytes:
    # expect: ruff[S310]
    # expect: test[urlopen_opens_files_as_well]
    with urlopen(url) as response:
        body: bytes = response.read()
    return body


async def fetch_by_name(client: httpx2.AsyncClient, url: str) -> bytes:
    if httpx2.URL(url).host in OURS:
        raise PermissionError(url)
    # expect: test[an_address_has_more_spellings_than_a_list]
    return (await client.get(url)).content


def is_public(address: IPv4Address | IPv6Address) -> bool:
    # expect: test[not_private_is_not_the_same_as_public]
    return not address.is_private


def is_public_by_the_library(address: IPv4Address | IPv6Address) -> bool:
    # expect: test[is_global_alone_lets_embedded_and_group_addresses_through]
    return address.is_global


async def check(url: httpx2.URL) -> None:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.raw_host, url.port)
    if not all(is_public(ip_address(where[0])) for *_, where in found):
        raise PermissionError(str(url))


# --8<-- [start:answer]
async def fetch_checked(client: httpx2.AsyncClient, url: str) -> bytes:
    await check(httpx2.URL(url))
    # expect: test[a_name_that_is_checked_is_resolved_again_to_connect]
    return (await client.get(url)).content


async def fetch_with_redirects(client: httpx2.AsyncClient, url: str) -> bytes:
    await check(httpx2.URL(url))
    # expect: test[a_redirect_leads_back_inside]
    return (await client.get(url, follow_redirects=True)).content
    # --8<-- [end:answer]
