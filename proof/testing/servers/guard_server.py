"""Runs one server of a test session, and ends it once the session's owner is gone.

Called as ``python -IS guard_server.py TASK``, TASK being a ``Task`` in JSON. It returns
once the server's folder is made, and goes on alone, out of reach of what kills the
tests. The owner listens on a loopback port, where it accepts nobody: however it ends,
also by SIGKILL, the kernel closes the connection.
"""

import contextlib
import ctypes
import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypedDict

ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}  # nothing of the tests' own
LONGEST_END = 5.0  # seconds
PR_SET_PDEATHSIG = 1  # Linux


class Task(TypedDict):
    """What to run.

    Attributes:
        port: Where the owner listens.
        home: The server's folder. The one above is the session's: the last of its
            servers removes it.
        user: Whom to run the server as; empty for the user that it is.
        copies: What that user can't reach, each with its place.
        commands: What prepares the server, and last the server itself.
        signal: What ends it at once.
    """

    port: int
    home: str
    user: str
    copies: Sequence[tuple[str, str]]
    commands: Sequence[Sequence[str]]
    signal: int


def main() -> None:
    """Run the server until the owner is gone, and remove all that it left."""
    task: Task = json.loads(sys.argv[1])
    owner = socket.create_connection(("127.0.0.1", task["port"]))
    home = Path(task["home"])
    home.parent.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        home.parent.chmod(0o711)  # unprivileged servers pass
    try:
        home.mkdir(mode=0o700)
    except FileExistsError:
        return  # another process of the session needed it first
    log = os.open(home.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    if os.fork():
        return
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        try:
            prepare(task, home)
            for command in task["commands"]:
                if not run(command, task, owner):
                    break
        except (
            OSError,
            LookupError,
            shutil.Error,
            subprocess.SubprocessError,
        ) as error:
            print(error, file=sys.stderr, flush=True)
        home.with_suffix(".ended").touch()
        select.select([owner], [], [])
    finally:
        shutil.rmtree(home, ignore_errors=True)
        home.with_suffix(".log").unlink(missing_ok=True)
        home.with_suffix(".ended").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            home.parent.rmdir()


def stop(_number: int, _frame: object) -> NoReturn:
    """End in good order."""
    sys.exit()


def prepare(task: Task, home: Path) -> None:
    """Copy what is out of the user's reach, and give the user the folder."""
    for source, target in task["copies"]:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        if Path(source).is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    if task["user"]:
        user = pwd.getpwnam(task["user"])
        for each in (home, *home.rglob("*")):
            os.chown(each, user.pw_uid, user.pw_gid, follow_symlinks=False)


def run(command: Sequence[str], task: Task, owner: socket.socket) -> bool:
    """Run a command to its end, or until the owner is gone.

    Returns:
        Whether it ended well by itself.
    """
    alive, held = os.pipe()  # closed once the command and all its children have ended
    user = pwd.getpwnam(task["user"]) if task["user"] else None
    child = subprocess.Popen(
        command,
        cwd=task["home"],
        env=ENVIRONMENT,
        user=user and user.pw_uid,
        group=user and user.pw_gid,
        extra_groups=user and [],
        stdin=subprocess.DEVNULL,
        pass_fds=[held],
        process_group=0,
        preexec_fn=lambda: end_with_parent(task["signal"]),  # noqa: PLW1509 - one thread
    )
    os.close(held)
    try:
        readable, _, _ = select.select([owner.fileno(), alive], [], [])
        return owner.fileno() not in readable and child.wait(LONGEST_END) == 0
    finally:
        for number in (task["signal"], signal.SIGKILL):
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, number)  # macOS refuses a zombie's
                select.select([alive], [], [], LONGEST_END)
        child.wait()
        select.select([alive], [], [], LONGEST_END)
        os.close(alive)


def end_with_parent(number: int) -> None:
    """Have the kernel send a signal to this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


if __name__ == "__main__":
    main()
