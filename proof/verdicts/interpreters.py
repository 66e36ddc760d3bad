"""Finds the oldest Python on which each rule holds.

Two facts, kept apart: for which versions both type checkers accept the snippet, and on
which interpreters of this machine its tests pass.
"""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from proof.children import Children
from proof.sources.requirements import pins

NEWEST = "3.13"  # what everything is proven on
OLDER = ("3.12", "3.11", "3.10")
ENVIRONMENTS = ".proof/python"
TELL = "import platform, sys; print(platform.python_version(), sys.executable)"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of this machine.

    Attributes:
        version: Such as ``3.12``.
        full: Such as ``3.12.1``.
        path: The program.
    """

    version: str
    full: str
    path: Path


def interpreters(children: Children, root: Path) -> list[Interpreter]:
    """Find the older Pythons of this machine; none is fetched.

    Args:
        children: What runs uv.
        root: The project's root.

    Returns:
        One of each version that there is, newest first.
    """
    uv = [sys.executable, "-m", "uv", "python", "find", "--no-project"]
    found: list[Interpreter] = []
    for version in OLDER:
        env = {"PYENV_VERSION": version}  # else pyenv answers for the project's own
        there = children.run([*uv, "--no-python-downloads", version], cwd=root, env=env)
        if there.returncode != 0:
            continue
        python = there.stdout.strip()
        full, _, path = children.run([python, "-ISc", TELL], cwd=root).stdout.partition(
            " "
        )
        if full.startswith(f"{version}."):
            found.append(Interpreter(version, full, Path(path.strip())))
    return found


def environment(children: Children, root: Path, python: Interpreter) -> Path | None:
    """Bring an interpreter with those locked packages that run on it.

    Args:
        children: What runs uv.
        root: The project's root.
        python: The interpreter.

    Returns:
        The environment's interpreter; ``None`` if the packages can't be had, and a file
        beside says why.
    """
    wanted = pins(root, lambda name: installs(name, python.full))
    folder = root / ENVIRONMENTS / python.version
    ready, program = folder / "ready", folder / "bin/python"
    asked = f"{python.full}\n{wanted}"
    if ready.exists() and ready.read_text(encoding="utf-8") == asked:
        return program
    folder.parent.mkdir(parents=True, exist_ok=True)
    note = folder.parent / f"{python.version}.txt"
    note.write_text(wanted, encoding="utf-8")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    make = [*uv, "venv", "--no-project", "--clear", f"--python={python.path}"]
    bring = [*uv, "pip", "install", "--no-deps", "--require-hashes"]
    bring += ["--only-binary=:all:", f"--python={program}", f"--requirement={note}"]
    for command in ([*make, str(folder)], bring):
        done = children.run(command, cwd=root)
        if done.returncode != 0:
            note.write_text(done.stdout + done.stderr, encoding="utf-8")
            return None
    ready.write_text(asked, encoding="utf-8")
    return program


def runs_on(name: str, full: str) -> bool:
    """Tell whether the installed version of a package runs on a Python."""
    asked = distribution(name).metadata["Requires-Python"]
    return SpecifierSet(asked or "").contains(full)


@cache
def installs(name: str, full: str) -> bool:
    """Tell whether a package, with all that it needs, runs on a Python."""
    version = full.rpartition(".")[0]
    there = {"python_version": version, "python_full_version": full, "extra": ""}
    known = {name}
    todo = [name]
    while todo:
        each = todo.pop()
        try:
            if not runs_on(each, full):
                return False
            needed = map(Requirement, distribution(each).requires or ())
        except PackageNotFoundError:
            return False
        new = {
            need.name
            for need in needed
            if need.marker is None or need.marker.evaluate(there)
        }
        todo += new - known
        known |= new
    return True
