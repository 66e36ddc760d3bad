"""Reads from the lock which packages are pinned, and by which hashes."""

import re
from collections.abc import Callable
from pathlib import Path

LOCK = "requirements.lock"
ENTRY = re.compile(r"^([\w.-]+)==.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
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
