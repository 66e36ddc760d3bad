"""Let the shop's own front ends read the API in a browser, and no other page."""

import re
from collections.abc import Iterable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

# as a browser writes it: scheme, host, the port unless it is 443, and nothing after
_ORIGIN = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:(?!443$)[1-9][0-9]{0,4})?")


def origins(setting: str) -> tuple[str, ...]:
    """Read a list of origins from a setting, and refuse what would match too much.

    Args:
        setting: Origins, separated by commas.

    Returns:
        Each origin, in the order of the setting.

    Raises:
        ValueError: If there is none, or one isn't written as a browser sends it.

    Examples:
        >>> origins("https://shop.example, https://admin.shop.example:8443")
        ('https://shop.example', 'https://admin.shop.example:8443')
    """
    listed = tuple(origin.strip() for origin in setting.split(","))
    for origin in listed:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"not an origin as a browser sends it: {origin!r}")
    return listed


def with_cors(app: ASGIApp, allowed: Iterable[str]) -> ASGIApp:
    """Wrap a whole application, so that its failures can be read as well.

    Args:
        app: The application, with all its middleware.
        allowed: The front ends that may send cookies and read answers.

    Returns:
        What the server should run.
    """
    return CORSMiddleware(
        app,
        allow_origins=frozenset(allowed),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type", "X-CSRF-Token"],
        allow_credentials=True,
        expose_headers=["Retry-After"],
    )
