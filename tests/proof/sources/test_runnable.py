"""Which snippets a browser can run, and how they run there."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, override

import pytest

from proof.children import Children
from proof.exports.browser.pyodide import CACHE, SPECIFIED, WHY, provide
from proof.exports.browser.session import MOST, Loop, run
from proof.faults import FaultsError
from proof.site.npm import UnavailableError
from proof.sources.project import Project
from proof.sources.runnable import runnable
from tests.proof.conftest import SNIPPET, Planted

type Run = Callable[..., tuple[dict[str, Any], str]]
TEXT = '''"""Count."""


def twice(number: int) -> int:
    """Double a number.

    Examples:
        >>> twice(4)
        8
        >>> for each in range(2):
        ...     print(twice(each))
        0
        2
    """
    return 2 * number
'''


class Failing(Children):
    """Runs nothing: each program fails with the same words."""

    def __init__(self, said: str) -> None:
        super().__init__()
        self._said = said

    @override
    def run(self, command: object, **_: object) -> CompletedProcess[str]:
        return CompletedProcess([], 1, "", self._said)


def offered(planted: Planted, line: str) -> bool:
    """Tell whether a snippet with a line more is offered to be run."""
    planted.write(SNIPPET, f"{line}\n{planted.read(SNIPPET)}")
    project = Project(planted.root)
    return runnable(project, project.rules[0]) == SNIPPET


@pytest.fixture(name="ran")
def session() -> Iterator[Run]:
    """Run a module's text, and give what came of it and what it printed."""

    def ran(source: str, usage: str = "") -> tuple[dict[str, Any], str]:
        said: list[str] = []
        result: dict[str, Any] = json.loads(run("counting", source, usage, said.append))
        return result, "".join(said)

    yield ran
    sys.modules.pop("counting", None)


@pytest.mark.parametrize(
    "line",
    [
        "import threading",
        "import urllib.request",
        "from concurrent.futures import ThreadPoolExecutor",
        "from asyncio import to_thread",
        "import sqlalchemy",
        "from . import other",
        "asyncio.to_thread(print)",
        '"""\n>>> import socket\n"""',
    ],
)
def test_what_a_browser_lacks_is_not_offered(planted: Planted, line: str) -> None:
    assert offered(planted, line) is False


@pytest.mark.parametrize(
    "line",
    [
        "import asyncio",
        "import sqlite3",
        "from urllib.parse import quote",
        "from pydantic import BaseModel",
        "from typing_extensions import Doc",
    ],
)
def test_the_standard_library_and_pydantic_are(planted: Planted, line: str) -> None:
    assert offered(planted, line) is True


def test_a_snippet_without_an_example_would_show_nothing(planted: Planted) -> None:
    planted.replace(SNIPPET, '>>> add_item("tea")', "add_item")
    assert offered(planted, "import math") is False


def test_examples_are_shown_with_what_they_print(ran: Run) -> None:
    assert ran(TEXT) == (
        {"examples": 2, "failed": 0, "raised": False},
        """\
>>> twice(4)
8
>>> for each in range(2):
...     print(twice(each))
0
2
""",
    )


def test_an_example_of_edited_code_may_differ_from_the_docstring(ran: Run) -> None:
    result, said = ran(TEXT.replace("2 * number", "3 * number"))
    assert result == {"examples": 2, "failed": 2, "raised": False}
    assert said.startswith(">>> twice(4)\n12\n# the docstring says:\n8\n")


def test_a_usage_is_run_like_in_a_console_instead_of_the_examples(ran: Run) -> None:
    result, said = ran(TEXT, "number = twice(4)\nnumber\nprint(number + 1)\n")
    assert (result["examples"], said) == (0, "8\n9\n")


def test_an_exception_is_told_at_the_readers_line(ran: Run) -> None:
    result, said = ran(TEXT, "twice(None)")
    assert result["raised"] is True
    lines = said.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "usage", line 1, in <module>'
    assert '  File "counting.py", line 15, in twice' in lines
    assert "    return 2 * number" in lines
    assert lines[-1].startswith("TypeError: unsupported operand")
    assert "session.py" not in said


def test_code_that_is_no_python_is_told_without_our_own_frames(ran: Run) -> None:
    result, said = ran("def twice(:\n")
    assert result["raised"] is True
    assert said.startswith('  File "counting.py", line 1\n')
    assert said.endswith("SyntaxError: invalid syntax\n")


def test_the_end_of_a_program_does_not_end_the_session(ran: Run) -> None:
    assert ran("raise SystemExit(3)\n")[0]["raised"] is True


def test_dataclasses_find_their_module(ran: Run) -> None:
    source = """\
from __future__ import annotations
from dataclasses import InitVar, dataclass, fields

@dataclass(slots=True)
class Count:
    number: InitVar[int]
    unit: str
"""
    assert ran(source, "[each.name for each in fields(Count)]")[1] == "['unit']\n"


def test_too_much_output_is_cut_and_says_so(ran: Run) -> None:
    _, said = ran("", "for _ in range(3_000):\n    print('x' * 99)\n")
    assert said[:MOST].count("x") == MOST * 99 // 100
    assert said[MOST:] == f"\n… cut: more than {MOST:,} characters\n"


def test_output_comes_line_by_line() -> None:
    said: list[str] = []
    run("counting", "", "print('one', 1)\nprint('two')", said.append)
    assert said == ["one 1\n", "two\n"]


def test_the_loop_keeps_time_and_deadlines() -> None:
    async def deadline() -> list[str]:
        order: list[str] = []

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(after(0.02, "second"))
            group.create_task(after(0.01, "first"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        return order

    assert asyncio.run(deadline(), loop_factory=Loop) == ["first", "second"]


def test_the_loop_refuses_to_wait_for_ever() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing can wake this program"):
        asyncio.run(wait(), loop_factory=Loop)


@pytest.fixture(name="specified")
def specify(planted: Planted) -> Path:
    """Plant what names the packages for the browser; none of them is there."""
    for name in ("package.json", "package-lock.json"):
        planted.write(f"{SPECIFIED}/{name}", "{}\n")
    return planted.root


def test_packages_that_cannot_be_fetched_are_a_missing_part(specified: Path) -> None:
    with Failing("npm error ENOTFOUND") as children, pytest.raises(UnavailableError):
        provide(specified, children)
    assert [*(specified / CACHE).iterdir()] == []
    assert (specified / WHY).read_text("utf-8") == "npm error ENOTFOUND"


@pytest.mark.parametrize(
    "said",
    ["npm error code EINTEGRITY", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"],
)
def test_a_package_that_is_not_the_locked_one_is_a_fault(
    specified: Path, said: str
) -> None:
    with Failing(said) as children, pytest.raises(FaultsError, match="than what is"):
        provide(specified, children)
