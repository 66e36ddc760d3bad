"""Searches of an archive, which forget what they are."""

from dataclasses import dataclass, replace
from typing import Final, Self, override

LONGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    words: tuple[str, ...] = ()
    limit: int = 20
    skip: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LONGEST_PAGE:
            raise ValueError(f"limit must be 1 to {LONGEST_PAGE}, not {self.limit}")
        if self.skip < 0:
            raise ValueError(f"skip must be at least 0, not {self.skip}")

    @classmethod
    def for_words(cls, *words: str) -> Self:
        # expect: mypy[return-value] pyright[reportReturnType]
        return Search(words=words)

    # --8<-- [start:answer]
    def at_most(self, limit: int) -> "Search":
        return replace(self, limit=limit)

    def next_page(self) -> Self:
        # expect: test[a_copy_made_field_by_field_loses_the_field_of_the_subclass]
        return type(self)(
            words=self.words, limit=self.limit, skip=self.skip + self.limit
        )

    # --8<-- [end:answer]

    # expect: ruff[PYI019]
    def also[S: Search](self: S, word: str) -> S:
        return replace(self, words=(*self.words, word))

    def merged(self, other: Self) -> Self:
        return replace(self, words=(*self.words, *other.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSearch(Search):
    sender: str | None = None

    def sent_by(self, sender: str) -> Self:
        return replace(self, sender=sender)

    @override
    # expect: pyright[reportIncompatibleMethodOverride]
    def merged(self, other: Self) -> Self:
        words = (*self.words, *other.words)
        # expect: test[a_parameter_of_type_self_is_a_promise_no_caller_has_made]
        return replace(self, words=words, sender=other.sender)


def late_orders(sender: str) -> MailSearch:
    # expect: test[a_constructor_that_names_its_class_makes_no_other]
    return MailSearch.for_words("late", "order").sent_by(sender)


def title(sender: str) -> str:
    mails = MailSearch(sender=sender).at_most(5)
    # expect: mypy[attr-defined]
    # expect: pyright[reportAttributeAccessIssue] pyright[reportUnknownMemberType]
    # expect: test[a_refused_chain_runs_as_the_types_know_less_than_the_code]
    return f"{mails.limit} mails of {mails.sender}"


def refined(search: Search, saved: Search) -> Search:
    return search.merged(saved)
