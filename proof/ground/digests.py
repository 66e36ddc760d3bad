"""Digests: of a file, and of all that a verdict depends on."""

import hashlib
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path


def sha256(root: Path, path: str) -> str:
    """Digest a file's bytes."""
    return hashlib.sha256((root / path).read_bytes()).hexdigest()


def key_of(root: Path, paths: Iterable[str], more: Mapping[str, str]) -> str:
    """Digest all that a verdict depends on.

    Args:
        root: The project's root.
        paths: The files, relative to it; a missing one counts as such.
        more: Whatever else matters, by name. The interpreter and the
            packages that it finds are always in it.

    Returns:
        The digest, in hexadecimal.
    """
    whole = hashlib.sha256(sys.version.encode())
    whole.update(platform.platform().encode())
    whole.update(installed(tuple(sys.path)).encode())
    for name, value in sorted(more.items()):
        whole.update(f"{name}={len(value)}:{value}\n".encode())
    for path in sorted(set(paths)):
        digest = sha256(root, path) if (root / path).is_file() else "missing"
        whole.update(f"{digest} {path}\n".encode())
    return whole.hexdigest()


@cache
def installed(places: tuple[str, ...]) -> str:
    """Name the installed packages and versions, by the folders that tell of them."""
    return "\n".join(
        sorted(
            each.name for place in places for each in Path(place).glob("*.dist-info")
        )
    )
