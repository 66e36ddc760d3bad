"""The sessions in a module's docstrings."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent


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
