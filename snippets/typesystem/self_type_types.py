"""Which class a chain ends in."""

from dataclasses import dataclass
from typing import assert_type, reveal_type

from snippets.typesystem.self_type import MailSearch, Search


def chains() -> MailSearch:
    """Begin with the subclass, and call what the base defines."""
    # reveals: MailSearch
    mails = reveal_type(MailSearch.from_query("q=late+order"))
    # reveals: MailSearch
    page = reveal_type(mails.at_most(5).next_page())
    assert_type(Search.from_query("q=late").at_most(5), Search)
    return page.sent_by("ada@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSearch(Search):
    """A subclass that no constructor of the base knows."""

    folder: str


def blind_spot() -> FolderSearch:
    """Call a constructor that can't fill the field: the checkers take its word."""
    # reveals: FolderSearch
    return reveal_type(FolderSearch.from_query("q=late"))


def steps(search: FolderSearch) -> FolderSearch:
    """Take a step: it copies, so every field is there."""
    # reveals: FolderSearch
    return reveal_type(search.at_most(5))
