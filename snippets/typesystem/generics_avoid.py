"""Read a listing that comes in pages, with type variables from another time."""

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Document:
    number: str


@dataclass(frozen=True, slots=True)
class Invoice(Document):
    cents: int


# --8<-- [start:answer]
RowT = TypeVar("RowT")
CursorT = TypeVar("CursorT", bound=Hashable, default=str)


# expect: ruff[UP046]
class Page(Generic[RowT, CursorT]):
    def __init__(self, rows: Sequence[RowT], after: CursorT | None = None) -> None:
        self._rows = tuple(rows)
        self._after = after

    # --8<-- [end:answer]
    @property
    def rows(self) -> tuple[RowT, ...]:
        return self._rows

    @property
    def after(self) -> CursorT | None:
        return self._after


@dataclass(frozen=True, slots=True)
class FrozenPage[Row, Cursor: Hashable]:
    rows: Sequence[Row]
    after: Cursor | None = None


# expect: ruff[UP047]
def first(page: Page[RowT, CursorT]) -> RowT:
    return page.rows[0]


def numbers(page: Page[Document]) -> list[str]:
    return [row.number for row in page.rows]


def numbers_frozen(page: FrozenPage[Document, str]) -> list[str]:
    return [row.number for row in page.rows]


def list_invoices() -> list[str]:
    page = Page([Invoice("INV-1", 1250)], "INV-1")
    # expect: mypy[arg-type] pyright[reportArgumentType]
    # expect: test[an_older_type_variable_is_invariant_though_nothing_can_be_put_in]
    return numbers(page)


def list_invoices_frozen() -> list[str]:
    page = FrozenPage([Invoice("INV-1", 1250)], "INV-1")
    # expect: pyright[reportArgumentType]
    # expect: test[a_frozen_dataclass_has_a_method_that_takes_its_fields]
    return numbers_frozen(page)


def count_without_a_default() -> int:
    # expect: mypy[misc]
    # expect: pyright[reportInvalidTypeArguments]
    # expect: test[without_a_default_whoever_names_the_row_names_the_cursor_as_well]
    return len(FrozenPage[Invoice]([Invoice("INV-1", 1250)]).rows)


def list_by_key() -> list[str]:
    # expect: mypy[type-var] pyright[reportInvalidTypeArguments]
    # expect: test[a_bound_is_held_by_the_checkers_and_by_nobody_at_run_time]
    page = FrozenPage[Invoice, dict[str, str]]([Invoice("INV-1", 1250)], {"at": "1"})
    return [row.number for row in page.rows]


def follow_anything[Row, Cursor](
    fetch: Callable[[Cursor | None], tuple[list[Row], Cursor | None]],
) -> Generator[Row]:
    seen: set[Cursor] = set()
    rows, cursor = fetch(None)
    yield from rows
    # expect: test[without_a_bound_a_cursor_fails_behind_the_first_page]
    while cursor is not None and cursor not in seen:
        seen.add(cursor)
        rows, cursor = fetch(cursor)
        yield from rows
