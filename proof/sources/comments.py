"""What is written in a snippet for the machinery: expectations and regions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent
from typing import override

from proof.faults import Fault
from proof.sources.code import KEPT, comments_of

TOOLS = ("ruff", "mypy", "pyright", "test")
FORMAT = "format"  # the code that stands for `ruff format` in `ruff[format]`
EXPECTED = re.compile(rf"({'|'.join(TOOLS)})\[([\w-]+)\](?: x([2-9]))?(?:\s+|$)")
ALMOST = re.compile(
    rf"#\s*expect(s|ed|ation)?\s*:|#.*\b({'|'.join(TOOLS)})\[[\w-]+\]", re.IGNORECASE
)
SWITCH = re.compile(
    r"#\s*(mypy|ruff|flake8|isort|fmt|yapf)\s*:|#\s*pyright\s*:(?!\s*ignore)"
    r"|@(typing\.)?no_type_check\b"
)
SILENT = re.compile(r"#\s*(noqa|(type|pyright)\s*:\s*ignore)", re.IGNORECASE)
ONE_CODE = re.compile(
    r"# (noqa: [A-Z]+[0-9]+|(type|pyright): ignore\[[\w-]+\])(?=\s|$)"
)
REVEALS = re.compile(r"# (?:(mypy|pyright) )?reveals: (\S.*)")
ALMOST_REVEALS = re.compile(r"#\s*(mypy|pyright)?\s*reveals?\s*:", re.IGNORECASE)
CHECKERS = ("mypy", "pyright")
MARKER = re.compile(r"# --8<-- \[(start|end):([\w-]+)\]")


@dataclass(frozen=True, order=True, slots=True)
class Expectation:
    """What a tool must report, or a test must show, at a line.

    Attributes:
        line: The line it is about, from 1.
        tool: ruff, mypy, pyright or test.
        code: The tool's code; a test's name without ``test_``.
        count: How often it must be reported there.
    """

    line: int
    tool: str
    code: str
    count: int = 1

    @override
    def __str__(self) -> str:
        return f"{self.tool}[{self.code}]{f' x{self.count}' if self.count > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Reveal:
    """What a type checker must infer at a line.

    Attributes:
        path: The file, relative to the root.
        line: The line, from 1.
        tool: mypy or pyright.
        type: In the tool's own words, less the names of modules.
    """

    path: str
    line: int
    tool: str
    type: str


@lru_cache(KEPT)
def ours(text: str) -> frozenset[int]:
    """Find the lines that are an expectation or a region's marker: never shown.

    Args:
        text: A file's text.

    Returns:
        The lines, from 1. What only looks like one, within a string, is none.
    """
    return frozenset(
        at
        for at, line, comment in _comments(text)
        if line == comment
        and (
            MARKER.fullmatch(comment)
            or comment.startswith("# expect:")
            or REVEALS.fullmatch(comment)
        )
    )


def _comments(text: str) -> Iterator[tuple[int, str, str]]:
    """Give each comment with its line's number and text."""
    if "#" in text:
        lines = text.split("\n")
        for at, comment in comments_of(text).items():
            yield at, lines[at - 1].strip(), comment


def expectations(path: str, text: str) -> tuple[list[Expectation], list[Fault]]:
    """Read the ``# expect:`` lines of a counterexample.

    Args:
        path: Where the text is from, for the faults.
        text: The module's text.

    Returns:
        The expectations, and what is wrong with how they are written.
    """
    found: list[Expectation] = []
    faults: list[Fault] = []
    if not ALMOST.search(text):
        return found, faults
    for at, line, comment in _comments(text):
        if not ALMOST.search(comment):
            continue
        about = _line_below(text, at)
        if not line.startswith("# expect:"):
            message = "write `# expect: ` on a line of its own, above the line it means"
            faults.append(Fault(path, at, message))
            continue
        if about is None:
            faults.append(Fault(path, at, "no line follows this expectation"))
            continue
        rest = line.removeprefix("# expect:").strip()
        if not rest:
            faults.append(Fault(path, at, "names nothing: write tool[code]"))
        while match := EXPECTED.match(rest):
            tool, code, count = match.groups()
            whole_file = (tool, code) == ("ruff", FORMAT)
            found.append(
                Expectation(1 if whole_file else about, tool, code, int(count or 1))
            )
            rest = rest[match.end() :]
        if rest:
            message = (
                f"can't read {rest!r}: write tool[code] or tool[code] x2, tools being "
                f"{', '.join(TOOLS)}"
            )
            faults.append(Fault(path, at, message))
    return found, faults


def reveals(path: str, text: str) -> tuple[list[Reveal], list[Fault]]:
    """Read what the checkers must infer where a snippet calls ``reveal_type``.

    Args:
        path: Where the text is from.
        text: The module's text.

    Returns:
        The type that each checker must reveal, and what is wrong in the writing.
    """
    found: list[Reveal] = []
    faults: list[Fault] = []
    if not ALMOST_REVEALS.search(text):
        return found, faults
    for at, line, comment in _comments(text):
        if not ALMOST_REVEALS.search(comment):
            continue
        match = REVEALS.fullmatch(line)
        about = _line_below(text, at)
        if match is None or about is None:
            message = "write `# reveals: TYPE` on a line of its own, above reveal_type"
            faults.append(Fault(path, at, message))
            continue
        tools = (match[1],) if match[1] else CHECKERS
        found += [Reveal(path=path, line=about, tool=t, type=match[2]) for t in tools]
    return found, faults


def _line_below(text: str, at: int) -> int | None:
    below = (n for n in range(at + 1, text.count("\n") + 1) if n not in ours(text))
    return next(below, None)


def silenced(path: str, text: str) -> list[Fault]:
    """Refuse what silences a tool for more than one code, or without a reason.

    Args:
        path: Where the text is from, for the faults.
        text: Python that a page shows.

    Returns:
        The faults.
    """
    faults: list[Fault] = []
    if not (SWITCH.search(text) or SILENT.search(text)):
        return faults
    for at, line in enumerate(text.split("\n"), start=1):
        if SWITCH.search(line):
            faults.append(
                Fault(path, at, "this silences a tool for more than one code")
            )
        if not (first := SILENT.search(line)):
            continue
        rest = ONE_CODE.sub("", line[first.start() :])
        if SILENT.search(rest):
            message = "an ignore names one code: `# noqa: B006`, `# type: ignore[misc]`"
            faults.append(Fault(path, at, message))
        elif not re.search(r"\w{2}", rest):
            faults.append(Fault(path, at, "say behind this ignore why it must be"))
    return faults


def regions(path: str, text: str) -> tuple[dict[str, tuple[int, int]], list[Fault]]:
    """Find the marked regions of a file.

    Args:
        path: Where the text is from, for the faults.
        text: The file's text.

    Returns:
        The first and last line of each region, markers apart, and what is wrong.
    """
    started: dict[str, int] = {}
    found: dict[str, tuple[int, int]] = {}
    faults: list[Fault] = []
    if "--8<--" not in text:
        return found, faults
    hidden = ours(text)
    for at, line in enumerate(text.split("\n"), start=1):
        match = MARKER.fullmatch(line.strip()) if at in hidden else None
        if match is None:
            if "--8<--" in line:
                message = (
                    "not a region's marker: write `# --8<-- [start:name]` on its own"
                )
                faults.append(Fault(path, at, message))
            continue
        edge, name = match.groups()
        if edge == "start" and (name in started or name in found):
            faults.append(Fault(path, at, f"region {name!r} starts twice"))
        elif edge == "start":
            started[name] = at
        elif name not in started:
            faults.append(Fault(path, at, f"region {name!r} ends without a start"))
        else:
            found[name] = (started.pop(name) + 1, at - 1)
            if not shown(text, found[name]).strip():
                faults.append(Fault(path, at, f"region {name!r} holds nothing"))
    faults += [
        Fault(path, at, f"region {name!r} has no end: add `# --8<-- [end:{name}]`")
        for name, at in started.items()
    ]
    return found, faults


def shown(text: str, lines: tuple[int, int] | None = None) -> str:
    """Give a file's text as a page shows it: all but our comments, byte for byte.

    Args:
        text: The file's text.
        lines: The first and last line to show; all if ``None``.

    Returns:
        The text, dedented where only a part is shown.
    """
    whole = text.split("\n")
    first, last = lines or (1, len(whole))
    hidden = ours(text)
    kept = "\n".join(
        line
        for at, line in enumerate(whole[first - 1 : last], start=first)
        if at not in hidden
    )
    return dedent(kept).strip("\n") + "\n" if lines else kept
