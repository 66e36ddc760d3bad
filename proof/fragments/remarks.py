"""Says below the lines of a module what tools and tests say of them."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from proof.sources.code import lines_of, nodes_of
from proof.sources.comments import ours


def asserted(text: str) -> list[int]:
    """List the lines on which a module asserts a type: both checkers accepted it.

    Args:
        text: The module's text, valid Python.

    Returns:
        The last line of each call of ``assert_type``.
    """
    return sorted(
        node.end_lineno or node.lineno
        for node in nodes_of(text)
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
    lines = text.split("\n")
    found: dict[int, int] = {}
    for node in nodes_of(text):
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


def pieces(
    text: str, remarks: dict[int, list[str]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Cut what is shown of a module below each line with remarks; give both.

    What is said of a line that begins a statement stands below its end.
    """
    last = ends(text)
    below: defaultdict[int, list[str]] = defaultdict(list)
    for at, said in sorted(remarks.items()):
        below[last.get(at, at)] += said
    piece: list[str] = []
    hidden = ours(text)
    for at, line in enumerate(lines_of(text), start=1):
        if at in hidden:
            continue
        piece.append(line)
        if at in below:
            yield piece, below[at]
            piece = []
    if "".join(piece).strip():
        yield piece, []
