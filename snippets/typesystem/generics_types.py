"""What the checkers make of a type parameter's bound, default and variance."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar, reveal_type

from snippets.typesystem.generics import Page, follow


@dataclass(frozen=True, slots=True)
class Document:
    """Anything with a number."""

    number: str


@dataclass(frozen=True, slots=True)
class Invoice(Document):
    """A document that asks for money."""

    cents: int


RowT_co = TypeVar("RowT_co", covariant=True)
CursorT_co = TypeVar("CursorT_co", bound=Hashable, default=str, covariant=True)


class OlderPage(Generic[RowT_co, CursorT_co]):  # noqa: UP046 - the same, spelt as before
    """Some rows, and where the next ones begin."""

    def __init__(
        self, rows: tuple[RowT_co, ...], after: CursorT_co | None = None
    ) -> None:
        """Keep the rows."""
        self._rows = rows
        self._after = after

    @property
    def rows(self) -> tuple[RowT_co, ...]:
        """The rows, in order."""
        return self._rows

    @property
    def after(self) -> CursorT_co | None:
        """What to ask the next page with."""
        return self._after


def by_name(cursor: str | None) -> Page[Invoice]:
    """Name the row only: the cursor is a string."""
    if cursor is None:
        return Page([Invoice("INV-1", 1250)], after="INV-1")
    return Page([Invoice("INV-2", 990)])


def by_offset(cursor: int | None) -> Page[Invoice, int]:
    """Name both, as this listing counts."""
    return Page([Invoice("INV-1", 1250)], after=1 if cursor is None else None)


def the_default_stands_in_for_what_is_left_out() -> None:
    """Leave the cursor out: in an annotation, and in a call that can't tell."""
    # reveals: Page[Invoice, str]
    reveal_type(by_name(None))
    # reveals: Page[Invoice, str]
    reveal_type(Page([Invoice("INV-1", 1250)]))
    # reveals: Page[Invoice, int]
    reveal_type(Page([Invoice("INV-1", 1250)], after=1))


def both_parameters_are_solved_from_the_argument() -> list[Invoice]:
    """Hand a function over."""
    # reveals: Generator[Invoice, None, None]
    reveal_type(follow(by_offset))
    return [*follow(by_name), *follow(by_offset)]


def what_can_only_be_read_is_covariant(
    page: Page[Invoice, bool],
) -> Page[Document, int]:
    """Use a page of invoices as one of documents."""
    return page


def the_older_spelling_says_the_same(
    page: OlderPage[Invoice],
) -> OlderPage[Document]:
    """Use a page in the older spelling likewise."""
    # reveals: OlderPage[Invoice, str]
    reveal_type(page)
    return page
