"""Let the shop's own front ends read the API in a browser, and no other page."""

import re
from collections.abc import Iterable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

# as a browser writes it: scheme, host, the port unless it is 443, and nothing after
_ORIGIN = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:(?!443$)[1-9][0-9]{0,4})?")


def with_cors(app: ASGIApp, allowed: Iterable[str]) -> ASGIApp:
    """Wrap a whole application, so that its failures can be read as well.

    Args:
        app: The application, with all its middleware.
        allowed: The front ends that may send cookies and read answers.

    Returns:
        What the server should run.

    Raises:
        ValueError: If there is no origin, or one isn't written as a browser sends it.

    Examples:
        >>> from starlette.applications import Starlette
        >>> api = with_cors(Starlette(), ["https://shop.example"])
    """
    # --8<-- [start:answer]
    origins = tuple(allowed)
    if not origins or not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError(f"not origins as a browser sends them: {origins!r}")
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type", "X-CSRF-Token"],
        expose_headers=["Retry-After"],
    )
    # --8<-- [end:answer]
