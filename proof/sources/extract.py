"""Writes the code of docstrings and pages as modules, so that the tools can read it."""

import re
from dataclasses import dataclass
from pathlib import Path

from proof.ground.files import write
from proof.sources.blocks import python_blocks
from proof.sources.docstrings import docstring_examples
from proof.sources.project import Project

FOLDER = ".proof/blocks"
SESSIONS = f"{FOLDER}/session_"
CODE = ("conftest.py", "proof", "snippets", "tests", FOLDER)
OUTPUT = re.compile(r"^( *)#>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Extract:
    """A module made of code that is written elsewhere.

    Attributes:
        path: The module.
        text: Its text.
        origin: The file that the code is written in.
        lines: For each line of the module, its line in that file.
    """

    path: str
    text: str
    origin: str
    lines: tuple[int, ...]


def extracts(project: Project) -> list[Extract]:
    """Take the examples from all docstrings, and the Python blocks from all prose."""
    found: list[Extract] = []
    for path in project.files("snippets/**/*.py"):
        module = path.removesuffix(".py").replace("/", ".")
        for example in docstring_examples(project.read(path)):
            head = (
                "# pyright: reportUnusedExpression=false, reportUnusedImport=false\n"
                f"from {module} import *\n"
            )
            found.append(
                Extract(
                    f"{SESSIONS}{_name(path)}_{example.line}.py",
                    head + example.code,
                    path,
                    (example.line, example.line, *example.lines),
                )
            )
    for block in python_blocks(project):
        count = len(block.text.splitlines())
        found.append(
            Extract(
                f"{FOLDER}/page_{_name(block.path)}_{block.line}.py",
                OUTPUT.sub(r"\1# >", block.text),  # else the formatter would move it
                block.path,
                tuple(range(block.line + 1, block.line + 1 + count)),
            )
        )
    return found


def write_extracts(root: Path, wanted: list[Extract]) -> None:
    """Bring the folder of extracted modules to exactly these."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.py"):
        if path.relative_to(root).as_posix() not in {each.path for each in wanted}:
            path.unlink()
    for each in wanted:
        write(root / each.path, each.text)


def _name(path: str) -> str:
    """Make a module's name of a path, another one for each."""
    stem = path.rpartition(".")[0].replace("_", "_u").replace("/", "_s")
    return "".join(c if c.isalnum() or c == "_" else f"_{ord(c)}" for c in stem)
