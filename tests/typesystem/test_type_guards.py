import inspect
from typing import TypeIs, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from snippets.typesystem import type_guards_avoid, type_guards_types
from snippets.typesystem.type_guards import (
    Order,
    Term,
    are_words,
    find,
    headline,
    is_order,
    is_searchable,
    is_words,
    searched,
)

ORDERS = ("newest", "price", "rating")
TERMS = st.one_of(
    st.text("aé \t", max_size=3), st.sampled_from(["", " ", "\t"]), st.integers()
)
BLANKS = ["", " ", "\t\n"]


@settings(derandomize=True, database=None, max_examples=50)
@given(term=TERMS)
def test_a_term_is_words_exactly_if_it_is_a_string(term: Term) -> None:
    assert is_words(term) is isinstance(term, str)


@settings(derandomize=True, database=None, max_examples=50)
@given(word=st.one_of(st.text("aé \t", max_size=3), st.sampled_from(ORDERS)))
def test_a_word_is_an_order_exactly_if_it_is_one_of_them(word: str) -> None:
    assert is_order(word) is (word in {"newest", "price", "rating"})


def test_the_orders_are_those_of_the_type() -> None:
    assert get_args(Order.__value__) == ORDERS
    assert all(map(is_order, ORDERS))


@settings(derandomize=True, database=None, max_examples=50)
@given(term=TERMS)
def test_what_is_searchable_is_a_string_with_something_in_it(term: Term) -> None:
    if is_searchable(term):
        assert term.strip()
    else:
        assert term in BLANKS or not isinstance(term, str) or not term.strip()


@pytest.mark.parametrize("term", [*BLANKS, 0, 70012])
def test_blanks_and_numbers_are_not_searchable(term: Term) -> None:
    assert is_searchable(term) is False


def test_a_list_is_one_of_words_if_each_of_its_terms_is() -> None:
    assert are_words(["red", ""]) is True
    assert are_words(["red", 7]) is False
    assert are_words([]) is True


@pytest.mark.parametrize(
    ("term", "order", "query"),
    [
        ("Red Shoes", "price", 'words~"red shoes" by price'),
        ("red", "rating", 'words~"red" by rating'),
        ("red", "cheapest", 'words~"red" by newest'),
        ("", "newest", 'words~"" by newest'),
        (70012, "price", "shelf=70 article=12"),
        (0, "price", "shelf=0 article=0"),
        ("Maß", "price", 'words~"mass" by price'),
        (-1, "price", "shelf=-1 article=999"),
        ('" by price or "', "newest", r'words~"\" by price or \"" by newest'),
        ("\\\0É", "newest", r'words~"\\\u0000é" by newest'),
        ("red", 'price" or', 'words~"red" by newest'),
    ],
)
def test_every_term_finds_its_query(term: Term, order: str, query: str) -> None:
    assert find(term, order) == query


def test_a_number_that_python_does_not_print_is_an_error() -> None:
    with pytest.raises(ValueError, match="Exceeds the limit"):
        find(10**5000)
    with pytest.raises(ValueError, match="Exceeds the limit"):
        headline([10**5000])


def test_the_newest_come_first_if_nothing_else_is_asked() -> None:
    assert find("red") == 'words~"red" by newest'


def test_a_headline_is_a_phrase_or_a_list() -> None:
    assert headline(["red", "Shoes"]) == "red Shoes"
    assert headline(["red", 70012]) == "red, 70012"


def test_only_what_is_searchable_is_searched() -> None:
    assert searched(("Maß", " ", 7, "")) == ["mass"]


@pytest.mark.parametrize("term", ["red", 7])
def test_both_branches_of_a_type_is_hold_what_they_say(term: Term) -> None:
    expected = {str: "words", int: "number"}[type(term)]
    assert type_guards_types.type_is_narrows_both_branches(term) == expected


@pytest.mark.parametrize("term", ["red", " ", 7])
def test_the_other_branch_of_a_type_guard_holds_both(term: Term) -> None:
    expected = "searchable" if term == "red" else "blank or number"
    assert type_guards_types.type_guard_narrows_one_branch(term) == expected


def test_the_types_shown_are_those_that_run() -> None:
    assert type_guards_types.type_is_keeps_what_was_known_already("price") == "price"
    assert type_guards_types.type_is_keeps_what_was_known_already(7) == "number"
    assert type_guards_types.type_guard_forgets_it("price") == "price"
    assert type_guards_types.type_guard_forgets_it(7) == "number"
    assert type_guards_types.a_word_of_a_closed_set("price") == "known"
    assert type_guards_types.a_word_of_a_closed_set("cheapest") == "unknown"
    assert type_guards_types.a_list_of_another_type(["red"]) == "words"
    assert type_guards_types.a_list_of_another_type(["red", 7]) == "mixed"

    def is_short(term: Term) -> bool:
        return len(str(term)) < 4

    assert type_guards_types.filtering(["red", 7], is_short) == ["red"]


def test_a_guard_is_a_function_that_returns_a_bool_and_nothing_more() -> None:
    assert inspect.get_annotations(is_words)["return"] == TypeIs[str]
    assert is_words(7) is False


def test_a_blank_is_taken_for_a_number(observe: Observe) -> None:
    with pytest.raises(TypeError) as failed:
        type_guards_avoid.find("")
    observe(failed.value)
    assert str(failed.value) == (
        "unsupported operand type(s) for divmod(): 'str' and 'int'"
    )


def test_a_blank_goes_into_a_list_of_numbers(observe: Observe) -> None:
    found = type_guards_avoid.numbers([7, "", "red"])
    observe(found)
    assert found == [7, ""]


def test_all_is_well_until_a_blank_comes() -> None:
    assert type_guards_avoid.find("Red") == 'words~"red"'
    assert type_guards_avoid.find(70012) == "shelf=70 article=12"


def test_neither_checker_reads_what_a_guard_does(observe: Observe) -> None:
    found = {term: type_guards_avoid.is_number(term) for term in ("red", 7)}
    observe(found)
    assert found == {"red": True, 7: False}


def test_an_empty_list_of_numbers_is_a_list_of_words_too(observe: Observe) -> None:
    numbers: list[Term] = []
    words: list[Term] = ["red"]
    guard = type_guards_avoid.are_words_and_nothing_else
    observe([guard(numbers), guard(words), guard([*words, 7])])
    assert [guard(numbers), guard(words), guard([*words, 7])] == [True, True, False]


def test_a_list_is_one_of_words_until_somebody_adds_a_number(observe: Observe) -> None:
    with pytest.raises(TypeError) as failed:
        type_guards_avoid.phrase(["red", "shoes"], 7)
    observe(failed.value)
    assert str(failed.value) == "sequence item 2: expected str instance, int found"


def test_a_mixed_list_makes_no_phrase() -> None:
    assert type_guards_avoid.phrase(["red", 7], 8) == ""


def test_where_false_would_prove_it_a_type_guard_refuses_what_is_right(
    observe: Observe,
) -> None:
    assert type_guards_avoid.find_loosely("Red") == 'words~"red"'
    observe(f"it runs: {type_guards_avoid.find_loosely(70012)}")
    assert type_guards_avoid.find_loosely(70012) == "shelf=70"
