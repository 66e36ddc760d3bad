"""Fixtures: a database of its own for each test, on MongoDB or what speaks for it."""

import asyncio
import importlib.metadata
import os
import re
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from proof.testing.servers.launch import Launch
from proof.testing.servers.places import PATIENCE, Server, given, refuse, tell, unique

RUN = "from nx_27017 import main; main()"


def running() -> Server[None]:
    """Start nx-27017, or ask the server that MONGODB_URL names.

    Returns:
        The server.
    """
    if url := given("MONGODB_URL"):
        return Server(f"MongoDB {asyncio.run(_version(url))}", url, None)
    launch = Launch("MongoDB", "nx_27017", "MONGODB_URL")
    launch.reach_python()

    def port() -> str | None:
        found = re.search(r"Listening on 127\.0\.0\.1:(\d+)", launch.log)
        return found and found[1]

    command = [sys.executable, "-I", "-X", "utf8", "-c", RUN, "--port", "0"]
    command += ["--data-dir", "memory", "--log-file", os.devnull]
    command += ["--pid-file", str(launch.home / "pid")]
    number = launch.start(command, ended_by=signal.SIGKILL, connect=port)
    version = importlib.metadata.version("nx-27017")
    url = f"mongodb://127.0.0.1:{number}/?directConnection=true"
    return Server(f"nx-27017 {version}", url, None)


async def _version(url: str) -> str:
    from pymongo import AsyncMongoClient  # noqa: PLC0415 - slow, and few runs need it
    from pymongo.errors import PyMongoError  # noqa: PLC0415 - as above

    patience = PATIENCE * 1000
    try:
        async with AsyncMongoClient[dict[str, object]](
            url, serverSelectionTimeoutMS=patience
        ) as client:
            about = await client.server_info()
    except (PyMongoError, ValueError) as error:
        refuse("MONGODB_URL", url, error)
    return str(about.get("version", "of an unknown version"))


async def _drop(url: str, name: str) -> None:
    """Drop a database; the client that is not asynchronous would leave threads."""
    from pymongo import AsyncMongoClient  # noqa: PLC0415 - as above

    async with AsyncMongoClient[dict[str, object]](url) as client:
        await client.drop_database(name)


@contextmanager
def new_database(server: Server[None]) -> Generator[str]:
    """Choose a database, and drop it in the end.

    Args:
        server: The server.

    Yields:
        Its URL.
    """
    name = unique()
    url = of_database(server.url, name)
    yield url
    asyncio.run(_drop(url, name))


def of_database(url: str, name: str) -> str:
    """Give the URL of a database on a server.

    Args:
        url: The server's; a database in it is the one that knows the user.
        name: The database.

    Returns:
        The URL.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if "@" in parts.netloc:  # else the new database would be asked for the user
        query.setdefault("authSource", parts.path.strip("/") or "admin")
    return parts._replace(path=f"/{name}", query=urlencode(query)).geturl()


@pytest.fixture(scope="session")
def mongodb_running() -> Server[None]:
    """The server behind ``mongodb``."""
    return running()


@pytest.fixture
def mongodb(
    request: pytest.FixtureRequest, mongodb_running: Server[None]
) -> Generator[str]:
    """The URL of an empty database, for ``pymongo.AsyncMongoClient``."""
    tell(request, mongodb_running.told)
    with new_database(mongodb_running) as url:
        yield url


@pytest.fixture
def mongodb_server(mongodb_running: Server[None]) -> str:
    """What ``mongodb`` is, such as ``nx-27017 0.8.1`` or ``MongoDB 8.0.4``."""
    return mongodb_running.told
