"""HTML becomes Markdown that is read as it is written."""

import pytest

from proof.exports.readable import html_blocks, literal, readable
from proof.fragments import draw
from proof.ledger.records import Event, Growth, Row, Step

BASE = "https://example.org/cart/add-item/"


def test_remarks_at_a_line_are_quoted_after_who_made_them() -> None:
    remarks = (
        '<ul class="remarks">'
        '<li class="tool"><b>ruff <a href="https://example.org/B006"><code>B006</code>'
        "</a></b> Don't use <code>[]</code><br><br>  as a default</li>"
        '<li class="harm"><b>run</b> Carts are shared. <samp>[&#x27;tea&#x27;]</samp>'
        " <samp>a`b</samp></li>"
        '<li class="type"><b>mypy, pyright</b> <code>int | None</code></li>'
        '<li class="type"><b>mypy, pyright</b> agree</li>'
        '<li class="silent"><b>mypy and pyright</b> accept this line.</li></ul>'
    )
    assert readable(remarks, BASE).split("\n>\n") == [
        "> ruff B006: Don't use `[]`\n> as a default",
        "> run: Carts are shared. `['tea']` ``a`b``",
        "> mypy, pyright: `int | None`",
        "> mypy, pyright agree",
        "> mypy and pyright accept this line.",
    ]


def test_a_timeline_is_a_table_with_a_row_for_each_event() -> None:
    events = [
        Event(lane="ada", what="starts", word=""),
        Event(lane="bob", what="waits", word="a <lock>"),
        Event(lane="ada", what="notes", word="1 | 2"),
    ]
    assert readable(draw.timeline("Ada waits", events), BASE) == (
        "**Ada waits**\n\n"
        "| ada | bob |\n"
        "| --- | --- |\n"
        "| starts |  |\n"
        "|  | waits (a `<lock>`) |\n"
        "| 1 \\| 2 |  |"
    )


def test_a_plot_is_left_to_the_table_of_its_figures() -> None:
    values = {"new": [1.0, 2.0], "old": [1.0, 20.0]}
    given = Growth(
        name="Reads", unit="rows", over="orders", sizes=[1, 2], values=values
    )
    lines = list(html_blocks(draw.growth(given).splitlines(), _write))
    assert "\n".join(lines).strip() == (
        "**Reads, rows**\n\n\n"
        "|  | new | old |\n"
        "| --- | --- | --- |\n"
        "| 1 orders | 1 | 1 |\n"
        "| 2 orders | 2 | 20 |"
    )


def test_figures_runs_and_stories_are_tables_and_lists() -> None:
    rows = [Row(name="Time", unit="ms", values={"new": 1.5})]
    steps = [
        Step(what="sent", text="' OR 1"),
        Step(what="happened", text="all rows"),
        Step(what="happened", text="no log"),
    ]
    assert readable(draw.table(rows), BASE).splitlines()[-1] == "| Time, ms | 1.5 |"
    assert readable(
        draw.matrix("Runs", ["trio"], {"<code>x</code>": ["ok"]}), BASE
    ) == ("**Runs**\n\n|  | trio |\n| --- | --- |\n| `x` | ok |")
    assert readable(draw.attack("Eve logs in", steps), BASE) == (
        "Eve logs in\n\n- What was sent: `' OR 1`\n- What happened: `all rows` `no log`"
    )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<p>See <a href="../">all</a>.</p>', "See [all](https://example.org/cart/)."),
        ("<p><b>Do</b> it <i></i>now</p>", "**Do** it now"),
        (
            "<p>the __init__ of *args and <b>x</b></p>",
            "the `__init__` of `*args` and **x**",
        ),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<form><input><button>Go</button></form><p>Then</p>", "Then"),
        ("<div>a<div><p>b</p></div></div>", "a\n\nb"),
        ('<ul class="rule"><li>must</li> <li><code>x</code></li></ul>', "must · `x`"),
        ('<dl class="facts"><div><dt>On</dt><dd>3.13</dd></div></dl>', "- On: 3.13"),
    ],
)
def test_what_a_page_says_in_html_is_said_in_markdown(markup: str, text: str) -> None:
    assert readable(markup, BASE) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("a\nb", "`a b`")],
)
def test_code_in_a_line_is_fenced_by_more_backticks_than_it_has(
    text: str, written: str
) -> None:
    assert literal(text) == written


def test_an_element_that_holds_markdown_leaves_it_and_its_summary() -> None:
    lines = [
        '<details class="test" markdown>',
        "<summary>It <b>holds</b></summary>",
        "*Text*",
        "</details>",
    ]
    assert list(html_blocks(lines, _write)) == ["**It holds**", "*Text*"]


def test_a_block_of_several_lines_ends_where_it_is_closed() -> None:
    lines = ["<div>", "<div>", "<p>a</p>", "</div>", "</div>", "b <b>c</b>"]
    assert list(html_blocks(lines, _write)) == ["", "a", "", "b <b>c</b>"]


def _write(markup: str) -> str:
    return readable(markup, BASE)
