"""Reads what git remembers of a file; outside of git it remembers nothing."""

import subprocess
from datetime import date, datetime
from pathlib import Path


def unknown_past(root: Path) -> list[str]:
    """Say what can't be told here, since git doesn't remember all that was.

    Args:
        root: The project's root.

    Returns:
        One sentence where the history is cut off, or where there is none; else none.
    """
    lost = "that no id and no address that was ever published is gone:"
    try:
        if _git(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true":
            advice = "run `git fetch --unshallow`"
            return [f"{lost} this clone knows its last commits only; {advice}"]
        _git(root, ["rev-parse", "HEAD"])
    except OSError:
        return [f"{lost} there is no git on PATH"]
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().partition("\n")[0]
        return [f"{lost} there is no history of git here ({said})"]
    return []


def versions(root: Path, path: str) -> list[bytes]:
    """Read every committed version of a file.

    Args:
        root: The project's root.
        path: The file, relative to it.

    Returns:
        The versions; a commit that removed the file has none.
    """
    try:
        commits = _git(root, ["rev-list", "HEAD", "--", path]).decode().split()
        wanted = "".join(f"{commit}:./{path}\n" for commit in commits)
        rest = _git(root, ["cat-file", "--batch=%(objectsize)"], wanted.encode())
    except (OSError, subprocess.CalledProcessError):
        return []
    found: list[bytes] = []
    while rest:
        size, _, rest = rest.partition(b"\n")
        if size.isdigit():  # else that commit removed the file
            found.append(rest[: int(size)])
            rest = rest[int(size) + 1 :]
    return found


def first_committed(root: Path, pattern: str) -> dict[str, date]:
    """Find the day on which each file was first committed.

    Args:
        root: The project's root.
        pattern: A glob, relative to it.

    Returns:
        The day of each file that was ever committed; none where the history is cut
        off, and all would seem to be of its first day.
    """
    command = ["log", "--reverse", "--diff-filter=A", "--no-renames", "--relative"]
    try:
        if _git(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true":
            return {}
        said = _git(root, [*command, "--name-only", "--format=%x00%cs", "--", pattern])
    except (OSError, subprocess.CalledProcessError):
        return {}
    days: dict[str, date] = {}
    for commit in said.decode().split("\0")[1:]:
        day, *paths = commit.split()
        for path in paths:
            days.setdefault(path, date.fromisoformat(day))
    return days


def day_of(root: Path, path: str) -> date:
    """Tell the day of a file's present version.

    Args:
        root: The project's root.
        path: The file, relative to it.

    Returns:
        The day on which it was committed; today where it was changed since.
    """
    today = datetime.now().astimezone().date()
    try:
        if _git(root, ["status", "--porcelain", "--", path]):
            return today
        said = _git(root, ["log", "-1", "--format=%cs", "--", path]).decode()
    except (OSError, subprocess.CalledProcessError):
        return today
    return date.fromisoformat(said.strip()) if said.strip() else today


def _git(root: Path, arguments: list[str], said: bytes = b"") -> bytes:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=root, input=said, capture_output=True, check=True
    ).stdout
