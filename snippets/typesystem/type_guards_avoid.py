"""Tell apart what customers put into a search box, by guards that say too much."""

from collections.abc import Iterable
from json import dumps
from typing import TypeGuard, TypeIs, assert_type, reveal_type

type Term = str | int


# --8<-- [start:answer]
def is_words(term: Term) -> TypeIs[str]:
    return isinstance(term, str) and bool(term.strip())


def find(term: Term) -> str:
    if is_words(term):
        return f"words~{dumps(term.casefold(), ensure_ascii=False)}"
    assert_type(term, int)
    # expect: test[a_blank_is_taken_for_a_number]
    shelf, article = divmod(term, 1000)
    return f"shelf={shelf} article={article}"


# --8<-- [end:answer]


def numbers(terms: Iterable[Term]) -> list[int]:
    # expect: test[a_blank_goes_into_a_list_of_numbers]
    return [term for term in terms if not is_words(term)]


def is_number(term: Term) -> TypeIs[int]:
    # expect: test[neither_checker_reads_what_a_guard_does]
    return isinstance(term, str)


# expect: mypy[narrowed-type-not-subtype] pyright[reportGeneralTypeIssues]
def are_words_and_nothing_else(terms: list[Term]) -> TypeIs[list[str]]:
    # expect: test[an_empty_list_of_numbers_is_a_list_of_words_too]
    return all(isinstance(term, str) for term in terms)


def are_words(terms: list[Term]) -> TypeGuard[list[str]]:
    return all(isinstance(term, str) for term in terms)


def phrase(terms: list[Term], article: int) -> str:
    history = terms
    if not are_words(terms):
        return ""
    history.append(article)
    # expect: test[a_list_is_one_of_words_until_somebody_adds_a_number]
    return " ".join(terms)


def is_words_loosely(term: Term) -> TypeGuard[str]:
    return isinstance(term, str)


def find_loosely(term: Term) -> str:
    if is_words_loosely(term):
        return f"words~{dumps(term.casefold(), ensure_ascii=False)}"
    # reveals: str | int
    reveal_type(term)
    # expect: mypy[operator] pyright[reportOperatorIssue]
    # expect: test[where_false_would_prove_it_a_type_guard_refuses_what_is_right]
    return f"shelf={term // 1000}"
