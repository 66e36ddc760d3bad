"""Searches of an archive, refined step by step."""

from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import parse_qs

LONGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for. Every step returns a new search of the same class.

    Attributes:
        words: What the document must contain.
        limit: How many documents a page shows.
        skip: How many come before this page.
    """

    words: tuple[str, ...] = ()
    limit: int = 20
    skip: int = 0

    def __post_init__(self) -> None:
        """Refuse a page that can't be shown; `replace` comes by here as well.

        Raises:
            ValueError: If the limit isn't 1 to 100, or if fewer than 0 are skipped.
        """
        if not 1 <= self.limit <= LONGEST_PAGE:
            raise ValueError(f"limit must be 1 to {LONGEST_PAGE}, not {self.limit}")
        if self.skip < 0:
            raise ValueError(f"skip must be at least 0, not {self.skip}")

    @classmethod
    def from_query(cls, query: str) -> Self:
        """Read the words from the address of a page.

        Args:
            query: What follows its question mark; words in ``q``.

        Returns:
            A search of the class that was asked for.
        """
        words = " ".join(parse_qs(query).get("q", []))
        return cls(words=tuple(words.split()))

    # --8<-- [start:answer]
    def at_most(self, limit: int) -> Self:
        """Set the length of a page; as in the constructor it has to be 1 to 100."""
        return replace(self, limit=limit)

    def next_page(self) -> Self:
        """Go on where this page ends."""
        return replace(self, skip=self.skip + self.limit)

    # --8<-- [end:answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSearch(Search):
    """A search that knows what a mail is.

    Attributes:
        sender: Whose mails; ``None`` for anybody's.

    Examples:
        >>> first = MailSearch.from_query("q=late+order").at_most(5)
        >>> first.sent_by("ada@example.org").next_page()
        MailSearch(words=('late', 'order'), limit=5, skip=5, sender='ada@example.org')
    """

    sender: str | None = None

    def sent_by(self, sender: str) -> Self:
        """Keep to the mails of one sender."""
        return replace(self, sender=sender)
