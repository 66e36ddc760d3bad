"""Put invoices into whatever archive the caller has open."""

from collections.abc import Iterable
from typing import Protocol


class Invoice(Protocol):
    """What is archived: an order, a credit note, a row of a query.

    Read-only properties, so that a frozen dataclass or a named tuple fits as well.
    """

    @property
    def number(self) -> str:
        """The number, given to no other invoice."""
        ...

    @property
    def pdf(self) -> bytes:
        """The invoice as it was sent."""
        ...


class Archive(Protocol):
    """The two methods that are called here. ``zipfile.ZipFile`` happens to fit."""

    def namelist(self) -> Iterable[str]:
        """List the names of the files that are in the archive."""
        ...

    # "/": others name these parameters differently. None: an async method doesn't fit.
    def writestr(self, name: str, data: bytes, /) -> None:
        """Add a file.

        Args:
            name: The file's name.
            data: What is in it.
        """


def archive(invoices: Iterable[Invoice], into: Archive) -> set[str]:
    """Add the invoices that an archive lacks, so that a run can be repeated.

    Args:
        invoices: The invoices, such as those of a month.
        into: The archive, open for writing.

    Returns:
        The names of the files that were added.

    Raises:
        ValueError: If two of the added invoices have one number.

    Examples:
        >>> from io import BytesIO
        >>> from typing import NamedTuple
        >>> from zipfile import ZipFile
        >>> class CreditNote(NamedTuple):
        ...     number: str
        ...     pdf: bytes
        >>> with ZipFile(BytesIO(), "w") as february:
        ...     archive([CreditNote("C-7", b"%PDF-2.0")], february)
        {'C-7.pdf'}
    """
    before = frozenset(into.namelist())
    added = set[str]()
    for invoice in invoices:
        name = f"{invoice.number}.pdf"
        if name in added:
            raise ValueError(f"two invoices are numbered {invoice.number}")
        if name not in before:
            into.writestr(name, invoice.pdf)
            added.add(name)
    return added
