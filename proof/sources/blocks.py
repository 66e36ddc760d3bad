"""Code that stands in prose: where it is, and what may stand there."""

import ast
import contextlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import yaml

from proof.faults import Fault
from proof.sources.code import comments_of, nodes_of, tree_of
from proof.sources.comments import regions, shown, silenced
from proof.sources.console import check_console
from proof.sources.docstrings import docstring_spans
from proof.sources.project import Project

PROSE = ("README.md", "docs/**/*.md")
FENCE = re.compile(
    r"^(?P<before>[\s>]*(?:[-*+]\s+|\d+[.)]\s+)*)(?P<fence>`{3,}|~{3,})(?P<info>.*)$"
)
ARROW = re.compile(r"#\s*(-+>|=+>|→|⇒|>>>|[Pp]rints?:|[Oo]utput:)")
INCLUDE = re.compile(r"^(?P<before>\s*)(?P<mark>;*)-{1,}8<-{1,}(?P<rest>.*)$")


STATEMENTS = (
    *(ast.Assign, ast.AugAssign, ast.ClassDef, ast.For, ast.FunctionDef, ast.Import),
    *(ast.AsyncFunctionDef, ast.ImportFrom, ast.Raise, ast.Return, ast.Try, ast.With),
)


def _parse_json(text: str) -> None:
    _check_data(json.loads(text))


def _parse_toml(text: str) -> None:
    if not tomllib.loads(text):
        message = "nothing is set here"
        raise ValueError(message)


def _parse_yaml(text: str) -> None:
    _check_data(yaml.safe_load(text))
    with contextlib.suppress(SyntaxError):
        if any(isinstance(each, STATEMENTS) for each in nodes_of(text)):
            message = "this is Python"
            raise ValueError(message)


def _check_data(value: object) -> None:
    if not isinstance(value, dict | list):
        message = f"nothing but a {type(value).__name__}: is it in another language?"
        raise ValueError(message)  # noqa: TRY004 - of a text, not of a caller's argument


PARSERS: dict[str, Callable[[str], object]] = {
    "console": check_console,
    "json": _parse_json,
    "toml": _parse_toml,
    "yaml": _parse_yaml,
}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page, as it is written.

    Attributes:
        path: The page.
        line: The line of its opening fence, from 1.
        before: What stands before the fence: indentation, a quote, a list's mark.
            None of it is part of the text.
        fence: The fence itself.
        info: What stands behind the fence: the language and options.
        text: The block's text.
        closed: Whether a closing fence follows.
    """

    path: str
    line: int
    before: str
    fence: str
    info: str
    text: str
    closed: bool

    @property
    def language(self) -> str:
        """The language it says it is in."""
        return self.info.strip().partition(" ")[0]

    @property
    def is_python(self) -> bool:
        """Whether it is spelled in the one way in which Python is run."""
        return (self.before, self.fence, self.info) == ("", "```", "python")


def blocks(path: str, text: str) -> Iterator[Block]:
    """Find every fenced block, however it is spelled.

    Args:
        path: The page.
        text: Its text.

    Yields:
        The blocks in order. Nothing inside of one counts as another.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        fence = opening["fence"]
        closing = re.compile(rf"^[\s>]*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
        end = next(
            (n for n in range(at + 1, len(lines)) if closing.match(lines[n])), None
        )
        before = re.compile(rf"[\s>]{{0,{len(opening['before'])}}}")
        body = [before.sub("", line, count=1) for line in lines[at + 1 : end]]
        yield Block(
            path,
            at + 1,
            opening["before"],
            fence,
            opening["info"],
            "".join(f"{line}\n" for line in body),
            closed=end is not None,
        )
        at = len(lines) if end is None else end + 1


def python_blocks(project: Project) -> list[Block]:
    """List the Python blocks of all prose: they are linted, typed and run."""
    return [
        block
        for path in project.files(*PROSE)
        for block in blocks(path, project.read(path))
        if block.is_python
    ]


def included(line: str) -> tuple[str, str | None] | None:
    """Read an include of pymdownx.snippets.

    Args:
        line: A line of a page.

    Returns:
        The file and its region, or ``None`` where the line includes nothing.
    """
    match = INCLUDE.match(line)
    if not match or match["mark"]:
        return None
    name = match["rest"].strip().strip("\"'")
    path, _, region = name.partition(":")
    return path, region or None


def block_faults(project: Project, block: Block) -> list[Fault]:
    """Say what is wrong with a block, all but whether its code is right.

    Args:
        project: The project.
        block: Any block of a page.

    Returns:
        The faults, none where the block may stand.
    """
    at = (block.path, block.line)
    language = block.language
    if not block.closed:
        return [Fault(*at, f"the fence {block.fence!r} is not closed")]
    if block.is_python:
        return _python_faults(block)
    if language not in PARSERS or block.before.strip(" >"):
        message = (
            f"nobody runs a block spelled {block.before + block.fence + block.info!r}: "
            "write ```python at the start of a line, include a fragment of a rule, "
            f"or use one of {', '.join(PARSERS)}"
        )
        return [Fault(*at, message)]
    text, faults = _resolved(project, block)
    if faults:
        return faults
    try:
        PARSERS[language](text)
    except (ValueError, yaml.YAMLError) as error:
        return [Fault(*at, f"not valid {language}: {error}")]
    return _highlight_faults(block, len(text.splitlines()))


def block_text(project: Project, block: Block) -> str:
    """Give the text that a page shows for a block without faults."""
    return block.text if block.is_python else _resolved(project, block)[0]


def _python_faults(block: Block) -> list[Fault]:
    """Say what is wrong with a Python block before a tool has read it."""
    for at, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.lstrip().startswith(">>>"):
            message = "a session belongs in a docstring; show output by `#> ` comments"
            return [Fault(block.path, at, message)]
        if included(line):
            message = "nothing is included here: include a fragment of a rule instead"
            return [Fault(block.path, at, message)]
    try:
        tree = tree_of(block.text)
    except SyntaxError as error:
        at = block.line + (error.lineno or 0)
        return [Fault(block.path, at, f"not Python: {error.msg}")]
    if not tree.body:
        return [Fault(block.path, block.line, "this block runs nothing")]
    if faults := silenced(block.path, block.text):
        return [replace(each, line=block.line + each.line) for each in faults]
    return [
        Fault(block.path, block.line + at, message)
        for at, message in sorted({*_typed_output(block.text), *_idle(block.text)})
    ]


def _typed_output(text: str) -> Iterator[tuple[int, str]]:
    """Find what looks like output, but that nothing printed."""
    message = "show output by `#> ` comments"
    documented = {first for first, _ in docstring_spans(text)}
    for node in nodes_of(text):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=at):
                if at not in documented:
                    yield at, message
            case _:
                pass
    for at, comment in comments_of(text).items():
        if ARROW.match(comment):
            yield at, message


def _idle(text: str) -> Iterator[tuple[int, str]]:
    """Find the functions that a block defines and does not use."""
    used = {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in nodes_of(text)
        if isinstance(each, ast.Name | ast.Attribute)
    }
    for node in nodes_of(text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            special = node.name.startswith("__") and node.name.endswith("__")
            if node.name not in used and not special:
                yield node.lineno, f"nothing here uses {node.name}: nobody runs it"


def _resolved(project: Project, block: Block) -> tuple[str, list[Fault]]:
    """Give the block's text with the files in it that it includes."""
    lines: list[str] = []
    for at, line in enumerate(block.text.splitlines(), start=block.line + 1):
        include = included(line)
        if include is None:
            lines.append(line)
            continue
        path, region = include
        if not (project.root / path).is_file():
            return "", [Fault(block.path, at, f"there is no file {path}")]
        text = project.read(path)
        found, faults = regions(path, text)
        if faults or (region and region not in found):
            has = ", ".join(found) or "none"
            missing = Fault(block.path, at, f"{path} has no region {region!r} ({has})")
            return "", faults or [missing]
        lines += shown(text, found[region] if region else None).splitlines()
    return "".join(f"{line}\n" for line in lines), []


def _highlight_faults(block: Block, lines: int) -> list[Fault]:
    match = re.search(r"hl_lines=[\"']([^\"']*)[\"']", block.info)
    asked = [int(each) for each in re.findall(r"\d+", match[1])] if match else []
    return [
        Fault(
            block.path, block.line, f"line {each} is highlighted, but there are {lines}"
        )
        for each in asked
        if not 1 <= each <= lines
    ]
