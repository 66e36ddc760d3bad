"""The sessions in a module's docstrings."""

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

from proof.faults import Fault
from proof.sources.code import of_kind

FENCED = re.compile(r"```|~~~|<(pre|textarea|listing|plaintext|xmp)\b", re.IGNORECASE)
LITERAL = re.compile(r"::\s*$|^\s*\.\. [\w-]+::")
EXAMPLE = re.compile(r"\s*(Examples?|Usage):\s*")
AT_LINE = re.compile(r"line (\d+) of the docstring")  # in what doctest says
OPTION = re.compile(r"#\s*doctest\s*:", re.IGNORECASE)
PROMPT = re.compile(r"\s*(#+\s*)?>>>")
ODD = re.compile(r"doctest|```|~~~|<|::|\.\. |>>>")  # that which is looked at closely


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
    if ">>>" not in text:
        return
    source = text.split("\n")
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
    for constant in _docstrings(text):
        yield constant.lineno, constant.end_lineno or constant.lineno


def _docstrings(text: str) -> Iterator[ast.Constant]:
    documented: list[
        ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ] = [
        *of_kind(text, ast.Module),
        *of_kind(text, ast.ClassDef),
        *of_kind(text, ast.FunctionDef),
        *of_kind(text, ast.AsyncFunctionDef),
    ]
    for node in documented:
        if (
            node.body
            and isinstance(first := node.body[0], ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            yield first.value


def steps(text: str) -> set[int]:
    """Find the steps that doctest makes of a module's sessions.

    Args:
        text: The module's text, valid Python.

    Returns:
        The line of each prompt that begins a statement, from 1.
    """
    if ">>>" not in text:
        return set()
    source = text.split("\n")
    return {
        at
        for first, last in docstring_spans(text)
        for at in range(first, last + 1)
        if source[at - 1].lstrip().startswith(">>> ")
    }


def session_faults(path: str, text: str) -> Iterator[Fault]:
    """Refuse what looks like a session or an example, but is run by nobody.

    Args:
        path: The module.
        text: Its text, valid Python.

    Yields:
        The faults.
    """
    inside = dict.fromkeys(
        at for first, last in docstring_spans(text) for at in range(first, last + 1)
    )
    lines = text.split("\n") if ODD.search(text) else []
    for at, line in enumerate(lines, start=1):
        if OPTION.search(line):
            message = "no session leaves a comparison out: remove `# doctest:`"
            yield Fault(path, at, message)
        if PROMPT.match(line) and at not in inside:
            message = "nobody runs a session here: it belongs into the docstring of a"
            yield Fault(path, at, f"{message} module, class or function")
        elif at in inside and FENCED.search(line):
            message = "nobody runs a block in a docstring: write a `>>>` session"
            yield Fault(path, at, message)
        elif at in inside and LITERAL.search(line):
            message = "nobody runs what follows `::`: write a `>>>` session"
            yield Fault(path, at, message)
    for example in docstring_examples(text):
        try:
            ast.parse(example.code)
        except SyntaxError as error:
            at = example.lines[min(error.lineno or 1, len(example.lines)) - 1]
            yield Fault(path, at, f"not Python: {error.msg}")
    for constant in _docstrings(text):
        yield from _of_docstring(path, constant)


def _of_docstring(path: str, docstring: ast.Constant) -> Iterator[Fault]:
    """Hold an Example to a session, and what looks like a prompt to doctest."""
    text = str(docstring.value)
    lines = text.split("\n")
    try:
        seen = {each.lineno for each in doctest.DocTestParser().get_examples(text)}
    except ValueError as error:
        at = docstring.lineno + int(AT_LINE.findall(str(error))[0]) - 1
        said = str(error).partition("<string> ")[2]
        yield Fault(path, at, f"doctest can't read this: {said}")
        return
    for at, line in enumerate(lines):
        if EXAMPLE.fullmatch(line):
            rest = _section(lines, at)
            if not any(each.lstrip().startswith(">>>") for each in rest):
                message = "nobody runs this example: write a `>>>` session"
                yield Fault(path, docstring.lineno + at, message)
        if line.lstrip().startswith(">>>") and at not in seen:
            message = "doctest does not see this step: begin it on a line of its own"
            yield Fault(path, docstring.lineno + at, message)


def _section(lines: list[str], at: int) -> list[str]:
    """Give the lines of a section: all that are indented more than its head."""
    indent = len(lines[at]) - len(lines[at].lstrip())
    found: list[str] = []
    for line in lines[at + 1 :]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        found.append(line)
    return found
