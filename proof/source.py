"""What is written in a snippet besides code: expectations, regions, examples."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import override

from proof.faults import Fault
from proof.ledger import Revealed

TOOLS = ("ruff", "mypy", "pyright", "test")
FORMAT = "format"  # the code that stands for `ruff format` in `ruff[format]`

EXPECTED = re.compile(rf"({'|'.join(TOOLS)})\[([\w-]+)\](?: x([2-9]))?(?:\s+|$)")
ALMOST = re.compile(r"#\s*expect(s|ed)?\s*:", re.IGNORECASE)
SWITCH = re.compile(r"#\s*(mypy|ruff|flake8)\s*:|#\s*pyright\s*:(?!\s*ignore)")
SILENT = re.compile(r"#\s*(noqa|(type|pyright)\s*:\s*ignore)", re.IGNORECASE)
ONE_CODE = re.compile(
    r"# (noqa: [A-Z]+[0-9]+|(type|pyright): ignore\[[\w-]+\])(?=\s|$)"
)
REVEALS = re.compile(r"# (?:(mypy|pyright) )?reveals: (\S.*)")
ALMOST_REVEALS = re.compile(r"#\s*(mypy|pyright)?\s*reveals?\s*:", re.IGNORECASE)
CHECKERS = ("mypy", "pyright")
MARKER = re.compile(r"^\s*# --8<-- \[(start|end):([\w-]+)\]$")


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


def is_comment_of_ours(line: str) -> bool:
    """Tell whether a line is an expectation or a region's marker: never shown."""
    comment = line.strip()
    return (
        bool(MARKER.match(line))
        or comment.startswith("# expect:")
        or bool(REVEALS.fullmatch(comment))
    )


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
    lines = text.splitlines()
    for at, line in enumerate(lines, start=1):
        if not ALMOST.search(line):
            continue
        about = _line_below(lines, at)
        if not line.strip().startswith("# expect:"):
            message = "write `# expect: ` on a line of its own, above the line it means"
            faults.append(Fault(path, at, message))
            continue
        if about is None:
            faults.append(Fault(path, at, "no line follows this expectation"))
            continue
        rest = line.strip().removeprefix("# expect:").strip()
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


def reveals(path: str, text: str) -> tuple[list[Revealed], list[Fault]]:
    """Read what the checkers must infer where a snippet calls ``reveal_type``.

    Args:
        path: Where the text is from.
        text: The module's text.

    Returns:
        The type that each checker must reveal, and what is wrong in the writing.
    """
    found: list[Revealed] = []
    faults: list[Fault] = []
    lines = text.splitlines()
    for at, line in enumerate(lines, start=1):
        if not ALMOST_REVEALS.search(line):
            continue
        match = REVEALS.fullmatch(line.strip())
        about = _line_below(lines, at)
        if match is None or about is None:
            message = "write `# reveals: TYPE` on a line of its own, above reveal_type"
            faults.append(Fault(path, at, message))
            continue
        tools = (match[1],) if match[1] else CHECKERS
        found += [Revealed(path=path, line=about, tool=t, type=match[2]) for t in tools]
    return found, faults


def asserted(text: str) -> list[int]:
    """List the lines on which a module asserts a type: both checkers accepted it.

    Args:
        text: The module's text, valid Python.

    Returns:
        The last line of each call of ``assert_type``.
    """
    return sorted(
        node.end_lineno or node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "assert_type"
    )


def ends(text: str) -> dict[int, int]:
    """Tell where each statement ends, or the head of one that holds others.

    Args:
        text: The module's text, valid Python.

    Returns:
        The last line, by the first one.
    """
    lines = text.splitlines()
    found: dict[int, int] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt):
            continue
        end = node.end_lineno or node.lineno
        held: list[ast.stmt] = getattr(node, "body", [])
        if isinstance(node, ast.Match):
            end = node.cases[0].pattern.lineno - 1
        elif held:
            decorators: list[ast.expr] = getattr(held[0], "decorator_list", [])
            end = min([held[0].lineno, *(each.lineno for each in decorators)]) - 1
        while end > node.lineno and lines[end - 1].strip()[:1] in {"", "#"}:
            end -= 1
        found[node.lineno] = max(end, node.lineno)
    return found


def _line_below(lines: list[str], at: int) -> int | None:
    for number in range(at + 1, len(lines) + 1):
        if not is_comment_of_ours(lines[number - 1]):
            return number
    return None


def silenced(path: str, text: str) -> list[Fault]:
    """Refuse what silences a tool for more than one code, or without a reason.

    Args:
        path: Where the text is from, for the faults.
        text: Python that a page shows.

    Returns:
        The faults.
    """
    faults: list[Fault] = []
    for at, line in enumerate(text.splitlines(), start=1):
        if SWITCH.search(line):
            faults.append(Fault(path, at, "this silences a tool for the whole file"))
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
    for at, line in enumerate(text.splitlines(), start=1):
        if not (match := MARKER.match(line)):
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
    whole = text.splitlines(keepends=True)
    first, last = lines or (1, len(whole))
    kept = "".join(
        line for line in whole[first - 1 : last] if not is_comment_of_ours(line)
    )
    return dedent(kept).strip("\n") + "\n" if lines else kept


@dataclass(frozen=True, slots=True)
class DocExample:
    """The sessions of one docstring.

    Attributes:
        line: The line of its first prompt.
        code: The statements alone, one line of code a line of source.
        lines: For each line of code, its line in the file.
        sessions: The texts as documentation shows them, prompts and output included.
    """

    line: int
    code: str
    lines: tuple[int, ...]
    sessions: tuple[str, ...]


def docstring_examples(text: str) -> Iterator[DocExample]:
    """Find the ``>>>`` sessions in a module's docstrings.

    Args:
        text: The module's text, valid Python.

    Yields:
        One example for each docstring that has a session.
    """
    source = text.splitlines()
    for first, last in docstring_spans(text):
        lines = list(range(first, last + 1))
        prompts = [
            at for at in lines if source[at - 1].lstrip().startswith((">>>", "..."))
        ]
        if not prompts:
            continue
        code = "".join(source[at - 1].lstrip()[4:] + "\n" for at in prompts)
        sessions: list[str] = []
        block: list[str] = []
        for at in [*lines, last + 1]:
            line = source[at - 1].strip() if at <= last else ""
            if line in ("", '"""'):
                if block:
                    sessions.append(dedent("\n".join(block)))
                block = []
            elif block or line.startswith(">>>"):
                block.append(source[at - 1])
        yield DocExample(prompts[0], code, tuple(prompts), tuple(sessions))


def docstring_spans(text: str) -> Iterator[tuple[int, int]]:
    """Find where a module's docstrings are.

    Args:
        text: The module's text, valid Python.

    Yields:
        The first and last line of each.
    """
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            first = node.body[0]
            yield first.lineno, first.end_lineno or first.lineno


@dataclass(frozen=True, slots=True)
class Parts:
    """A test file, cut into its parts.

    Attributes:
        tests: Each test function's name, and its text with decorators.
        helpers: What is left, if that is more than imports: what the tests lean on.
    """

    tests: dict[str, str]
    helpers: str


def cut(text: str) -> Parts:
    """Cut a test file into its tests and what they lean on.

    Args:
        text: The test file's text, valid Python.

    Returns:
        The parts; together they hold every line.
    """
    lines = text.splitlines(keepends=True)
    tests: dict[str, str] = {}
    leaned_on = False
    for node in reversed(ast.parse(text).body):
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef
        ) and node.name.startswith("test_"):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            tests[node.name] = "".join(lines[first - 1 : node.end_lineno])
            del lines[first - 1 : node.end_lineno]
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            leaned_on = True
    rest = re.sub(r"\n{4,}", "\n\n\n", "".join(lines))
    return Parts(dict(reversed(tests.items())), rest if leaned_on else "")
