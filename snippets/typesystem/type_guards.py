"""Tell apart what customers put into a search box."""

from collections.abc import Iterable
from json import dumps
from typing import Literal, TypeGuard, TypeIs, get_args

type Term = str | int  # words, or the number of an article
type Order = Literal["newest", "price", "rating"]

ORDERS: frozenset[str] = frozenset(get_args(Order.__value__))


# --8<-- [start:answer]
def is_words(term: Term) -> TypeIs[str]:
    """Tell words from a number: what isn't words is a number."""
    return isinstance(term, str)


def is_searchable(term: Term) -> TypeGuard[str]:
    """Tell words to search for from all else: a blank string, or a number."""
    return isinstance(term, str) and bool(term.strip())


# --8<-- [end:answer]


def is_order(word: str) -> TypeIs[Order]:
    """Tell whether a word is one of the orders.

    Args:
        word: Any word, such as one from the address of a page.

    Returns:
        Whether it is; if not, it is none of them.
    """
    return word in ORDERS


def are_words(terms: list[Term]) -> TypeGuard[list[str]]:
    """Tell whether a list holds words only.

    Args:
        terms: What was typed; a list[str] is no kind of list[str | int].

    Returns:
        Whether each of its terms is a string, as long as nobody adds to it.
    """
    return all(isinstance(term, str) for term in terms)


def find(term: Term, order: str = "newest") -> str:
    """Write the query for one term.

    Args:
        term: What was asked for.
        order: How to sort the hits, from the address of the page.

    Returns:
        The query: words in quotes, or a number as 1000 * shelf + article; an unknown
        order is the usual one.

    Raises:
        ValueError: If the number has more digits than ``sys.get_int_max_str_digits()``.

    Examples:
        >>> find("Red Shoes", "price")
        'words~"red shoes" by price'
        >>> find(70012)
        'shelf=70 article=12'
    """
    if not is_words(term):
        shelf, article = divmod(term, 1000)
        return f"shelf={shelf} article={article}"
    known: Order = order if is_order(order) else "newest"
    words = dumps(term.casefold(), ensure_ascii=False)  # quoted: a quote ends nothing
    return f"words~{words} by {known}"


def headline(terms: list[Term]) -> str:
    """Write what was searched for above the hits.

    Args:
        terms: All that was asked for.

    Returns:
        The words as a phrase; a list of terms where a number is among them.

    Raises:
        ValueError: If a number has more digits than ``sys.get_int_max_str_digits()``.
    """
    if are_words(terms):
        return " ".join(terms)
    return ", ".join(map(str, terms))


def searched(terms: Iterable[Term]) -> list[str]:
    """Pick what the full-text index can take.

    Args:
        terms: All that was asked for.

    Returns:
        The words in them, numbers and blanks apart.
    """
    return [term.casefold() for term in terms if is_searchable(term)]
