"""Read a listing that comes in pages."""

from collections.abc import Callable, Generator, Hashable, Iterable


class Page[Row, Cursor: Hashable = str]:
    """Some rows, and where the next ones begin.

    A page of invoices passes as a page of documents: nothing can be put in.

    Examples:
        >>> page = Page(["INV-1", "INV-2"], after="INV-2")
        >>> page.rows
        ('INV-1', 'INV-2')
        >>> page.after
        'INV-2'
    """

    def __init__(self, rows: Iterable[Row], *, after: Cursor | None = None) -> None:
        """Keep the rows.

        Args:
            rows: The rows, in order.
            after: What to ask the next page with; nothing if this is the last.
        """
        self._rows = tuple(rows)
        self._after = after

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows, in order."""
        return self._rows

    @property
    def after(self) -> Cursor | None:
        """What to ask the next page with; ``None`` on the last."""
        return self._after


def follow[Row, Cursor: Hashable](
    fetch: Callable[[Cursor | None], Page[Row, Cursor]],
) -> Generator[Row]:
    """Read page after page.

    Args:
        fetch: Gets the page behind a cursor; the first one for ``None``.

    Yields:
        The rows of all pages.

    Raises:
        ValueError: If a cursor comes again, since that would never end.
    """
    seen: set[Cursor] = set()
    page = fetch(None)
    yield from page.rows
    while (cursor := page.after) is not None:
        if cursor in seen:
            raise ValueError(f"the listing repeats its cursor {cursor!r}")
        seen.add(cursor)
        page = fetch(cursor)
        yield from page.rows
