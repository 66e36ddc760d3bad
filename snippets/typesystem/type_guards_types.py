"""What is left of a type in both branches of a guard."""

from collections.abc import Callable
from typing import Literal, reveal_type

from snippets.typesystem.type_guards import (
    Term,
    are_words,
    is_order,
    is_searchable,
    is_words,
)


def type_is_narrows_both_branches(term: Term) -> str:
    """Prove the one type or the other."""
    if is_words(term):
        # reveals: str
        reveal_type(term)
        return "words"
    # reveals: int
    reveal_type(term)
    return "number"


def type_guard_narrows_one_branch(term: Term) -> str:
    """Prove the one type or nothing."""
    if is_searchable(term):
        # reveals: str
        reveal_type(term)
        return "searchable"
    # reveals: str | int
    reveal_type(term)
    return "blank or number"


def type_is_keeps_what_was_known_already(word: Literal["price", "rating"] | int) -> str:
    """Intersect what is known with what is found."""
    if is_words(word):
        # mypy reveals: Literal['price'] | Literal['rating']
        # pyright reveals: Literal['price', 'rating']
        reveal_type(word)
        return word
    return "number"


def type_guard_forgets_it(word: Literal["price", "rating"] | int) -> str:
    """Replace what is known by what is found."""
    if is_searchable(word):
        # reveals: str
        reveal_type(word)
        return word
    return "number"


def a_word_of_a_closed_set(word: str) -> str:
    """Prove a literal type by a set that is made of it."""
    if is_order(word):
        # mypy reveals: Literal['newest'] | Literal['price'] | Literal['rating']
        # pyright reveals: Literal['newest', 'price', 'rating']
        reveal_type(word)
        return "known"
    # reveals: str
    reveal_type(word)
    return "unknown"


def a_list_of_another_type(terms: list[Term]) -> str:
    """Narrow to what is no subtype."""
    if are_words(terms):
        # reveals: list[str]
        reveal_type(terms)
        return "words"
    # reveals: list[str | int]
    reveal_type(terms)
    return "mixed"


def filtering(terms: list[Term], is_short: Callable[[Term], bool]) -> list[str]:
    """Take a guard as a predicate; a plain one proves nothing."""
    # reveals: list[str]
    reveal_type([*filter(is_searchable, terms)])
    # reveals: list[int]
    reveal_type([term for term in terms if not is_words(term)])
    # reveals: list[str | int]
    reveal_type([*filter(is_short, terms)])
    return [*filter(is_words, terms)]
