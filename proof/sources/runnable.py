"""Which snippets run in a browser: their imports tell."""

import ast
import doctest
import sys
from collections.abc import Iterator

from proof.sources.code import nodes_of, tree_of
from proof.sources.project import Project, Subject

TESTS = "tests/test_browser.py"  # run every snippet that can be run
# What Python in a browser has besides the standard library: see pyodide.py.
PACKAGES = ("pydantic", "annotated-types", "typing-inspection", "typing-extensions")
# A browser's worker has no processes, threads, signals and sockets.
LACKING = {
    "concurrent",
    "ctypes",
    "fcntl",
    "ftplib",
    "http",
    "imaplib",
    "mmap",
    "multiprocessing",
    "poplib",
    "pty",
    "resource",
    "select",
    "selectors",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "termios",
    "threading",
    "tkinter",
    "venv",
    "wsgiref",
    "xmlrpc",
}
LACKING_PARTS = {"asyncio.subprocess", "logging.handlers", "urllib.request"}
LACKING_CALLS = {
    "add_reader",
    "add_signal_handler",
    "create_connection",
    "create_server",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "open_connection",
    "open_unix_connection",
    "run_in_executor",
    "start_server",
    "start_unix_server",
    "to_thread",
}


def module_of(subject: Subject) -> str:
    """Name the module that a snippet is in a browser: it shadows no other."""
    return subject.id.replace("-", "_")


def runnable(project: Project, subject: Subject) -> str | None:
    """Find the snippet of a rule or recipe that a browser can run.

    Args:
        project: The project.
        subject: The rule or recipe.

    Returns:
        The path of its one module; ``None`` if it has several, needs what a browser
        lacks, or has no example that would show anything.
    """
    paths = project.recommended(subject)
    if len(paths) != 1:
        return None
    module, *examples = _trees(project.read(paths[0]))
    return paths[0] if examples and all(map(_fits, [module, *examples])) else None


def case_of(name: str, digest: str) -> str:
    """Name the test case that runs a module: another one where its bytes are others."""
    return f"{name}-{digest[:16]}"


def _trees(text: str) -> Iterator[ast.Module]:
    """Parse a module, and each example of its docstrings."""
    yield tree_of(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes_of(text):
        if isinstance(node, documented) and (said := ast.get_docstring(node)):
            for example in doctest.DocTestParser().get_examples(said):
                yield ast.parse(example.source)


def _fits(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                fits = all(_has(each.name) for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                fits = all(_has(f"{module}.{each.name}") for each in names)
            case ast.ImportFrom():
                fits = False
            case ast.Attribute(attr=name) | ast.Name(id=name):
                fits = name not in LACKING_CALLS
            case _:
                continue
        if not fits:
            return False
    return True


def _has(name: str) -> bool:
    top, _, rest = name.partition(".")
    part = f"{top}.{rest.partition('.')[0]}"
    known = top in sys.stdlib_module_names or top.replace("_", "-") in PACKAGES
    lacks = top in LACKING or part in LACKING_PARTS or rest in LACKING_CALLS
    return known and not lacks
