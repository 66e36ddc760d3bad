"""Runs a snippet where a reader reads it: in the browser, by the Python of Pyodide.

The site serves this file as it is. It needs nothing but the standard library.
"""

import ast
import asyncio.events
import contextlib
import doctest
import io
import json
import linecache
import sys
import time
import traceback
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Never, override

USAGE = "usage"
MOST = 200_000  # characters of output; a page with more of it is slow
CUT = f"\n… cut: more than {MOST:,} characters\n"
type Write = Callable[[str], object]
type Raised = tuple[type[BaseException], BaseException, TracebackType]


class _Clock:
    """Waits for time to pass: nothing else can happen in a worker without sockets."""

    def select(self, timeout: float | None) -> list[Never]:
        """Sleep until the next timer is due."""
        if timeout is None:
            message = "every task waits for another: nothing can wake this program"
            raise RuntimeError(message)
        time.sleep(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """The event loop of asyncio, over a clock instead of a selector.

    Pyodide's own needs a browser that can switch stacks; this one runs in all of them.
    """

    def __init__(self) -> None:
        """Start with no task."""
        super().__init__()
        self._selector = _Clock()

    def _process_events(self, event_list: list[Never]) -> None:
        """Do nothing: no socket has events."""

    def _write_to_self(self) -> None:
        """Do nothing: no other thread has to wake this one."""


class _Lines(io.TextIOBase):
    """Hands on what is printed, line by line, up to a limit."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._line = ""
        self._left = MOST

    @override
    def write(self, text: str, /) -> int:
        self._line += text
        if "\n" in text:
            self.flush()
        return len(text)

    @override
    def flush(self) -> None:
        if self._line and self._left > 0:
            self._write(self._line[: self._left])
            self._left -= len(self._line)
            if self._left <= 0:
                self._write(CUT)
        self._line = ""


class _Session(doctest.DocTestRunner):
    """Shows the examples of docstrings as a session, with what each printed."""

    @override
    def report_start(
        self, out: Write, test: doctest.DocTest, example: doctest.Example
    ) -> None:
        first, *more = example.source.rstrip("\n").split("\n")
        out("\n".join([f">>> {first}", *(f"... {line}" for line in more)]) + "\n")

    @override
    def report_success(
        self, out: Write, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        out(got)

    @override
    def report_failure(
        self, out: Write, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        out(f"{got}# the docstring says:\n{example.want}")

    @override
    def report_unexpected_exception(
        self,
        out: Write,
        test: doctest.DocTest,
        example: doctest.Example,
        exc_info: Raised,
    ) -> None:
        out(_told(exc_info[1]))


def prepare() -> None:
    """Let asyncio run as everywhere else, in a fresh Pyodide."""
    asyncio.events._set_running_loop(None)  # noqa: SLF001 - Pyodide sets its own, which never ends
    setattr(asyncio.events, "new_event_loop", Loop)  # noqa: B010 - mypy refuses the assignment


def run(name: str, source: str, usage: str, write: Write) -> str:
    """Run a module, then the examples of its docstrings, or what a reader typed.

    Args:
        name: What the module is called.
        source: Its text.
        usage: What to run in its namespace instead of the examples; may be empty.
        write: Takes the output as it comes.

    Returns:
        What came of it, in JSON: how many examples ran, how many of them gave another
        result than the docstring's, and whether an exception ended it.
    """
    lines = _Lines(write)
    examples = failed = 0
    raised = False
    with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
        try:
            module = _module(name, source)
            if usage.strip():
                _use(vars(module), usage)
            else:
                examples, failed = _examples(module, lines.write)
        except BaseException as error:  # noqa: BLE001 - it is told to the reader
            raised = True
            lines.write(_told(error))
        lines.flush()
    return json.dumps({"examples": examples, "failed": failed, "raised": raised})


def _module(name: str, source: str) -> ModuleType:
    """Import a module from its text, as if from a file."""
    file = f"{name}.py"
    module = ModuleType(name)
    module.__file__ = file
    _remember(file, source)
    code = compile(source, file, "exec", dont_inherit=True)
    sys.modules[name] = module  # where dataclasses and pydantic look for annotations
    exec(code, vars(module))  # noqa: S102 - the reader's own, in the reader's browser
    return module


def _use(namespace: dict[str, object], usage: str) -> None:
    """Run statements as a console does: the value of an expression is printed."""
    _remember(USAGE, usage)
    for statement in ast.parse(usage, USAGE).body:
        code = compile(ast.Interactive([statement]), USAGE, "single", dont_inherit=True)
        exec(code, namespace)  # noqa: S102 - the reader's own, in the reader's browser


def _examples(module: ModuleType, write: Write) -> tuple[int, int]:
    """Run the examples in one namespace, in the order of the text."""
    found = doctest.DocTestFinder().find(module, module.__name__)
    namespace = dict(vars(module))
    session = _Session()
    for test in sorted(found, key=lambda each: each.lineno or 0):
        test.globs = namespace
        session.run(test, out=write, clear_globs=False)
    return session.tries, session.failures


def _remember(file: str, source: str) -> None:
    """Let tracebacks show the lines of what stands in no file."""
    lines = source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)


def _told(error: BaseException) -> str:
    """Tell of an exception as Python does, less what is below the reader's code."""
    told = traceback.TracebackException.from_exception(error)
    ours = [
        at
        for at, frame in enumerate(told.stack)
        if frame.filename != __file__ and "doctest" not in frame.filename
    ]
    if not ours:
        return "".join(told.format_exception_only())
    del told.stack[: ours[0]]
    return "".join(told.format())
