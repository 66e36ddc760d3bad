"""Tells what changed in substance: on each rule's page, and of all on one page."""

from collections.abc import Iterable
from itertools import groupby

from proof.fragments.markup import count
from proof.sources.changes import Change
from proof.sources.project import Project, Rule


def told(change: Change) -> str:
    """Write on a rule's page, in Markdown, when it last changed and what."""
    day = f"[<time>{change.day}</time>](../changes.md#{change.day})"
    said = f"Changed {day}: {change.what}" if change.what else f"Published {day}."
    return f'<div class="history" markdown="span">{said}</div>\n'


def changelog(project: Project, found: Iterable[Change]) -> str:
    """Write the list of all changes in Markdown, for docs/changes.md.

    Args:
        project: The project.
        found: The changes, the newest first.

    Returns:
        A section a day.
    """
    lines: list[str] = []
    for day, of_day in groupby(found, lambda change: change.day):
        listed = list(of_day)
        lines += [f"## {day}", ""]
        lines += [f"- {_link(each.rule)}: {each.what}" for each in listed if each.what]
        for chapter, rules in published(listed).items():
            head = f"[{project.heading(chapter)}]({chapter}/index.md)"
            lines.append(f"- {head}, {count(len(rules), 'rule')} published:")
            lines += [f"    - {_link(rule)}" for rule in rules]
        lines.append("")
    return "\n".join(lines) or "Nothing is committed yet.\n"


def published(found: Iterable[Change]) -> dict[str, list[Rule]]:
    """Group the rules that were published by chapter.

    Args:
        found: Changes.

    Returns:
        The rules of each chapter, in reading order.
    """
    chapters: dict[str, list[Rule]] = {}
    for each in found:
        if not each.what:
            chapters.setdefault(each.rule.chapter, []).append(each.rule)
    return chapters


def _link(rule: Rule) -> str:
    return f"[{rule.title}]({rule.chapter}/{rule.name}.md)"
