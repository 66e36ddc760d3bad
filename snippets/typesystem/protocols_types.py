"""What the checkers know of an archive, inside and outside of ``archive``."""

from pathlib import Path
from typing import assert_type, reveal_type
from zipfile import ZipFile

from snippets.typesystem.protocols import Archive, Invoice, archive


def from_inside(into: Archive, invoice: Invoice) -> None:
    """See the protocol's types, whatever was passed."""
    # reveals: Iterable[str]
    reveal_type(into.namelist())
    # reveals: bytes
    reveal_type(invoice.pdf)


def from_outside(path: Path, invoice: Invoice) -> None:
    """Pass a class that has never heard of the protocol."""
    with ZipFile(path, "w") as zipped:
        # reveals: list[str]
        reveal_type(zipped.namelist())
        assert_type(archive([invoice], zipped), set[str])
        from_inside(zipped, invoice)


def declared(path: Path) -> None:
    """Hold it in a variable of the protocol's type."""
    with ZipFile(path) as zipped:
        into: Archive = zipped
        # mypy reveals: Archive
        # pyright reveals: ZipFile
        reveal_type(into)
