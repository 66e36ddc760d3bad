"""Who may use whose code: what isn't imported can't change a verdict unnoticed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from proof.faults import Fault
from proof.sources.code import of_kind
from proof.sources.project import Project, Subject

NAMED = re.compile(r"snippets([./]\w+)+(:\w+)?")
OURS = ("tests/*.py", "tests/proof/**/*.py")


def import_faults(project: Project) -> Iterator[Fault]:
    """Let a test use its own rule's snippets, and a snippet only what it brings along.

    Args:
        project: The project.

    Yields:
        A fault for each import of anything else that the project holds.
    """
    for subject in project.subjects:
        yield from _of_test(project, subject)
        types = project.types(subject)
        for path in project.snippets(subject):
            package = next(
                (f"{m}/" for m in _modules(subject) if path.startswith(f"{m}/")), "-"
            )
            for at, name in imported(project, path):
                ours = any(
                    _within(name, each) for each in ("snippets", "tests", "proof")
                )
                own = path in types and _within(name, subject.module)
                if ours and not own and not _within(name, package.strip("/")):
                    message = f"imports {name}: a snippet is copied alone"
                    yield Fault(path, at, message)
    for path in project.files(*OURS):
        if "snippets" not in project.read(path):
            continue
        for at, name in imported(project, path):
            if _within(name, "snippets"):
                message = f"imports {name}: only a rule's own test uses its snippets"
                yield Fault(path, at, message)


def _of_test(project: Project, subject: Subject) -> Iterator[Fault]:
    path = subject.tests
    for at, name in [*imported(project, path), *_named(project, path)]:
        own = any(_within(name, module) for module in _modules(subject))
        if _within(name, "snippets") and not own:
            message = f"imports {name}: a test imports its own rule's snippets"
            yield Fault(path, at, message)
        if _within(name, "tests") and "conftest" not in name.split("."):
            message = f"imports {name}: what tests share stands in a conftest.py"
            yield Fault(path, at, message)


def _modules(subject: Subject) -> tuple[str, ...]:
    module = subject.module
    return module, f"{module}_types", f"{module}_avoid"


def _within(name: str, path: str) -> bool:
    package = path.replace("/", ".")
    return name == package or name.startswith(f"{package}.")


def imported(project: Project, path: str) -> Iterator[tuple[int, str]]:
    """Find what a module imports.

    Args:
        project: The project.
        path: The module.

    Yields:
        The line of each import, and the full name of what it imports.
    """
    for whole in _nodes(project, path, ast.Import):
        yield from ((whole.lineno, name.name) for name in whole.names)
    for node in _nodes(project, path, ast.ImportFrom):
        parts = Path(path).parent.parts
        base = parts[: len(parts) + 1 - node.level] if node.level else ()
        module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
        yield from ((node.lineno, f"{module}.{name.name}") for name in node.names)


def _named(project: Project, path: str) -> Iterator[tuple[int, str]]:
    """Find the modules that a test names in a string, as for ``untyped``."""
    for node in _nodes(project, path, ast.Constant):
        if NAMED.fullmatch(str(node.value)):
            yield node.lineno, str(node.value).replace("/", ".")


def _nodes[Node: ast.AST](project: Project, path: str, kind: type[Node]) -> list[Node]:
    try:
        return of_kind(project.read(path), kind)
    except (FileNotFoundError, SyntaxError):
        return []  # told by the other checks
