import inspect
from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import replace
from typing import NoDefault, TypeVar, assert_type, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from snippets.typesystem import generics, generics_avoid, generics_types
from snippets.typesystem.generics import Page, follow
from snippets.typesystem.generics_avoid import first, follow_anything
from snippets.typesystem.generics_types import Document, Invoice, OlderPage


class Listing:
    """Serves rows by offset, so many at a time, and counts what it was asked."""

    def __init__(self, rows: Sequence[str], size: int) -> None:
        self._rows, self._size = rows, size
        self.asked: list[int | None] = []

    def fetch(self, cursor: int | None) -> Page[str, int]:
        self.asked.append(cursor)
        start = cursor or 0
        end = start + self._size
        last = end >= len(self._rows)
        return Page(self._rows[start:end], after=None if last else end)


def scripted(*cursors: str | None) -> Callable[[str | None], Page[str]]:
    """Serve one row a page, whatever is asked, with these cursors behind them."""
    given_out = iter(cursors)
    return lambda cursor: Page([f"row behind {cursor}"], after=next(given_out))


def parameters(of: object, name: str = "__type_params__") -> tuple[TypeVar, ...]:
    found: tuple[TypeVar, ...] = getattr(of, name)
    return found


@settings(derandomize=True, database=None, max_examples=50)
@given(rows=st.lists(st.sampled_from("abc"), max_size=9), size=st.integers(1, 4))
def test_every_row_comes_once_and_in_order(rows: list[str], size: int) -> None:
    assert list(follow(Listing(rows, size).fetch)) == rows


def test_a_page_is_fetched_when_its_first_row_is_wanted() -> None:
    listing = Listing("abc", 1)
    rows = follow(listing.fetch)
    assert listing.asked == []
    assert next(rows) == "a"
    assert listing.asked == [None]
    assert list(rows) == ["b", "c"]
    assert listing.asked == [None, 1, 2]


@pytest.mark.parametrize("falsy", ["", "0"])
def test_only_none_ends_a_listing(falsy: str) -> None:
    rows = list(follow(scripted(falsy, None)))
    assert rows == ["row behind None", f"row behind {falsy}"]


def test_a_cursor_that_comes_again_ends_in_an_error_after_its_rows() -> None:
    rows = follow(scripted("A", "B", "A"))
    assert [next(rows) for _ in range(3)] == [
        "row behind None",
        "row behind A",
        "row behind B",
    ]
    with pytest.raises(ValueError, match=r"^the listing repeats its cursor 'A'$"):
        next(rows)


def test_a_page_keeps_what_it_was_made_of_and_nothing_can_be_put_in() -> None:
    rows: Iterable[str] = (row for row in ("a", "b"))
    page = Page(rows, after=2)
    assert (page.rows, page.after) == (("a", "b"), 2)
    assert Page[str]([]).after is None
    with pytest.raises(AttributeError):
        # ignored because it is the claim: each checker reports the assignment
        page.rows = ("c",)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_the_interpreter_knows_bound_and_default() -> None:
    row, cursor = parameters(Page)
    assert (row.__name__, row.__bound__, row.__default__) == ("Row", None, NoDefault)
    assert (cursor.__name__, cursor.__bound__) == ("Cursor", Hashable)
    assert cursor.__default__ is str
    assert [each.__bound__ for each in parameters(follow)] == [None, Hashable]


def test_a_default_fills_the_arguments_that_are_left_out() -> None:
    assert get_args(Page[Invoice]) == (Invoice, str)


def test_a_bound_may_name_a_class_that_comes_later() -> None:
    def newest[D: Receipt](documents: list[D]) -> D:
        return documents[-1]

    class Receipt(Document):
        pass

    last = newest([Receipt("R-1"), Receipt("R-2")])
    assert assert_type(last, Receipt) == Receipt("R-2")
    assert parameters(newest)[0].__bound__ is Receipt


def test_a_type_parameter_is_no_name_of_the_module() -> None:
    assert not hasattr(generics, "Row")
    assert hasattr(generics_avoid, "RowT")


def test_the_older_spelling_makes_the_same_parameters_with_variance_by_hand() -> None:
    newer, older = parameters(Page), parameters(OlderPage, "__parameters__")
    assert parameters(OlderPage) == ()
    assert [(each.__bound__, each.__default__) for each in newer] == [
        (each.__bound__, each.__default__) for each in older
    ]
    assert [each.__infer_variance__ for each in newer] == [True, True]
    assert [each.__infer_variance__ for each in older] == [False, False]
    assert [each.__covariant__ for each in older] == [True, True]
    assert get_args(OlderPage[Invoice]) == (Invoice, str)


def test_the_types_shown_are_those_that_run() -> None:
    generics_types.the_default_stands_in_for_what_is_left_out()
    rows = generics_types.both_parameters_are_solved_from_the_argument()
    assert [row.number for row in rows] == ["INV-1", "INV-2", "INV-1", "INV-1"]
    assert {type(row) for row in rows} == {Invoice}
    page = Page([Invoice("INV-1", 1250)], after=True)
    wider = generics_types.what_can_only_be_read_is_covariant(page)
    assert wider is page
    older = OlderPage((Invoice("INV-1", 1250),), "INV-1")
    assert generics_types.the_older_spelling_says_the_same(older) is older
    assert (older.rows, older.after) == ((Invoice("INV-1", 1250),), "INV-1")


def test_an_older_type_variable_is_invariant_though_nothing_can_be_put_in(
    observe: Observe,
) -> None:
    assert generics_avoid.list_invoices() == ["INV-1"]
    row = generics_avoid.RowT
    observe(f"it runs: {generics_avoid.list_invoices()}")
    assert (row.__covariant__, row.__infer_variance__) == (False, False)


def test_a_frozen_dataclass_has_a_method_that_takes_its_fields(
    observe: Observe,
) -> None:
    page = generics_avoid.FrozenPage[Invoice, str]([], "INV-1")
    observe(f"it runs: {generics_avoid.list_invoices_frozen()}")
    assert generics_avoid.list_invoices_frozen() == ["INV-1"]
    taken = inspect.signature(page.__replace__).parameters
    assert list(taken) == ["changes"]
    assert replace(page, rows=[Invoice("INV-2", 990)]).rows == [Invoice("INV-2", 990)]


def test_without_a_default_whoever_names_the_row_names_the_cursor_as_well(
    observe: Observe,
) -> None:
    with pytest.raises(TypeError, match="Too few arguments") as failed:
        generics_avoid.count_without_a_default()
    observe(failed.value)
    assert str(failed.value).endswith("actual 1, expected at least 2")


def test_a_bound_is_held_by_the_checkers_and_by_nobody_at_run_time(
    observe: Observe,
) -> None:
    observe(f"it runs: {generics_avoid.list_by_key()}")
    assert generics_avoid.list_by_key() == ["INV-1"]


def test_without_a_bound_a_cursor_fails_behind_the_first_page(
    observe: Observe,
) -> None:
    def fetch(key: dict[str, str] | None) -> tuple[list[str], dict[str, str] | None]:
        return ["INV-1"], {"after": "INV-1", **(key or {})}

    rows = follow_anything(fetch)
    assert next(rows) == "INV-1"
    with pytest.raises(TypeError) as failed:
        next(rows)
    observe(failed.value)
    assert str(failed.value) == "unhashable type: 'dict'"


def test_without_a_bound_strings_work_as_well() -> None:
    pages = {None: (["a"], "A"), "A": (["b"], "B"), "B": (["c"], None)}
    assert list(follow_anything(pages.__getitem__)) == ["a", "b", "c"]


def test_the_counterexamples_page_reads_like_the_other() -> None:
    page = generics_avoid.Page([Invoice("INV-1", 1250)], "INV-1")
    assert (page.after, first(page).cents) == ("INV-1", 1250)
