"""Fetch the picture that a customer links to, from nowhere but the public internet."""

from asyncio import get_running_loop, timeout
from contextlib import aclosing
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM
from typing import override

import httpx2

TOTAL = 10.0  # seconds for everything, redirects included
MOST_BYTES = 5_000_000
MOST_REQUESTS = 4  # the first and three redirects
UNPACKED = {"Accept-Encoding": "identity"}  # what is small and packed may be large


class FetchError(Exception):
    """There is nothing to be had at this URL; why is for the log."""


class NotPublicError(httpx2.ConnectError):
    """It is not, or not only, a web server on the public internet."""


class PublicOnly(httpx2.AsyncHTTPTransport):
    """Sends each request to an address that was checked, and none to a name."""

    def __init__(self) -> None:
        """Make a transport; close it with ``async with``."""
        # A kept connection is known by its address, and was verified for one name.
        super().__init__(limits=httpx2.Limits(max_keepalive_connections=0))

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Resolve once, check every address, and connect to the first.

        Raises:
            NotPublicError: If an address is not public, or the URL names a port that
                is not the usual one of its scheme.
            httpx2.TransportError: If the host has no address, or doesn't answer.
        """
        url, host = request.url, request.url.raw_host
        # --8<-- [start:answer]
        addresses = await resolve(host)
        if url.port is not None or not all(map(is_public, addresses)):
            raise NotPublicError(f"{host!r} is not public, or names a port")
        pinned = httpx2.Request(
            request.method,
            url.copy_with(host=str(addresses[0])),
            headers=request.headers,  # the header Host has the name
            stream=request.stream,
            extensions=request.extensions | {"sni_hostname": host.decode()},
        )
        return await super().handle_async_request(pinned)
        # --8<-- [end:answer]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is somebody's on the public internet.

    Examples:
        >>> from ipaddress import ip_address
        >>> [is_public(ip_address(each)) for each in ("9.9.9.9", "169.254.169.254")]
        [True, False]
    """
    # what is outside of this network may have an IPv4 address in it
    usual = isinstance(address, IPv4Address) or address in IPv6Network("2000::/3")
    return usual and address.is_global and not address.is_multicast


async def resolve(host: bytes) -> list[IPv4Address | IPv6Address]:
    """Ask the operating system for the addresses of a host, the best first.

    Raises:
        httpx2.ConnectError: If it has none.
    """
    try:
        found = await get_running_loop().getaddrinfo(host, None, type=SOCK_STREAM)
    except OSError as error:
        raise httpx2.ConnectError(f"{host!r} has no address") from error
    return [ip_address(where[0]) for *_, where in found]


async def fetch(transport: PublicOnly, url: str) -> bytes:
    """Fetch what a customer links to, with no cookie and by no proxy.

    Args:
        transport: May be shared by all fetches.
        url: What the customer typed.

    Returns:
        The body of the answer.

    Raises:
        FetchError: If it is not on the public internet, or doesn't answer in time, or
            answers with an error, with too much or with something packed.
    """
    try:
        async with timeout(TOTAL):
            target = httpx2.URL(url)
            for _ in range(MOST_REQUESTS):
                ask = httpx2.Request("GET", target, headers=UNPACKED)
                async with aclosing(await transport.handle_async_request(ask)) as got:
                    if not got.has_redirect_location:
                        return await _body(got)
                    target = target.join(got.headers["Location"])
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, UnicodeError) as error:
        raise FetchError(url) from error
    raise FetchError(url)


async def _body(response: httpx2.Response) -> bytes:
    """Read at most so much, and as it is."""
    if not response.is_success or "Content-Encoding" in response.headers:
        raise httpx2.ReadError(f"status {response.status_code}, or packed")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            raise httpx2.ReadError(f"more than {MOST_BYTES} bytes")
    return bytes(body)
