import pytest
from selectolax.lexbor import LexborHTMLParser

from proof.fragments.draw import figure, growth, table, timeline
from proof.ledger.records import Event, Growth, Row

EVENTS = [
    Event(lane="ada", what="starts", word=""),
    Event(lane="bob", what="starts", word=""),
    Event(lane="ada", what="waits", word="a lock"),
    Event(lane="bob", what="fails", word="ValueError"),
    Event(lane="ada", what="goes on", word=""),
    Event(lane="ada", what="notes", word="a <row>"),
    Event(lane="ada", what="is cancelled", word=""),
]


def cells(markup: str) -> list[list[tuple[str, str]]]:
    rows = LexborHTMLParser(markup).css("tbody tr")
    return [
        [
            (cell.attributes.get("class") or "", cell.text().strip())
            for cell in row.css("td")
        ]
        for row in rows
    ]


def test_a_timeline_has_a_column_for_each_lane_in_order_of_appearance() -> None:
    heads = LexborHTMLParser(timeline("Ada waits", EVENTS)).css("thead th")
    assert [(head.text(), head.attributes["scope"]) for head in heads] == [
        ("ada", "col"),
        ("bob", "col"),
    ]


def test_a_timeline_has_a_row_for_each_event_and_its_cells_are_the_bars() -> None:
    assert cells(timeline("Ada waits", EVENTS)) == [
        [("runs", "starts"), ("idle", "")],
        [("runs", ""), ("runs", "starts")],
        [("waits", "waits a lock"), ("runs", "")],
        [("waits", ""), ("runs", "fails ValueError")],
        [("runs", "goes on"), ("idle", "")],
        [("runs", "a <row>"), ("idle", "")],
        [("runs", "is cancelled"), ("idle", "")],
    ]


def test_what_is_noted_after_the_end_does_not_start_the_bar_again() -> None:
    later = [
        *EVENTS,
        Event(lane="bob", what="notes", word="undone"),
        Event(lane="ada", what="starts", word=""),
    ]
    assert cells(timeline("Ada waits", later))[-2:] == [
        [("idle", ""), ("runs", "undone")],
        [("runs", "starts"), ("idle", "")],
    ]


def test_failure_and_cancellation_are_marked() -> None:
    drawn = LexborHTMLParser(timeline("Ada waits", EVENTS))
    assert [each.text() for each in drawn.css(".fails, .cancelled")] == [
        "fails",
        "is cancelled",
    ]


def test_the_sentence_is_the_caption() -> None:
    drawn = LexborHTMLParser(timeline("Ada <waits>", EVENTS))
    assert [each.text() for each in drawn.css("caption")] == ["Ada <waits>"]


def test_figures_of_the_same_variants_share_a_table() -> None:
    rows = [
        Row(name="Peak", unit="requests", values={"bounded": 3, "free": 12}),
        Row(name="Calls", unit="", values={"bounded": 12, "free": 12}),
        Row(name="Lag", unit="times", values={"thread": 1.5}),
    ]
    tables = LexborHTMLParser(table(rows)).css("table")
    assert [each.text(separator="|", strip=True) for each in tables] == [
        "bounded|free|Peak, requests|3|12|Calls|12|12",
        "thread|Lag, times|1.5",
    ]


def test_a_growth_is_plotted_to_scale_and_told_in_a_table() -> None:
    drawn = LexborHTMLParser(
        growth(
            Growth(
                name="Memory",
                unit="kB",
                over="items",
                sizes=[100, 300],
                values={"bounded": [2, 2], "free": [2, 8]},
            )
        )
    )
    points = [each.attributes["points"] for each in drawn.css("polyline:not(.ground)")]
    assert points == ["56.0,139.0 424.0,139.0", "56.0,139.0 424.0,16.0"]
    assert [each.attributes["aria-label"] for each in drawn.css("svg")] == [
        "Memory, kB"
    ]
    rows = [each.text(separator="|", strip=True) for each in drawn.css("tbody tr")]
    assert rows == ["100 items|2|2", "300 items|2|8"]


@pytest.mark.parametrize(
    ("value", "written"),
    [(3, "3"), (12000.0, "12,000"), (1.23456, "1.23"), (0.012345, "0.0123"), (0, "0")],
)
def test_a_figure_has_the_digits_that_a_reader_can_use(
    value: float, written: str
) -> None:
    assert figure(value) == written
