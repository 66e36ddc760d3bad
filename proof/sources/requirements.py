"""Reads from the lock which packages are pinned, and by which hashes."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from proof.faults import Fault

LOCK = "requirements.lock"
ENTRY = re.compile(r"^([\w.-]+)==.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
PINNED = re.compile(r"^[\w.-]+==[^\\\n]*", re.MULTILINE)  # with its marker
COMMENT = re.compile(r"^    #.*\n", re.MULTILINE)  # says who needs it


def pins(root: Path, wanted: Callable[[str], object]) -> str:
    """Take some packages from the lock.

    Args:
        root: The project's root.
        wanted: Tells by a package's name whether to take it.

    Returns:
        Requirements with hashes, as pip and uv read them.
    """
    text = (root / LOCK).read_text(encoding="utf-8")
    taken = (entry[0] for entry in ENTRY.finditer(text) if wanted(entry[1]))
    return "".join(COMMENT.sub("", entry) for entry in taken)


def environment_faults(root: Path) -> Iterator[Fault]:
    """Hold this environment to the lock, since all is proven with what is locked.

    Args:
        root: The project's root.

    Yields:
        A fault for each locked package that is missing here, not whole, or of another
        version.
    """
    text = (root / LOCK).read_text(encoding="utf-8") if (root / LOCK).exists() else ""
    there = _installed()
    for line in PINNED.findall(text):
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        version, folder = there.get(canonicalize_name(wanted.name), ("", Path()))
        if not version or _lost(folder):
            why = f"{wanted.name} is not there, or not whole"
        elif not wanted.specifier.contains(version, prereleases=True):
            why = f"{wanted.name} is {version}, not {wanted.specifier}"
        else:
            continue
        advice = "remove .venv, and have make set it up anew"
        yield Fault(LOCK, 0, f"{why}, in this environment: {advice}")


def _installed() -> dict[str, tuple[str, Path]]:
    """Find version and folder of what is installed, by the folders' names alone."""
    found: dict[str, tuple[str, Path]] = {}
    for place in reversed(sys.path):
        for folder in Path(place).glob("*.dist-info"):
            name, _, version = folder.stem.partition("-")
            found[canonicalize_name(name)] = version, folder
    return found


def _lost(folder: Path) -> bool:
    """Tell whether a module or folder that an installed package brought is gone."""
    record = folder / "RECORD"
    listed = record.read_text(encoding="utf-8") if record.exists() else ""
    tops = {line.partition("/")[0] for line in listed.splitlines()}
    brought = {top.partition(",")[0] for top in tops} - {"..", "__pycache__"}
    return not all((folder.parent / each).exists() for each in brought)
