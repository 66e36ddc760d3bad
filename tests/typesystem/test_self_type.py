import copy
from dataclasses import FrozenInstanceError

import pytest

from proof.testing.basics import Observe
from snippets.typesystem.self_type import MailSearch, Search
from snippets.typesystem.self_type_avoid import MailSearch as AvoidedMailSearch
from snippets.typesystem.self_type_avoid import Search as AvoidedSearch
from snippets.typesystem.self_type_avoid import late_orders, refined, title
from snippets.typesystem.self_type_types import (
    FolderSearch,
    blind_spot,
    chains,
    steps,
)

ADA = "ada@example.org"


@pytest.mark.parametrize("kind", [Search, MailSearch])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=late+order", ("late", "order")),
        ("q=late&page=2&q=order", ("late", "order")),
        ("q=+late%20", ("late",)),
        ("page=2", ()),
        ("", ()),
        ("q=%ff%00", ("\ufffd\0",)),
        ("q=\ud800&&=&q", ("\ud800",)),
        pytest.param("q=a" * 2**18, ("aq=" * (2**18 - 1) + "a",), id="megabyte"),
    ],
)
def test_a_constructor_makes_the_class_that_it_is_called_on(
    kind: type[Search], query: str, words: tuple[str, ...]
) -> None:
    assert kind.from_query(query) == kind(words=words, limit=20, skip=0)


@pytest.mark.parametrize("kind", [Search, MailSearch])
def test_every_step_returns_its_own_class_and_leaves_the_rest(
    kind: type[Search],
) -> None:
    search = kind(words=("late",), skip=20)
    assert search.at_most(5) == kind(words=("late",), limit=5, skip=20)
    assert search.next_page() == kind(words=("late",), limit=20, skip=40)


def test_a_chain_may_mix_steps_of_base_and_subclass() -> None:
    mails = MailSearch.from_query("q=late").at_most(5).sent_by(ADA).next_page()
    assert mails == MailSearch(words=("late",), limit=5, skip=5, sender=ADA)


def test_a_step_leaves_the_search_that_it_starts_from() -> None:
    mails = MailSearch()
    mails.at_most(5).sent_by(ADA)
    assert mails == MailSearch(words=(), limit=20, skip=0, sender=None)
    with pytest.raises(FrozenInstanceError):
        mails.limit = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - refused by design


def test_the_copying_of_the_standard_library_knows_every_field() -> None:
    mails = copy.replace(MailSearch(sender=ADA), limit=5)
    assert mails == MailSearch(limit=5, sender=ADA)
    with pytest.raises(ValueError, match="limit must be"):
        copy.replace(mails, limit=0)


@pytest.mark.parametrize("search", [Search(), MailSearch()])
def test_a_search_has_no_other_attributes(search: Search) -> None:
    assert not hasattr(search, "__dict__")


@pytest.mark.parametrize("kind", [Search, MailSearch])
def test_fields_are_given_by_name(kind: type[Search]) -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        kind(("late",))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - refused by design


@pytest.mark.parametrize("limit", [0, -1, 101, 10**400])
def test_a_page_of_no_or_too_many_documents_is_refused_at_the_step(limit: int) -> None:
    with pytest.raises(ValueError, match=rf"^limit must be 1 to 100, not {limit}$"):
        MailSearch().at_most(limit)


def test_a_page_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^skip must be at least 0, not -1$"):
        MailSearch(skip=-1)


def test_the_largest_page_shows_a_hundred_documents() -> None:
    assert Search().at_most(100).next_page() == Search(limit=100, skip=100)


def test_the_smallest_page_shows_one_document() -> None:
    assert Search().at_most(1).next_page() == Search(limit=1, skip=1)


def test_the_class_at_run_time_is_the_one_that_is_revealed() -> None:
    found = chains()
    assert type(found) is MailSearch
    assert found.skip == 5
    assert type(steps(FolderSearch(folder="inbox"))) is FolderSearch


def test_a_field_that_a_constructor_does_not_know_is_missing_at_run_time() -> None:
    with pytest.raises(TypeError, match="required keyword-only argument: 'folder'"):
        blind_spot()


def test_a_type_variable_on_self_does_the_same_in_more_words() -> None:
    mails: AvoidedMailSearch = AvoidedMailSearch().also("late").sent_by(ADA)
    assert mails == AvoidedMailSearch(words=("late",), sender=ADA)


@pytest.mark.parametrize(("limit", "skip"), [(0, 0), (101, 0), (20, -1)])
def test_a_search_that_forgets_its_class_refuses_the_same_pages(
    limit: int, skip: int
) -> None:
    with pytest.raises(ValueError, match=r"^(limit|skip) must be ") as refused:
        AvoidedSearch(limit=limit, skip=skip)
    with pytest.raises(ValueError, match=r"must be") as same:
        Search(limit=limit, skip=skip)
    assert str(refused.value) == str(same.value)


def test_a_constructor_that_names_its_class_makes_no_other(observe: Observe) -> None:
    with pytest.raises(AttributeError) as missing:
        late_orders(ADA)
    observe(missing.value)
    assert str(missing.value) == "'Search' object has no attribute 'sent_by'"


def test_a_refused_chain_runs_as_the_types_know_less_than_the_code(
    observe: Observe,
) -> None:
    said = title(ADA)
    observe(said)
    assert said == "5 mails of ada@example.org"


def test_a_copy_made_field_by_field_loses_the_field_of_the_subclass(
    observe: Observe,
) -> None:
    mails = AvoidedMailSearch().sent_by(ADA)
    after = mails.next_page()
    observe(f"page 1 is from {mails.sender}, page 2 from {after.sender}")
    assert after == AvoidedMailSearch(skip=20, sender=None)


def test_a_parameter_of_type_self_is_a_promise_no_caller_has_made(
    observe: Observe,
) -> None:
    late = AvoidedSearch(words=("late",))
    order = AvoidedMailSearch(words=("order",), sender=ADA)
    assert refined(late, order) == AvoidedSearch(words=("late", "order"))
    assert refined(order, order).words == ("order", "order")
    with pytest.raises(AttributeError) as missing:
        refined(order, late)
    observe(missing.value)
    assert str(missing.value) == "'Search' object has no attribute 'sender'"
