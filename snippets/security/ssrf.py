"""Fetch the picture that a customer links to, from nowhere but the public internet."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import override

import httpx2

TOTAL = 10.0  # seconds for everything, redirects included
MOST_BYTES = 5_000_000
MOST_REQUESTS = 4  # the first and three redirects

type Address = IPv4Address | IPv6Address
type Resolver = Callable[[bytes], Awaitable[Sequence[Address]]]

GLOBAL_UNICAST = IPv6Network("2000::/3")


class FetchError(Exception):
    """There is nothing to be had at this URL; why is for the log."""


class NotPublicError(httpx2.ConnectError):
    """A host is not, or not only, on the public internet."""


def is_public(address: Address) -> bool:
    """Tell whether an address is somebody's on the public internet.

    Args:
        address: An address, never a name.

    Returns:
        Whether IANA has it as global and it is for one host.

    Examples:
        >>> from ipaddress import ip_address
        >>> [is_public(ip_address(each)) for each in ("9.9.9.9", "169.254.169.254")]
        [True, False]
    """
    if isinstance(address, IPv6Address):
        # Outside of this net an address may hide an IPv4 one, or be of an older kind.
        return address.is_global and address in GLOBAL_UNICAST
    return address.is_global and not address.is_multicast


async def resolve(host: bytes) -> list[Address]:
    """Ask the operating system for the addresses of a host.

    Args:
        host: A name, or an address in any spelling that the system takes.

    Returns:
        Its addresses, the best first.

    Raises:
        httpx2.ConnectError: If it has none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, None, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise httpx2.ConnectError(f"{host!r} has no address") from error
    return [ip_address(where[0]) for *_, where in found]


class PublicOnly(httpx2.AsyncBaseTransport):
    """Sends each request to an address that was checked, and never to a name."""

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, resolve: Resolver = resolve
    ) -> None:
        """Guard a transport.

        Args:
            inner: What sends the requests. It must not keep connections, since it
                would know them by address, and not by the name that TLS has checked.
            resolve: What knows the addresses of a host; all of them are checked.
        """
        self._inner = inner
        self._resolve = resolve

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Resolve once, check every address, and connect to one of these.

        Raises:
            NotPublicError: If one of the addresses is not public.
            httpx2.ConnectError: If none of them answers.
        """
        host = request.url.raw_host
        addresses = await self._resolve(host)
        if not all(map(is_public, addresses)):
            raise NotPublicError(f"{host!r} is not public")
        failure: httpx2.TransportError = httpx2.ConnectError(f"{host!r} has no address")
        for address in addresses:
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # the header Host has the name
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": host.decode()},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    @override
    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def public_client() -> httpx2.AsyncClient:
    """Make the client for customers' URLs; close it with ``async with``.

    Returns:
        A client that reaches public addresses only, by no proxy.
    """
    unshared = httpx2.Limits(max_keepalive_connections=0)
    inner = httpx2.AsyncHTTPTransport(limits=unshared)
    return httpx2.AsyncClient(transport=PublicOnly(inner), trust_env=False)


async def fetch(client: httpx2.AsyncClient, url: str) -> bytes:
    """Fetch what a customer links to.

    Args:
        client: The client made by ``public_client``.
        url: What the customer typed.

    Returns:
        The body of the answer, as it was sent.

    Raises:
        FetchError: Whatever the reason.
    """
    try:
        async with asyncio.timeout(TOTAL):
            request = client.build_request("GET", url)
            for _ in range(MOST_REQUESTS):
                response = await client.send(request, stream=True)
                async with aclosing(response):
                    if response.next_request is None:
                        return await _body(response.raise_for_status())
                    request = response.next_request  # back to the same transport
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise FetchError(url) from error
    raise FetchError(url)


async def _body(response: httpx2.Response) -> bytes:
    """Read at most so much; raw, since a small body may unpack to a large one."""
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            raise httpx2.ReadError(f"more than {MOST_BYTES} bytes")
    return bytes(body)
