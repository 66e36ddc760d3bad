"""The ledger: what was proven, by what, on which bytes."""

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

LEDGER = ".proof/ledger.json"


class Record(BaseModel):
    """Base of what the ledger holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Diagnostic(Record):
    """What a tool reported of a line.

    Attributes:
        path: The file, relative to the root.
        line: The line, from 1.
        tool: ruff, mypy or pyright.
        code: The tool's code for it.
        message: The tool's own words.
        url: Where the tool explains it; empty where it doesn't.
    """

    path: str
    line: int
    tool: str
    code: str
    message: str
    url: str = ""


class Verdict(Record):
    """What one tool said of the whole tree.

    Attributes:
        key: The digest of all it depends on; empty where something was wrong.
        version: The tool's version.
        files: The SHA-256 of each file in which it found what it should.
        diagnostics: What it reported of counterexamples, each of it expected.
    """

    key: str
    version: str
    files: dict[str, str] = Field(default_factory=dict)
    diagnostics: list[Diagnostic] = Field(default_factory=list[Diagnostic])


class Claim(Record):
    """A test function that passed: its name is a claim.

    Attributes:
        name: The function's name.
        cases: How many cases ran: more than one where it is parametrised.
        observed: What it kept for the page, in order.
        lines: The lines of each snippet that it executed.
    """

    name: str
    cases: int
    observed: list[str]
    lines: dict[str, list[int]]


class Executed(Record):
    """How much of a snippet ran: all of it, or there is no record.

    Attributes:
        sha256: The digest of the file's bytes.
        statements: How many lines with an effect it has.
        branches: How many ways control can take in it.
    """

    sha256: str
    statements: int
    branches: int


class Unit(Record):
    """What the tests of one file proved.

    Attributes:
        key: The digest of all that the tests depend on.
        sha256: The digest of the test file's bytes.
        tests: The tests that passed, in the file's order.
        examples: How many lines of docstring sessions were executed and compared.
        missing: The parts that this machine lacks; what needs them is not proven.
        snippets: The snippets that ran.
    """

    key: str
    sha256: str
    tests: list[Claim]
    examples: int = 0
    missing: list[str] = Field(default_factory=list)
    snippets: dict[str, Executed] = Field(default_factory=dict)


class Machine(Record):
    """What the tests ran on."""

    python: str
    system: str

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine, as a reader of a page should know it."""
        return cls(
            python=f"{platform.python_implementation()} {platform.python_version()}",
            system=f"{platform.system()} {platform.machine()}",
        )


class Ledger(Record):
    """All verdicts.

    Attributes:
        version: The version of this form.
        machine: Where they were reached.
        tools: By the tool's name.
        units: By the test file.
        checked: The keys of the sources and of the site that were last found right.
    """

    version: Literal[1] = 1
    machine: Machine
    tools: dict[str, Verdict] = Field(default_factory=dict)
    units: dict[str, Unit] = Field(default_factory=dict)
    checked: dict[str, str] = Field(default_factory=dict)


def load(root: Path) -> tuple[Ledger, str]:
    """Read the ledger, or begin a new one.

    Args:
        root: The project's root.

    Returns:
        The ledger, and why an existing file was not trusted (empty if it was).
    """
    new = Ledger(machine=Machine.here())
    try:
        text = (root / LEDGER).read_bytes()
    except FileNotFoundError:
        return new, ""
    try:
        ledger = Ledger.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        why = f"{LEDGER}: can't be trusted ({where}: {first['msg']}): made anew"
        return new, why
    if ledger.machine != new.machine:
        other = f"{ledger.machine.python}, {ledger.machine.system}"
        return new, f"{LEDGER}: from another machine ({other}): made anew"
    return ledger, ""


def save(root: Path, ledger: Ledger) -> None:
    """Write the ledger so that it is always whole: the old one or the new one."""
    write(root / LEDGER, ledger.model_dump_json(indent=1) + "\n")


def write(path: Path, text: str) -> None:
    """Write a file atomically, making its folder.

    Args:
        path: The file.
        text: All it shall hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        with half.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def sha256(root: Path, path: str) -> str:
    """Digest a file's bytes."""
    return hashlib.sha256((root / path).read_bytes()).hexdigest()


def key_of(root: Path, paths: Iterable[str], more: Mapping[str, str]) -> str:
    """Digest all that a verdict depends on.

    Args:
        root: The project's root.
        paths: The files, relative to it; a missing one counts as such.
        more: Whatever else matters, by name. The interpreter is always in it.

    Returns:
        The digest, in hexadecimal.
    """
    whole = hashlib.sha256(sys.version.encode())
    whole.update(platform.platform().encode())
    for name, value in sorted(more.items()):
        whole.update(f"{name}={len(value)}:{value}\n".encode())
    for path in sorted(set(paths)):
        digest = sha256(root, path) if (root / path).is_file() else "missing"
        whole.update(f"{digest} {path}\n".encode())
    return whole.hexdigest()
