"""Keep a customer list and its audit log alike on every machine."""

import logging
from collections.abc import Iterable
from pathlib import Path


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
    """
    try:
        # -sig: without the mark that spreadsheets put before the first name
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        message = f"{path.name}, line {line}: byte {byte:#04x} is not UTF-8"
        raise NotUtf8Error(message) from error
    return [name for name in text.split("\n") if name]


def save(path: Path, names: Iterable[str]) -> None:
    r"""Replace a customer list, or leave it as it is.

    Args:
        path: The file to write.
        names: What to write, none with a line break in it.

    Raises:
        UnicodeEncodeError: If a name is no text; the file is as it was.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "customers.txt")
        ...     save(path, ["Zoë", "Åsa"])
        ...     (path.read_bytes(), load(path))
        (b'Zo\xc3\xab\n\xc3\x85sa\n', ['Zoë', 'Åsa'])
    """
    # Encoded before the file is touched: opening it for writing would empty it, and
    # half a surrogate pair from broken JSON fails in UTF-8 as well.
    data = "".join(f"{name}\n" for name in names).encode()
    path.write_bytes(data)


def audit_log(path: Path) -> logging.Handler:
    """Open an audit log that loses no record to its encoding.

    Args:
        path: The file to append to.

    Returns:
        A handler; what UTF-8 cannot hold is written as an escape.
    """
    return logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
