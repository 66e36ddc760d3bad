"""Read a listing that comes in pages."""

from collections.abc import Callable, Generator, Hashable, Iterable


# --8<-- [start:answer]
class Page[Row, Cursor: Hashable = str]:
    """Some rows, and what to ask the next ones with; nothing can be put in."""

    def __init__(self, rows: Iterable[Row], *, after: Cursor | None = None) -> None:
        """Keep the rows; without ``after`` the page is the last."""
        self._rows = tuple(rows)
        self._after = after

    # --8<-- [end:answer]
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

    Examples:
        >>> pages = {None: Page(["INV-1"], after="A"), "A": Page(["INV-2"])}
        >>> list(follow(pages.__getitem__))
        ['INV-1', 'INV-2']
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
