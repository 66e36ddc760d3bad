"""Put invoices into whatever archive the caller has open, and hope."""

import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, reveal_type
from zipfile import ZipFile

_NUMBER: Final = re.compile(r"[A-Z]{1,9}-[0-9]{1,19}")


@dataclass(frozen=True)
class Invoice:
    number: str
    pdf: bytes


class Bucket:
    """The folder of an object store, behind an asynchronous client."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def namelist(self) -> list[str]:
        return list(self.files)

    async def writestr(self, name: str, data: bytes) -> None:
        self.files[name] = data


def _file(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"no number of an invoice: {number!r:.40}")
    return f"{number}.pdf"


# --8<-- [start:answer]
# expect: ruff[ANN401]
def archive(invoices: Iterable[Invoice], into: Any) -> set[str]:
    # reveals: Any
    before = frozenset(reveal_type(into.namelist()))
    added = set[str]()
    for invoice in invoices:
        name = _file(invoice.number)
        if name in added:
            raise ValueError(f"two invoices are in {name}")
        if name not in before:
            into.writestr(name, invoice.pdf)
            added.add(name)
    return added


# --8<-- [end:answer]


def archive_in_tar(invoices: Iterable[Invoice], path: Path) -> set[str]:
    with tarfile.open(path, "w") as into:
        # expect: test[under_any_a_tar_file_fails_at_run_time_and_not_before]
        return archive(invoices, into)


def archive_in_bucket(invoices: Iterable[Invoice], into: Bucket) -> set[str]:
    # expect: test[under_any_an_async_bucket_is_told_to_hold_what_it_never_got]
    return archive(invoices, into)


class LooseArchive(Protocol):
    def writestr(self, name: str, data: bytes) -> object: ...


def archive_loosely(invoices: Iterable[Invoice], into: LooseArchive) -> None:
    for invoice in invoices:
        into.writestr(name=_file(invoice.number), data=invoice.pdf)


def archive_loosely_in_tar(invoices: Iterable[Invoice], path: Path) -> None:
    with tarfile.open(path, "w") as into:
        # expect: mypy[arg-type] pyright[reportArgumentType]
        # expect: test[a_tar_file_that_both_refused_fails_at_run_time]
        archive_loosely(invoices, into)


def archive_loosely_in_zip(invoices: Iterable[Invoice], path: Path) -> None:
    with ZipFile(path, "w") as into:
        # expect: pyright[reportArgumentType]
        # expect: test[a_zip_file_whose_parameters_are_named_differently_fails]
        archive_loosely(invoices, into)


def archive_loosely_in_bucket(invoices: Iterable[Invoice], into: Bucket) -> None:
    # expect: test[a_result_of_type_object_lets_an_async_method_in]
    archive_loosely(invoices, into)
