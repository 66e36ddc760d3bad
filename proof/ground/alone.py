"""Lets one run at a time write below .proof."""

import fcntl
import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".proof/lock"
HALF_FILE = re.compile(r"\.(\d+)\.half$")
HALF_FOLDERS = (".proof/site.half", ".proof/site.old", "site.half", "site.old")


@contextmanager
def alone(root: Path) -> Generator[None]:
    """Let one run at a time write below .proof, and clean up after killed ones.

    Args:
        root: The project's root.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another run in this folder.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        _sweep(root)
        yield


def _sweep(root: Path) -> None:
    """Remove what a killed run left half written."""
    for folder in HALF_FOLDERS:
        shutil.rmtree(root / folder, ignore_errors=True)
    for folder in (".proof", "docs", "snippets", "tests"):
        for path in (root / folder).glob("**/*.half"):
            if (match := HALF_FILE.search(path.name)) and not _lives(int(match[1])):
                path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    """Tell whether a half file's writer is still at it, as `make serve` may be."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True
