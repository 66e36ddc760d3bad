import csv
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snippets.pitfalls.copy_paste as once
import snippets.pitfalls.copy_paste_avoid as copied
from proof.testing.basics import Observe

type Quoting = Literal[0, 3]
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20"]


def cells(
    text: str, delimiter: str = ",", quoting: Quoting = csv.QUOTE_MINIMAL
) -> list[list[str]]:
    lines = StringIO(text, newline="")
    return list(csv.reader(lines, delimiter=delimiter, quoting=quoting))


def as_customer(typed: str) -> str:
    return once.customers_sheet([once.Customer(typed, "ada@example.org", "t-81")])


def as_order(typed: str) -> str:
    return once.orders_sheet([once.Order("A17", typed, 4500)])


def as_refund(typed: str) -> str:
    return once.refunds_sheet([once.Refund("A17", typed, -4500)])


@pytest.mark.parametrize("export", [as_customer, as_order, as_refund])
@pytest.mark.parametrize("start", STARTS)
def test_no_sheet_lets_a_formula_through(
    export: Callable[[str], str], start: str
) -> None:
    header, row = cells(export(f"{start}SUM(A1:A9)"))
    assert len(header) == len(row)
    assert f"'{start}SUM(A1:A9)" in row


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONE])
@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(st.text("=-\uff20,;|\t\r\n\"' a", max_size=9))
def test_no_formula_starts_a_cell_whatever_the_reader_takes_for_its_end(
    delimiter: str, quoting: Quoting, typed: str
) -> None:
    text = once.sheet(["note", typed], [("A17", typed), (typed, -45)])
    found = [cell for row in cells(text, delimiter, quoting) for cell in row]
    live = tuple(each for each in STARTS if not each.isspace())
    assert found
    assert {each for each in found if each.strip(' \t\r\n"').startswith(live)} <= {
        "-45"
    }


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1", "'=1"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t'=1"),
        ("\r\n=1", "'\r\n'=1"),
        ("Ada;=1", "Ada;'=1"),
        ("Ada,+1|-1", "Ada,'+1|'-1"),
        ('=1";@1', "'=1\";'@1"),
        ("a\t=1\r=2", "a\t'=1\r'=2"),
        ("a=1", "a=1"),
    ],
)
def test_an_apostrophe_stands_wherever_a_formula_could_start(
    typed: str, written: str
) -> None:
    assert once.inert(typed) == written


def test_the_name_of_a_column_is_made_inert_as_well() -> None:
    assert once.sheet(("=1", "b"), ()) == '"\'=1","b"\r\n'


@pytest.mark.parametrize("export", [as_customer, as_order, as_refund])
@pytest.mark.parametrize(
    "typed",
    ["", "Ada", "2 + 2 = 4", 'a "b", c', "a\n\nb", "a\r\nb", "x=1;y", "\0\ud800"],
)
def test_text_that_is_no_formula_is_written_as_it_was_typed(
    export: Callable[[str], str], typed: str
) -> None:
    assert typed in cells(export(typed))[1]


def test_a_negative_number_stays_a_number() -> None:
    assert once.inert(-4500) == -4500
    assert as_refund("late") == '"order","reason","cents"\r\n"A17","late",-4500\r\n'


def test_the_agency_gets_names_and_addresses_and_nothing_else() -> None:
    assert as_customer("Ada") == '"name","email"\r\n"Ada","ada@example.org"\r\n'


def test_the_packers_get_the_gift_cards_without_the_price() -> None:
    assert as_order("For Bob") == '"order","gift card"\r\n"A17","For Bob"\r\n'


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (once.customers_sheet([]), '"name","email"\r\n'),
        (once.orders_sheet([]), '"order","gift card"\r\n'),
        (once.refunds_sheet([]), '"order","reason","cents"\r\n'),
    ],
)
def test_a_sheet_without_rows_keeps_its_header(text: str, header: str) -> None:
    assert text == header


def test_a_number_too_long_for_str_is_refused() -> None:
    with pytest.raises(ValueError, match="integer string conversion"):
        once.refunds_sheet([once.Refund("A17", "late", 10**5000)])


def test_a_sheet_has_a_row_for_each_record() -> None:
    refunds = (once.Refund(order, "late", -450) for order in ("A17", "B20"))
    rows = cells(once.refunds_sheet(refunds))
    assert rows[1:] == [["A17", "late", "-450"], ["B20", "late", "-450"]]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (once.Customer("Ada", "ada@example.org", "t-81"), "email"),
        (once.Order("A17", "For Bob", 4500), "note"),
        (once.Refund("A17", "late", -4500), "cents"),
    ],
)
def test_an_exported_record_cannot_be_changed(record: object, field: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, field, "")


def test_the_three_copies_agree_on_what_they_were_copied_for() -> None:
    typed = "=SUM(A1:A9)"
    sheets = [
        copied.customers_sheet([copied.Customer("Ada", typed, "t-81")]),
        copied.orders_sheet([copied.Order("A17", typed, 4500)]),
        copied.refunds_sheet([copied.Refund("A17", typed, -4500)]),
    ]
    assert [cells(text)[1][1] for text in sheets] == ["'=SUM(A1:A9)"] * 3


def test_a_formula_that_two_copies_disarm_passes_the_third(observe: Observe) -> None:
    typed = "@SUM(A1:A9)"
    sheets = [
        copied.customers_sheet([copied.Customer("Ada", typed, "t-81")]),
        copied.orders_sheet([copied.Order("A17", typed, 4500)]),
        copied.refunds_sheet([copied.Refund("A17", typed, -4500)]),
    ]
    written = [cells(text)[1][1] for text in sheets]
    observe("customers {}, orders {}, refunds {}".format(*written))
    assert written == ["'@SUM(A1:A9)", "'@SUM(A1:A9)", "@SUM(A1:A9)"]


def test_one_sheet_for_everybody_sends_the_reset_token_to_the_agency(
    observe: Observe,
) -> None:
    ada = copied.Customer("Ada", "ada@example.org", "t-81")
    header, row = cells(copied.any_sheet([ada]))
    observe(f"{','.join(header)}: {','.join(row)}")
    assert header == ["name", "email", "reset_token"]
    assert row == ["Ada", "ada@example.org", "t-81"]


def test_one_sheet_for_everybody_takes_a_negative_number_for_a_formula(
    observe: Observe,
) -> None:
    text = copied.any_sheet([copied.Refund("A17", "late", -4500)])
    observe(",".join(cells(text)[1]))
    assert cells(text)[1] == ["A17", "late", "'-4500"]


def test_one_sheet_for_everybody_has_no_header_to_show_without_records(
    observe: Observe,
) -> None:
    with pytest.raises(IndexError, match=r"^list index out of range$") as caught:
        copied.any_sheet([])
    observe(caught.value)
