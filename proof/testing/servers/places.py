"""What the fixtures that give a test a place of its own on a real server share.

A server starts with the first test that asks for one; DATABASE_URL, REDIS_URL and
MONGODB_URL name servers to use instead. The clients are imported no earlier: a run
without servers does not pay for them.
"""

import os
import secrets
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

import pytest

from proof.testing.servers.launch import begin, fail

pytest_plugins = [
    f"proof.testing.servers.{each}" for each in ("postgresql", "valkey", "mongodb")
]
EXAMPLES = {
    "DATABASE_URL": "postgresql://user:password@host/database",
    "REDIS_URL": "redis://user:password@host/0",
    "MONGODB_URL": "mongodb://user:password@host",
}
SCHEMES = {
    "DATABASE_URL": {"postgresql"},
    "REDIS_URL": {"redis", "rediss", "unix"},
    "MONGODB_URL": {"mongodb", "mongodb+srv"},
}
PATIENCE = 5  # seconds, with a server of the user's own
LONGEST_ERROR = 300  # characters
Admin = TypeVar("Admin")


@dataclass(frozen=True, slots=True)
class Server(Generic[Admin]):  # noqa: UP046 - Python 3.10 reads it as well
    """A running server.

    Attributes:
        told: What it is, such as ``PostgreSQL 18.4``.
        url: Where it is.
        admin: A connection that makes and removes the tests' places.
    """

    told: str
    url: str
    admin: Admin


def pytest_configure(config: pytest.Config) -> None:
    """Make ready to start servers."""
    begin(config)


def tell(request: pytest.FixtureRequest, told: str) -> None:
    """Record what a test ran on.

    Args:
        request: The test's.
        told: The name and version.
    """
    node: pytest.Item = request.node
    node.user_properties.append(("server", told))


def unique() -> str:
    """Make a name for a test's place that no other test has."""
    return f"t{secrets.token_hex(6)}"


def given(variable: str) -> str | None:
    """Find the server of the user's own, if there is one.

    Args:
        variable: What names it, in the environment.

    Returns:
        Its URL; a database's as all its clients understand it.
    """
    text = os.environ.get(variable)
    if not text:
        return None
    scheme, _, rest = text.partition("://")
    if variable == "DATABASE_URL":
        scheme = scheme.partition("+")[0]
        scheme = "postgresql" if scheme == "postgres" else scheme
    try:
        urlsplit(text)
    except ValueError:
        scheme = ""
    if scheme not in SCHEMES[variable]:
        fail(
            f"{variable} is no URL such as {EXAMPLES[variable]}:"
            " correct it, or unset it to have a server started."
        )
    return f"{scheme}://{rest}"


def refuse(variable: str, url: str, error: Exception, advice: str = "") -> NoReturn:
    """End a test whose server can't be used, with one message without the password.

    Args:
        variable: What names the server.
        url: Its URL.
        error: What the client said.
        advice: What the server has to allow.
    """
    said = " ".join(str(error).split())
    said = said.partition(" (configured timeouts")[0]  # pymongo goes on at length
    password = urlsplit(url).password or ""
    for secret in filter(None, {password, unquote(password)}):
        said = said.replace(secret, "***")
    fail(
        f"{variable} names a server that can't be used: {said[:LONGEST_ERROR]}\n"
        f"{advice or 'Start it'}, correct {variable},"
        " or unset it to have a server started."
    )
