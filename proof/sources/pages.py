"""Checks the prose: its blocks, its includes, and the form of a rule's page."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, repeat

import markdown
import yaml
from pydantic import TypeAdapter

from proof.faults import Fault
from proof.sources import includes
from proof.sources.blocks import PROSE, block_faults, blocks, included
from proof.sources.project import RULES, Project, Rule, Subject
from proof.sources.rendered import texts

SECTIONS = (
    "Do",
    "Avoid",
    "Why",
    "When not",
    "Before 3.13",
    "Proof",
    "References",
)
OPTIONAL = {"Avoid", "When not", "Before 3.13"}
PARAGRAPH = re.compile(r"[^\n]+(\n[^\n]+)*")
INLINE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
BROKEN = re.compile(r"`[^`\n]+`(  |\\|<br ?/?>)\n`")  # a line of code, then another
MIGHT_BE_CODE = re.compile(  # what Markdown may make a block of code of; else none is
    r"^[\s>]*(    |\t)|```|~~~|white-space"
    r"|<(code|embed|frame|iframe|kbd|listing|object|plaintext|pre|samp|textarea|tt|xmp)\b",
    re.IGNORECASE,
)
EXTENSIONS = TypeAdapter(list[str | dict[str, dict[str, object]]])


def page_faults(project: Project) -> Iterator[Fault]:
    """Find everything in prose that can be told wrong by reading alone.

    Args:
        project: The project.

    Yields:
        The faults of README.md and of all pages.
    """
    converter = _converter(project)
    rules = {rule.page: rule for rule in project.rules}
    subjects = {each.page: each for each in project.subjects}
    known = set(includes.names(project))
    for path in project.files(*PROSE):
        text = project.read(path)
        found = list(blocks(path, text))
        for block in found:
            yield from block_faults(project, block)
        inside = {
            at
            for block in found
            for at in range(block.line, block.line + block.text.count("\n") + 2)
        }
        outside = [
            (at, line)
            for at, line in enumerate(text.splitlines(), start=1)
            if at not in inside
        ]
        yield from _includes(path, outside, known)
        yield from _advice(path, outside, subjects.get(path))
        yield from _inline(path, outside)
        if path in rules:
            yield from _sections(rules[path], outside)
        if path in subjects:
            yield from _shows(project, subjects[path], outside)
        if any(MIGHT_BE_CODE.search(line) for _, line in outside):
            yield from _unfenced(path, text, converter)


def _includes(
    path: str, lines: list[tuple[int, str]], known: set[str]
) -> Iterator[Fault]:
    for at, line in lines:
        include = included(line)
        if include is None:
            continue
        name = include[0]
        if include[1] is not None or name not in known:
            folder = name.rpartition("/")[0]
            near = [each for each in sorted(known) if each.rpartition("/")[0] == folder]
            has = ", ".join(near) or f"none in {folder!r}"
            asked = name + (f":{include[1]}" if include[1] else "")
            yield Fault(path, at, f"there is no fragment {asked!r}; there are: {has}")


def _advice(
    path: str, lines: list[tuple[int, str]], subject: Subject | None
) -> Iterator[Fault]:
    """Refuse a counterexample where a reader takes it for advice, and the reverse."""
    head = ""
    for at, line in lines:
        if line.startswith("## "):
            head = line[3:].strip()
        name = (included(line) or ("",))[0]
        folder, _, fragment = name.removesuffix(".md").rpartition("/")
        if fragment not in {"avoid", "quoted", "do", "whole"}:
            continue
        wrong = fragment in {"avoid", "quoted"}
        if subject is None:
            if fragment == "avoid":
                message = f"write {folder}/quoted.md: here nothing else says Avoid"
                yield Fault(path, at, message)
        elif wrong and head != "Avoid":
            message = f"{name} shows what not to do: it stands below `## Avoid`"
            yield Fault(path, at, message)
        elif not wrong and head == "Avoid":
            message = f"{name} shows what to do: it stands below `## Do`"
            yield Fault(path, at, message)


def _inline(path: str, lines: list[tuple[int, str]]) -> Iterator[Fault]:
    """Refuse code in a sentence that is a block but for its fence."""
    text = "\n".join(line for _, line in lines)
    for paragraph in PARAGRAPH.finditer(text):
        for found in INLINE.finditer(paragraph[0]):
            broken = BROKEN.match(paragraph[0], found.start())
            if broken or found[2].count("\n") > 1:  # one may come of wrapping prose
                before = text.count("\n", 0, paragraph.start() + found.start())
                message = "code of several lines is run by nobody here; use ```python"
                yield Fault(path, lines[before][0], message)
                break


def _sections(rule: Rule, lines: list[tuple[int, str]]) -> Iterator[Fault]:
    """Hold a rule's page to its form: the same anchors on every page."""
    titles = [(at, line[2:].strip()) for at, line in lines if line.startswith("# ")]
    if [title for _, title in titles] != [rule.title]:
        at = titles[0][0] if titles else 1
        yield Fault(rule.page, at, f"the title is not that of {RULES}: {rule.title!r}")
    listed = ", ".join(SECTIONS)
    heads = [(at, line[3:].strip()) for at, line in lines if line.startswith("## ")]
    names = [name for _, name in heads]
    for at, name in heads:
        if name not in SECTIONS:
            message = f"no section is called {name!r}: {listed}"
            yield Fault(rule.page, at, message)
    known = [(at, name) for at, name in heads if name in SECTIONS]
    ordered = [name for name in SECTIONS if name in names]
    for (at, name), wanted in zip(known, chain(ordered, repeat("")), strict=False):
        if name != wanted:
            message = f"the sections stand in this order, each once: {listed}"
            yield Fault(rule.page, at, message)
            break
    for name in SECTIONS:
        if name not in names and name not in OPTIONAL:
            yield Fault(rule.page, 0, f"has no section {name!r}")


def _shows(
    project: Project, subject: Subject, lines: list[tuple[int, str]]
) -> Iterator[Fault]:
    """Hold the page of a rule or recipe to what it must show."""
    asked = {include[0] for _, line in lines if (include := included(line))}
    wanted = ["do", "proof"]
    if isinstance(subject, Rule):
        wanted.append("rule")
    if project.types(subject):
        wanted.append("types")
    if project.counterexamples(subject):
        wanted.append("avoid")
    if f"{subject.fragments}/whole.md" in asked:  # below the regions that it shows
        wanted.remove("do")
    for name in wanted:
        fragment = f"{subject.fragments}/{name}.md"
        if fragment not in asked:
            yield Fault(subject.page, 0, f'does not include --8<-- "{fragment}"')


def _converter(project: Project) -> markdown.Markdown:
    """Read Markdown as the site does, without its includes."""
    options = _extensions(project.read("mkdocs.yml"))
    return markdown.Markdown(extensions=list(options), extension_configs=options)


@cache
def _extensions(config: str) -> dict[str, dict[str, object]]:
    given = EXTENSIONS.validate_python(
        _Config(config).get_single_data()["markdown_extensions"]
    )
    options: dict[str, dict[str, object]] = {}
    for each in given:
        options |= {each: {}} if isinstance(each, str) else each
    del options["pymdownx.snippets"]
    return options


class _Config(yaml.SafeLoader):
    """Reads mkdocs.yml, in which ``!ENV`` stands for the environment."""


def _environment(_loader: yaml.SafeLoader, _node: yaml.Node) -> None: ...


_Config.add_constructor("!ENV", _environment)


def _unfenced(path: str, text: str, converter: markdown.Markdown) -> Iterator[Fault]:
    """Find the blocks that are code without a fence: indented ones, raw HTML."""
    own = "\n".join(line for line in text.splitlines() if included(line) is None)
    fenced = {block.text.strip("\n") for block in blocks(path, own)}
    converter.reset()
    for shown in texts(converter.convert(own)):
        if shown.strip("\n") in fenced:
            continue
        first = shown.strip().partition("\n")[0].strip()
        lines = enumerate(text.splitlines(), start=1)
        at = next((at for at, line in lines if first in line), 0)
        message = f"code without a fence is run by nobody: {first!r}; use ```python"
        yield Fault(path, at, message)
