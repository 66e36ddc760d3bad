"""Keep a customer list and its audit log alike on every machine."""

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

_NAME = re.compile(r"[^\r\n\ufeff][^\r\n]*")  # what `load` gives back as it was


class NotUtf8Error(ValueError):
    """A file holds bytes that are not UTF-8."""


def load(path: Path) -> list[str]:
    """Read a customer list.

    Args:
        path: A UTF-8 file, one name a line. Blank lines don't count.

    Returns:
        The names in the file's order.

    Raises:
        NotUtf8Error: If a byte is not UTF-8; the message says in which line.
        OSError: If the file can't be read.
        ValueError: If the path holds a NUL.
    """
    # --8<-- [start:answer]
    try:
        # -sig: without the mark that spreadsheets put before the first name
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        message = f"{path.name}, line {line}: byte {byte:#04x} is not UTF-8"
        raise NotUtf8Error(message) from error
    return [name for name in text.split("\n") if name]
    # --8<-- [end:answer]


def save(path: Path, names: Iterable[str]) -> None:
    r"""Replace a customer list as a whole, or leave it as it is.

    The new file has the permissions of any new file; a link is replaced, not followed.

    Args:
        path: The file to write; a second one stands beside it for a moment.
        names: What to write.

    Raises:
        ValueError: If a name is empty, has a line break or starts with a byte order
            mark, so that ``load`` would not give it back; or if the path is none.
        UnicodeEncodeError: If a name is no text, such as half a surrogate pair.
        OSError: If the file can't be written.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "customers.txt")
        ...     save(path, ["Zoë", "Åsa"])
        ...     (path.read_bytes(), load(path))
        (b'Zo\xc3\xab\n\xc3\x85sa\n', ['Zoë', 'Åsa'])
    """
    beside = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            for name in names:
                if not _NAME.fullmatch(name):
                    raise ValueError(f"not a name on one line: {name[:40]!r}")
                file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def audit_log(path: Path) -> logging.Handler:
    """Open an audit log that loses no record to its encoding.

    Args:
        path: The file to append to.

    Returns:
        A handler; what UTF-8 cannot hold is written as an escape.

    Raises:
        OSError: If the file can't be opened.
        ValueError: If the path holds a NUL.
    """
    return logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
