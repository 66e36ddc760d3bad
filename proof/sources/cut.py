"""Cuts a test file into its tests and what they lean on."""

import ast
import re
from dataclasses import dataclass

from proof.sources.code import lines_of, tree_of


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
    lines = lines_of(text)
    tests: dict[str, str] = {}
    leaned_on = False
    for node in reversed(tree_of(text).body):
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
