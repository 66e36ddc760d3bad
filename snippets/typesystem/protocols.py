"""Put invoices into whatever archive the caller has open."""

import re
from collections.abc import Iterable
from typing import Final, Protocol

_NUMBER: Final = re.compile(r"[A-Z]{1,9}-[0-9]{1,19}")


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


# --8<-- [start:answer]
class Archive(Protocol):
    """The two methods that are called here. ``zipfile.ZipFile`` happens to fit."""

    def namelist(self) -> Iterable[str]:
        """List the names of the files that are in the archive."""
        ...

    # "/": others name these parameters differently. None: an async method doesn't fit.
    def writestr(self, name: str, data: bytes, /) -> None:
        """Add a file."""
        ...

    # --8<-- [end:answer]


def _file(number: str) -> str:
    """Name a file; a number such as ``../A-1`` would climb out of a folder."""
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"no number of an invoice: {number!r:.40}")
    return f"{number}.pdf"


def archive(invoices: Iterable[Invoice], into: Archive) -> set[str]:
    """Add the invoices that an archive lacks, so that a run can be repeated.

    Args:
        invoices: The invoices, such as those of a month.
        into: The archive, open for writing.

    Returns:
        The names of the files that were added.

    Raises:
        ValueError: If a number isn't one such as ``A-1``, or two of the added invoices
            have the same one.

    Errors of the archive and of an invoice come through; what was added before stays.

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
        name = _file(invoice.number)
        if name in added:
            raise ValueError(f"two invoices are in {name}")
        if name not in before:
            into.writestr(name, invoice.pdf)
            added.add(name)
    return added
