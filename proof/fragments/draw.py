"""Draws what tests recorded: timelines and measurements, as HTML and SVG."""

import html
from collections.abc import Mapping, Sequence

from proof.fragments.markup import definitions
from proof.ledger.records import Event, Growth, Row, Step

STORY = {
    "sent": "What was sent",
    "happened": "What happened",
    "now": "What happens now",
}
ENDS = {"ends", "fails", "is cancelled"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 440, 220, 56, 40, 16


def timeline(sentence: str, events: Sequence[Event]) -> str:
    """Draw who did what in which order: a column for each lane, a row for each event.

    It is a table, so that it is read aloud as it is seen; the style sheet makes bars of
    its cells.

    Args:
        sentence: What the test that recorded it claims.
        events: What was recorded.

    Returns:
        HTML.
    """
    lanes = list(dict.fromkeys(event.lane for event in events))
    state = dict.fromkeys(lanes, "idle")
    head = "".join(f'<th scope="col">{html.escape(lane)}</th>' for lane in lanes)
    ended: set[str] = set()
    rows: list[str] = []
    for event in events:
        if state[event.lane] == "idle":
            state[event.lane] = "runs"
        if event.what == "waits":
            state[event.lane] = "waits"
        elif event.what in {"goes on", *ENDS}:
            state[event.lane] = "runs"
        cells = [
            f'<td class="{state[lane]}">{_told(event)}</td>'
            if lane == event.lane
            else f'<td class="{state[lane]}"></td>'
            for lane in lanes
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
        if event.what in ENDS:
            ended.add(event.lane)
        elif event.what == "starts":
            ended.discard(event.lane)
        if event.lane in ended:  # what is noted later is a point, not a bar
            state[event.lane] = "idle"
    return (
        f'<table class="timeline"><caption>{html.escape(sentence)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>\n"
    )


def _told(event: Event) -> str:
    kind = event.what.replace("is ", "").replace(" ", "-")
    if event.what == "notes":
        return f'<span class="{kind}">{html.escape(event.word)}</span>'
    word = f" <small>{html.escape(event.word)}</small>" if event.word else ""
    return f'<span class="{kind}">{event.what}</span>{word}'


def attack(sentence: str, steps: Sequence[Step]) -> str:
    """Tell the story of an attack.

    Args:
        sentence: What the test that carried it out claims.
        steps: What it recorded.

    Returns:
        HTML.
    """
    told: dict[str, list[str]] = {}
    for step in steps:
        told.setdefault(step.what, []).append(
            f"<samp>{html.escape(step.text, quote=False)}</samp>"
        )
    listed = "".join(
        f'<div class="{what}"><dt>{term}</dt><dd>{"".join(told[what])}</dd></div>'
        for what, term in STORY.items()
        if what in told
    )
    return (
        f'<div class="attack"><p>{html.escape(sentence)}</p><dl>{listed}</dl></div>\n'
    )


def matrix(
    title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]
) -> str:
    """Tabulate what was found on each of several runs.

    Args:
        title: What the table tells.
        columns: The runs.
        rows: What was found on each, by what was tried, in HTML.

    Returns:
        HTML.
    """
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in columns)
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
        for name, cells in rows.items()
    )
    return (
        f'<table class="matrix"><caption>{html.escape(title)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>\n"
    )


def table(rows: Sequence[Row]) -> str:
    """Tabulate figures that were measured for several variants.

    Args:
        rows: The figures; those of the same variants share a table.

    Returns:
        HTML.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.values), []).append(row)
    return "".join(
        _table(
            [html.escape(variant) for variant in variants],
            [
                (
                    html.escape(row.name)
                    + (f", {html.escape(row.unit)}" * bool(row.unit)),
                    [row.values[variant] for variant in variants],
                )
                for row in group
            ],
        )
        for variants, group in groups.items()
    )


def growth(given: Growth) -> str:
    """Plot how a figure grows, with the same figures as a table below.

    Args:
        given: The sizes and each variant's values.

    Returns:
        HTML with an SVG in it.
    """
    most = max(max(values) for values in given.values.values()) or 1
    span = max(given.sizes) - min(given.sizes) or 1

    def place(size: float, value: float) -> str:
        x = LEFT + (size - min(given.sizes)) / span * (WIDTH - LEFT - 16)
        y = HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP)
        return f"{x:.1f},{y:.1f}"

    lines = "".join(
        f'<polyline class="series-{at}" points="'
        + " ".join(map(place, given.sizes, values))
        + '"/>'
        for at, values in enumerate(given.values.values())
    )
    ground = f"{place(given.sizes[0], 0)} {place(given.sizes[-1], 0)}"
    title = html.escape(f"{given.name}, {given.unit}")
    over = html.escape(given.over)
    labels = (
        f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{figure(most)}</text>'
        f'<text x="{LEFT - 8}" y="{HEIGHT - BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 20}">{min(given.sizes):,}</text>'
        f'<text x="{WIDTH - 16}" y="{HEIGHT - 20}" text-anchor="end">'
        f"{max(given.sizes):,} {over}</text>"
    )
    keys = definitions(
        "key",
        {
            f'<i class="series-{at}"></i>': html.escape(variant)
            for at, variant in enumerate(given.values)
        },
    )
    rows = [
        (f"{size:,} {over}", [values[at] for values in given.values.values()])
        for at, size in enumerate(given.sizes)
    ]
    return (
        f'<figure class="growth"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f'<polyline class="ground" points="{ground}"/>{lines}{labels}</svg>{keys}'
        f"</figure>\n{_table([html.escape(each) for each in given.values], rows)}"
    )


def _table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td>{figure(value)}</td>" for value in values)
        + "</tr>"
        for name, values in rows
    )
    return (
        f'<table class="measured"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>\n"
    )


def figure(value: float) -> str:
    """Write a figure with as many digits as a reader can use.

    Args:
        value: What was measured.

    Returns:
        An integer in full, anything else with three significant digits.
    """
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{float(f'{value:.3g}'):,}"
