"""Let in the packages that the lock names, byte for byte."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

type Lock = Mapping[str, frozenset[str]]
"""The SHA-256 digests that each ``name==version`` may have."""

COMMENT = re.compile(r"(^|\s)#.*")
DIGEST = re.compile(r"[0-9a-f]{64}")


class LockError(ValueError):
    """A line of the lock leaves a choice to whoever serves the packages."""


class NotLockedError(ValueError):
    """A wheel has other bytes than the lock names."""


def read_lock(text: str) -> Lock:
    """Read a lock, and refuse what is not pinned and hashed.

    Args:
        text: Requirements with hashes, as ``uv export`` writes them.

    Returns:
        The digests by name and version.

    Raises:
        LockError: If a line names an index, an address or another file, or has no
            exact version, or no SHA-256.

    Examples:
        >>> lock = read_lock(f"Acme_Billing==1.0 --hash=sha256:{'0' * 64}")
        >>> list(lock)
        ['acme-billing==1.0']
    """
    lock: dict[str, frozenset[str]] = {}
    # Comments go first: a backslash at the end of one continues nothing.
    uncommented = "\n".join(COMMENT.sub("", line) for line in text.splitlines())
    for line in uncommented.replace("\\\n", " ").splitlines():
        if line.strip():
            pin, digests = _read_line(line)
            lock[pin] = lock.get(pin, frozenset()) | digests
    return lock


def _read_line(line: str) -> tuple[str, frozenset[str]]:
    """Read one requirement; whatever is no pin with hashes is an error."""
    # --8<-- [start:answer]
    requirement, *digests = (part.strip() for part in line.split("--hash=sha256:"))
    if not digests or not all(map(DIGEST.fullmatch, digests)):
        raise LockError(f"no SHA-256: {line}")
    # --8<-- [end:answer]
    try:
        wanted = Requirement(requirement)
        [pin] = wanted.specifier
        version = Version(pin.version)  # fails for 1.*
    except (ValueError, RecursionError) as error:  # the latter for nested markers
        raise LockError(f"no pin: {line}") from error
    if pin.operator != "==":
        raise LockError(f"no pin: {line}")
    return f"{canonicalize_name(wanted.name)}=={version}", frozenset(digests)


def admit(wheel: Path, lock: Lock) -> bytes:
    """Read a downloaded wheel, if it is a locked one.

    Args:
        wheel: The file.
        lock: What may be let in.

    Returns:
        The bytes that were checked: use these, as the file may be another by now.

    Raises:
        NotLockedError: If the lock does not name these bytes for this name and version.
        ValueError: If the file is not named as a wheel.
        OSError: If the file can't be read.
    """
    content = wheel.read_bytes()
    name, version, _, _ = parse_wheel_filename(wheel.name)
    digest = hashlib.sha256(content).hexdigest()
    if digest not in lock.get(f"{name}=={version}", frozenset()):
        raise NotLockedError(f"{wheel.name} is not locked as {digest}")
    return content
