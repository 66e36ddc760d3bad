"""Makes the feed of what changed, for who follows the site in a reader."""

import html
from collections.abc import Iterable
from itertools import groupby

from proof.exports.material import Material
from proof.fragments.changelog import published
from proof.fragments.markup import count, message
from proof.sources.changes import Change, changes
from proof.sources.project import Rule

NEVER = "1970-01-01"
FEED = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<title>Proven Python: what changed</title>
<id>{address}feed.xml</id>
<link rel="self" href="{address}feed.xml"/>
<link href="{address}changes/"/>
<updated>{updated}T00:00:00Z</updated>
<author><name>Proven Python</name></author>
{entries}</feed>
"""
ENTRY = """<entry>
<title>{title}</title>
<id>{link}#{kind}-{day}</id>
<link href="{link}"/>
<updated>{day}T00:00:00Z</updated>
<content type="html">{content}</content>
</entry>
"""


def feed_xml(source: Material) -> Iterable[tuple[str, str]]:
    """Write the Atom feed: an entry a change, and one for what a chapter published.

    Args:
        source: What exports are made of.

    Yields:
        The one file.
    """
    project = source.project
    found = changes(project)
    entries: list[str] = []
    for day, of_day in groupby(found, lambda change: change.day):
        listed = list(of_day)
        entries += [_changed(source, each) for each in listed if each.what]
        for chapter, rules in published(listed).items():
            said = f"{count(len(rules), 'rule')} published"
            items = "".join(
                f'<li><a href="{_address(source, rule)}">{message(rule.title)}</a></li>'
                for rule in rules
            )
            entries.append(
                ENTRY.format(
                    title=html.escape(f"{project.heading(chapter)}: {said}"),
                    link=f"{html.escape(source.address)}{chapter}/",
                    kind="published",
                    day=day,
                    content=html.escape(f"<ul>{items}</ul>"),
                )
            )
    feed = FEED.format(
        address=html.escape(source.address),
        updated=found[0].day if found else NEVER,
        entries="".join(entries),
    )
    yield "feed.xml", feed


def _changed(source: Material, change: Change) -> str:
    rule = change.rule
    return ENTRY.format(
        title=html.escape(f"{rule.id}: {rule.title.replace('`', '')}"),
        link=_address(source, rule),
        kind="changed",
        day=change.day,
        content=html.escape(f"<p>{message(change.what)}</p>"),
    )


def _address(source: Material, rule: Rule) -> str:
    return html.escape(source.address + rule.address)
