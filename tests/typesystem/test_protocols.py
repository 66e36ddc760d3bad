import asyncio
import io
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, override, runtime_checkable
from zipfile import ZipFile

import pytest

from proof.testing.basics import Observe
from snippets.typesystem import protocols_avoid, protocols_types
from snippets.typesystem.protocols import Archive, Invoice, archive
from snippets.typesystem.protocols_avoid import (
    Bucket,
    archive_in_bucket,
    archive_in_tar,
    archive_loosely_in_bucket,
    archive_loosely_in_tar,
    archive_loosely_in_zip,
)


class CreditNote(NamedTuple):
    number: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    customer: str

    @property
    def pdf(self) -> bytes:
        return f"Dear {self.customer}".encode()


class Folder:
    """Fits as well, and has never heard of it; nor has ``ZipFile``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def namelist(self) -> set[str]:
        return {each.name for each in self._path.iterdir()}

    def writestr(self, file: str, content: bytes | bytearray) -> None:
        (self._path / file).write_bytes(content)


INVOICES = (CreditNote("C-7", b"minus"), Order("A-1", "Ada"))
PAPER = [protocols_avoid.Invoice("A-1", b"%PDF")]


def test_a_zip_file_fits_without_knowing_the_protocol() -> None:
    with ZipFile(io.BytesIO(), "w") as zipped:
        added = archive(INVOICES, zipped)
        assert zipped.read("C-7.pdf") == b"minus"
        assert zipped.read("A-1.pdf") == b"Dear Ada"
    assert added == {"C-7.pdf", "A-1.pdf"}
    assert Archive not in ZipFile.__mro__


def test_a_class_with_other_parameter_names_fits_too(tmp_path: Path) -> None:
    assert archive(INVOICES, Folder(tmp_path)) == {"C-7.pdf", "A-1.pdf"}
    assert (tmp_path / "C-7.pdf").read_bytes() == b"minus"


def test_a_second_run_leaves_what_is_there_and_adds_the_rest(tmp_path: Path) -> None:
    (tmp_path / "A-1.pdf").write_bytes(b"as it was sent")
    assert archive(INVOICES, Folder(tmp_path)) == {"C-7.pdf"}
    assert (tmp_path / "A-1.pdf").read_bytes() == b"as it was sent"


def test_two_invoices_of_one_number_are_refused(tmp_path: Path) -> None:
    invoices = iter([CreditNote("C-7", b"one"), CreditNote("C-7", b"two")])
    with pytest.raises(ValueError, match="two invoices") as refused:
        archive(invoices, Folder(tmp_path))
    assert str(refused.value) == "two invoices are in C-7.pdf"
    assert (tmp_path / "C-7.pdf").read_bytes() == b"one"


def test_both_checkers_refuse_a_tar_file(tmp_path: Path) -> None:
    with (
        tarfile.open(tmp_path / "a.tar", "w") as tar,
        pytest.raises(AttributeError, match="'TarFile' object has no"),
    ):
        # ignored because it is the claim: each checker reports the argument
        archive(INVOICES, tar)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_both_checkers_refuse_an_async_method_where_none_is_returned() -> None:
    with pytest.warns(RuntimeWarning, match="'Bucket.writestr' was never awaited"):
        # ignored because it is the claim: each checker reports the argument
        archive(INVOICES, Bucket())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_both_checkers_refuse_a_wrong_argument_inside_the_function() -> None:
    def add(into: Archive) -> None:
        # ignored because it is the claim: each checker reports the argument
        into.writestr("A-1.pdf", 990)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with (
        ZipFile(io.BytesIO(), "w") as zipped,
        pytest.raises(TypeError, match="'int' has no len"),
    ):
        add(zipped)


def test_what_both_checkers_infer_is_so(tmp_path: Path) -> None:
    path = tmp_path / "february.zip"
    protocols_types.from_outside(path, INVOICES[0])
    protocols_types.declared(path)
    with ZipFile(path) as zipped:
        assert zipped.namelist() == ["C-7.pdf"]


def test_a_writable_attribute_in_a_protocol_refuses_what_is_frozen() -> None:
    class Renumbered(Protocol):
        number: str

    def renumber(invoice: Renumbered) -> None:
        invoice.number = "A-2"

    with pytest.raises(AttributeError, match="can't set attribute"):
        # ignored because it is the claim: each checker reports the argument
        renumber(CreditNote("C-7", b""))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_writable_attribute_refuses_a_subtype_and_a_property_does_not() -> None:
    class Numbered(Protocol):
        number: str | int

    class Read(Protocol):
        @property
        def number(self) -> str | int: ...

    class Draft:
        def __init__(self) -> None:
            self.number = "A-1"

    def renumber(invoice: Numbered) -> None:
        invoice.number = 2

    def read(invoice: Read) -> str | int:
        return invoice.number

    draft = Draft()
    # ignored because it is the claim: each checker reports the argument
    renumber(draft)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert read(draft) == 2


def test_isinstance_looks_for_the_names_and_lets_an_async_bucket_in() -> None:
    @runtime_checkable
    class Checkable(Archive, Protocol): ...

    bucket: object = Bucket()
    assert isinstance(bucket, Checkable)
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as tar:
        assert not isinstance(tar, Checkable)


def test_a_protocol_can_be_asked_at_run_time_only_if_it_says_so() -> None:
    checked: Any = Archive
    with pytest.raises(TypeError, match="@runtime_checkable protocols"):
        isinstance(Bucket(), checked)


def test_for_a_single_method_a_callable_does() -> None:
    def archive_by(
        invoices: Iterable[Invoice], write: Callable[[str, bytes], None]
    ) -> None:
        for invoice in invoices:
            write(f"{invoice.number}.pdf", invoice.pdf)

    with ZipFile(io.BytesIO(), "w") as zipped:
        archive_by(INVOICES, zipped.writestr)
        assert zipped.namelist() == ["C-7.pdf", "A-1.pdf"]


def test_an_abstract_class_refuses_the_object_that_lacks_a_method() -> None:
    class Archiver(ABC):
        @abstractmethod
        def writestr(self, name: str, data: bytes) -> None: ...

    class Tape(Archiver): ...

    with pytest.raises(TypeError, match="abstract method 'writestr'"):
        # ignored because it is the claim: each checker reports the call
        Tape()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]


def test_both_checkers_see_that_an_heir_lacks_a_method_whose_body_is_three_dots() -> (
    None
):
    class Tape(Archive):
        @override
        def namelist(self) -> list[str]:
            return []

    # ignored because it is the claim: each checker reports the call
    tape = Tape()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
    assert archive(INVOICES, tape) == {"C-7.pdf", "A-1.pdf"}


def test_mypy_alone_sees_it_where_the_body_is_a_docstring() -> None:
    class Writes(Protocol):
        def write(self, name: str, /) -> None:
            """Write a file."""

    class Tape(Writes): ...

    # ignored because it is the claim: mypy reports the call, pyright does not
    tape = Tape()  # type: ignore[abstract]
    assert tape.write.__doc__ == "Write a file."  # the stub is what would run


@pytest.mark.parametrize(
    "number",
    [
        *["", " ", "../../x-1", "/A-1", "A-1/../B-1", "-A-1", "A-1\n", "A-1\0", "a-1"],
        *["A-", "-1", "\ud800", "A" * 10 + "-1", "A-" + "1" * 20, "A-1" * 2**18],
        "A-１",  # noqa: RUF001 - a full-width digit, the claim
    ],
)
def test_a_number_that_is_no_plain_name_of_a_file_is_refused(number: str) -> None:
    with ZipFile(io.BytesIO(), "w") as zipped:
        with pytest.raises(ValueError, match=r"^no number of an invoice: '") as refused:
            archive([CreditNote(number, b"")], zipped)
        assert zipped.namelist() == []
    assert len(str(refused.value)) <= 65


def test_the_longest_number_is_taken() -> None:
    with ZipFile(io.BytesIO(), "w") as zipped:
        archive([CreditNote("A" * 9 + "-" + "1" * 19, b"")], zipped)
        assert zipped.namelist() == ["AAAAAAAAA-1111111111111111111.pdf"]


def test_what_was_added_before_the_archives_own_error_stays(tmp_path: Path) -> None:
    class Full(Folder):
        @override
        def writestr(self, file: str, content: bytes | bytearray) -> None:
            if file == "A-1.pdf":
                raise OSError(28, "No space left on device")
            super().writestr(file, content)

    with pytest.raises(OSError, match="No space left"):
        archive(INVOICES, Full(tmp_path))
    assert Folder(tmp_path).namelist() == {"C-7.pdf"}


def test_under_any_a_tar_file_fails_at_run_time_and_not_before(
    tmp_path: Path, observe: Observe
) -> None:
    with pytest.raises(AttributeError, match="namelist") as failure:
        archive_in_tar(PAPER, tmp_path / "a.tar")
    observe(failure.value)
    assert str(failure.value) == "'TarFile' object has no attribute 'namelist'"


def test_under_any_an_async_bucket_is_told_to_hold_what_it_never_got(
    observe: Observe,
) -> None:
    bucket = Bucket()
    with pytest.warns(RuntimeWarning, match="'Bucket.writestr' was never awaited"):
        told = archive_in_bucket(PAPER, bucket)
    observe(f"told {sorted(told)}, stored {sorted(bucket.files)}")
    assert (told, bucket.files) == ({"A-1.pdf"}, {})


def test_the_bucket_stores_what_is_awaited() -> None:
    bucket = Bucket()
    asyncio.run(bucket.writestr("A-1.pdf", b"%PDF"))
    assert bucket.namelist() == ["A-1.pdf"]


def test_any_archives_into_a_zip_file_and_skips_what_is_there() -> None:
    with ZipFile(io.BytesIO(), "w") as zipped:
        assert protocols_avoid.archive(PAPER, zipped) == {"A-1.pdf"}
        assert protocols_avoid.archive(PAPER, zipped) == set()
    with ZipFile(io.BytesIO(), "w") as zipped:
        with pytest.raises(ValueError, match=r"^two invoices are in A-1\.pdf$"):
            protocols_avoid.archive(PAPER * 2, zipped)
        climbing = protocols_avoid.Invoice("../A-1", b"")
        with pytest.raises(ValueError, match=r"^no number of an invoice: '\.\./A-1'$"):
            protocols_avoid.archive([climbing], zipped)


def test_a_tar_file_that_both_refused_fails_at_run_time(
    tmp_path: Path, observe: Observe
) -> None:
    with pytest.raises(AttributeError, match="writestr") as failure:
        archive_loosely_in_tar(PAPER, tmp_path / "a.tar")
    observe(failure.value)
    assert str(failure.value) == "'TarFile' object has no attribute 'writestr'"


def test_a_zip_file_whose_parameters_are_named_differently_fails(
    tmp_path: Path, observe: Observe
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword") as failure:
        archive_loosely_in_zip(PAPER, tmp_path / "a.zip")
    observe(failure.value)
    assert str(failure.value) == (
        "ZipFile.writestr() got an unexpected keyword argument 'name'"
    )


def test_a_result_of_type_object_lets_an_async_method_in(observe: Observe) -> None:
    bucket = Bucket()
    with pytest.warns(RuntimeWarning, match="was never awaited") as warned:
        archive_loosely_in_bucket(PAPER, bucket)
    observe(f"stored {sorted(bucket.files)}; RuntimeWarning: {warned[0].message}")
    assert bucket.files == {}
