"""Runs ruff, mypy and pyright over the whole tree."""

import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from proof.children import Children
from proof.ground.files import write
from proof.ledger.records import Diagnostic
from proof.sources.extract import CODE, SESSIONS
from proof.verdicts.reports import (
    Output,
    files_read,
    read_mypy,
    read_pyright,
    read_ruff,
    read_ruff_format,
)

# Each tool's configuration is named: it looks for none, beside a file or elsewhere.
RUFF = ("--config=pyproject.toml", "--output-format=json")
MYPY = ("--config-file=pyproject.toml", "--output=json", "--no-error-summary")
PYRIGHT = ".proof/pyrightconfig{}.json"  # one for each version that is asked


@dataclass(frozen=True, slots=True)
class Tool:
    """A checker of the whole tree.

    Attributes:
        name: Its name on a page and in the ledger.
        package: The distribution whose version is meant.
        command: How it is called, its targets apart.
        fresh: What makes it ignore what it remembers.
        read: Makes diagnostics of its output; paths as the tool gives them.
    """

    name: str
    package: str
    command: tuple[str, ...]
    fresh: tuple[str, ...]
    read: Callable[[Output], list[Diagnostic]]

    @property
    def version(self) -> str:
        """The installed version."""
        return version(self.package)

    def run(
        self,
        children: Children,
        root: Path,
        paths: Collection[str] = CODE,
        python: str = "",
    ) -> list[Diagnostic]:
        """Check the whole tree, or a part of it.

        Args:
            children: What runs it.
            root: The project's root.
            paths: What to check, relative to the root.
            python: For which version of Python a type checker shall check it, such as
                ``3.10``; if empty, for the one that is configured.

        Returns:
            All that it reports, in order of place.

        Raises:
            ToolError: If it broke down instead of reporting.
        """
        fresh = self.fresh if os.environ.get("FRESH") == "1" else ()
        files = self._files(root, paths)
        targets = files
        if self.name == "pyright":
            targets = _configure_pyright(root, files, python)
        elif python:
            targets = [f"--python-version={python}", *targets]
        output = children.run([*self.command, *fresh, *targets], cwd=root)
        if output.returncode not in (0, 1):
            raise ToolError(self.name, output)
        try:
            found = self.read(output)
        except (ValueError, KeyError) as error:
            raise ToolError(self.name, output) from error
        if self.name == "pyright" and (read := files_read(output)) < len(files):
            message = f"pyright read {read} of {len(files)} files: what leaves one out?"
            raise ToolError(self.name, output, message)
        return sorted(
            (
                each.model_copy(update={"path": _relative(root, each.path)})
                for each in found
            ),
            key=lambda each: (each.path, each.line, each.code, each.message),
        )

    def _files(self, root: Path, paths: Collection[str]) -> list[str]:
        """Name every file: a tool that looks for them itself may overlook some."""
        found = {
            each.relative_to(root).as_posix()
            for path in paths
            for each in ([root / path], (root / path).rglob("*.py"))[
                (root / path).is_dir()
            ]
            if each.is_file() and "__pycache__" not in each.parts
        }
        if self.name == "ruff format":  # sessions are formatted in their docstrings
            found = {each for each in found if not each.startswith(SESSIONS)}
        return sorted(found)


class ToolError(Exception):
    """A tool broke down: its own words are the message."""

    def __init__(self, tool: str, output: Output, message: str = "") -> None:
        """Keep the end of what it printed.

        Args:
            tool: The tool's name.
            output: What it printed.
            message: What is wrong, where that is not what it printed.
        """
        said = (output.stdout + output.stderr).strip()[-1500:]
        broke = f"{tool} broke down (exit code {output.returncode}):\n{said}"
        super().__init__(message or broke)


def _configure_pyright(root: Path, targets: Sequence[str], python: str) -> list[str]:
    """Tell pyright what to check, which then needs no target.

    It reads no hidden folder below its configuration, whatever it is told: so that
    stands beside the folder of extracted modules.
    """
    config: dict[str, object] = {
        "extends": "../pyproject.toml",
        "include": [f"../{each}" for each in targets],
        "executionEnvironments": [{"root": ".."}],
    }
    path = PYRIGHT.format(python)
    if python:
        config["pythonVersion"] = python
    write(root / path, json.dumps(config))
    return ["--project", path]


def python_module(name: str) -> tuple[str, ...]:
    """Call a tool of this environment."""
    return (sys.executable, "-m", name)


TOOLS = (
    Tool(
        "ruff format",
        "ruff",
        (*python_module("ruff"), "format", "--check", *RUFF),
        ("--no-cache",),
        read_ruff_format,
    ),
    Tool(
        "ruff",
        "ruff",
        (*python_module("ruff"), "check", *RUFF),
        ("--no-cache",),
        read_ruff,
    ),
    Tool(
        "mypy",
        "mypy",
        (*python_module("mypy"), *MYPY),
        (f"--cache-dir={os.devnull}",),
        read_mypy,
    ),
    Tool(
        "pyright",
        "pyright",
        (
            *(*python_module("pyright"), "--outputjson"),
            *("--pythonpath", sys.executable),
        ),
        (),
        read_pyright,
    ),
)


def _relative(root: Path, path: str) -> str:
    whole = root / path
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path
