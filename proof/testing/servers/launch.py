"""Starts a server once a test session, whichever process needs it first.

The pytest controller only listens on a loopback port (see ``guard_server.py``) and
chooses a name: no folder and no process is made before a test asks for a server.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest

from proof.testing.basics import lacking

if TYPE_CHECKING:
    from proof.testing.servers.guard_server import Task

GUARD = Path(__file__).with_name("guard_server.py")
SESSION = "PROOF_SERVERS"  # of the environment: PORT-TOKEN
TEMPORARY = Path("/tmp")  # noqa: S108 - TMPDIR may be too long, and closed to others
LONGEST_START = 60.0  # seconds; only a fault is waited for so long
LONGEST_END = 10.0
PAUSE = 0.01
LAST_LINES = 10
SPECIAL = '$`"\\\n'  # to a shell, also within double quotes
UNPRIVILEGED = "nobody"
T = TypeVar("T")


def begin(config: pytest.Config) -> None:
    """Begin a session; xdist's workers belong to their controller's.

    Args:
        config: What tells when it ends.
    """
    if hasattr(config, "workerinput"):
        return
    try:
        listening = socket.create_server(("127.0.0.1", 0))
    except OSError:
        return  # said by the first test that needs a server
    os.register_at_fork(after_in_child=listening.close)
    patch = pytest.MonkeyPatch()
    port = listening.getsockname()[1]
    patch.setenv(SESSION, f"{port}-{secrets.token_hex(4)}")
    folder = _folder()

    def end() -> None:
        listening.close()
        deadline = time.monotonic() + LONGEST_END
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(PAUSE)
        shutil.rmtree(folder, ignore_errors=True)
        patch.undo()

    config.add_cleanup(end)


def _folder() -> Path:
    return TEMPORARY / f"proof-{os.environ[SESSION]}"


class Launch:
    """A server to be started from a package of this environment.

    Attributes:
        what: The server, as people call it.
        home: Its folder.
        package: The package's folder.
    """

    def __init__(self, what: str, package: str, variable: str) -> None:
        """Find the package; a test that needs a missing one is not proven here.

        Args:
            what: The server, as people call it.
            package: The name to import the package by.
            variable: What names another server, in the environment.
        """
        if SESSION not in os.environ:
            fail(
                f"{what} can't be started: this machine has no loopback network."
                f" Bring up 127.0.0.1, or let {variable} name another server."
            )
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            lacking(what)
        self.what = what
        self._variable = variable
        self.package = Path(found.origin).parent
        self.home = _folder() / what.lower()
        self._user = UNPRIVILEGED if os.geteuid() == 0 else ""
        self._copies: list[tuple[str, str]] = []

    def reach(self, *paths: Path) -> Path:
        """Make sure that the unprivileged user can reach files beside the package.

        A server may name them to a shell, in quotes: initdb does.

        Args:
            paths: What the server needs, all in the folder that holds the package.

        Returns:
            That folder, or another one in which the server finds the same.
        """
        beside = self.package.parent
        reached = not self._user or all(map(open_to_all, paths))
        if reached and not any(each in SPECIAL for each in str(beside)):
            return beside
        copy = self.home / "copy"
        self._copies = [
            (str(path), str(copy / path.relative_to(beside))) for path in paths
        ]
        return copy

    def reach_python(self) -> None:
        """Stay the user of the tests if another one can't reach this environment."""
        paths = [Path(sys.executable), Path(os.__file__), self.package]
        if not all(map(open_to_all, paths)):
            self._user = ""

    def start(
        self,
        *commands: Sequence[str],
        ended_by: int,
        connect: Callable[[], T | None],
    ) -> T:
        """Start the server, unless another process of the session did, and wait.

        Args:
            commands: What prepares the server, and last the server itself.
            ended_by: The signal that ends it at once.
            connect: Tries to reach it; gives ``None`` as long as it isn't ready.

        Returns:
            What ``connect`` gave in the end.
        """
        task: Task = {
            "port": int(os.environ[SESSION].partition("-")[0]),
            "home": str(self.home),
            "user": self._user,
            "copies": self._copies,
            "commands": commands,
            "signal": ended_by,
        }
        guard = subprocess.run(
            [sys.executable, "-IS", GUARD, json.dumps(task)],
            check=False,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
        if guard.returncode:
            self._refuse(guard.stderr.strip().rpartition("\n")[2])
        deadline = time.monotonic() + LONGEST_START
        while (connected := connect()) is None:
            if self.home.with_suffix(".ended").exists():
                self._refuse("It ended at once.")
            if time.monotonic() > deadline:
                self._refuse(f"It was not ready within {LONGEST_START:.0f} s.")
            time.sleep(PAUSE)
        return connected

    @property
    def log(self) -> str:
        """What the server printed so far."""
        with contextlib.suppress(FileNotFoundError):
            return self.home.with_suffix(".log").read_text("utf-8", "replace")
        return ""

    def _refuse(self, why: str) -> NoReturn:
        said = [f"    {line}" for line in self.log.splitlines()[-LAST_LINES:]]
        advice = f"Remove the cause, or let {self._variable} name another server."
        fail("\n".join([f"{self.what} does not start. {why}", *said, advice]))


def fail(message: str) -> NoReturn:
    """End a test with one message, without a traceback.

    Args:
        message: What went wrong, and what to do.

    Raises:
        Failed: Always; what led to it is not shown, and with it no password.
    """
    raise pytest.fail.Exception(message, pytrace=False) from None


def open_to_all(path: Path) -> bool:
    """Tell whether any user can read and execute a file, or read a folder.

    Args:
        path: The file or folder.

    Returns:
        What the modes of the file and of the folders above tell.
    """
    path = path.resolve()
    return bool(path.stat().st_mode & 0o004) and all(
        above.stat().st_mode & 0o001 for above in path.parents
    )
