"""What the ledger holds: verdicts, proofs, and what tests recorded."""

import platform
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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


class Revealed(Record):
    """What a type checker infers at a line.

    Attributes:
        path: The file, relative to the root.
        line: The line, from 1.
        tool: mypy or pyright.
        type: In the tool's own words, less the names of modules.
    """

    path: str
    line: int
    tool: str
    type: str


class Verdict(Record):
    """What one tool said of the whole tree.

    Attributes:
        keys: For each part of the code that is in order, the digest of all that the
            verdict on it depends on.
        version: The tool's version.
        files: The SHA-256 of each file in which it found what it should.
        diagnostics: What it reported of counterexamples, each of it expected.
        revealed: What it infers where a snippet asks, each of it expected.
    """

    keys: dict[str, str] = Field(default_factory=dict)
    version: str
    files: dict[str, str] = Field(default_factory=dict)
    diagnostics: list[Diagnostic] = Field(default_factory=list[Diagnostic])
    revealed: list[Revealed] = Field(default_factory=list[Revealed])


class Event(Record):
    """One event of a timeline.

    Attributes:
        lane: Who: a task, a queue, a lock.
        what: What happened.
        word: On what, or with what; may be empty.
    """

    lane: str
    what: str
    word: str


class Row(Record):
    """One figure, for each of several variants.

    Attributes:
        name: What was measured.
        unit: In what; may be empty.
        values: The value of each variant, the recommended one first.
    """

    name: str
    unit: str
    values: dict[str, float]


class Growth(Record):
    """How one figure grows.

    Attributes:
        name: What was measured.
        unit: In what.
        over: What grows.
        sizes: How much of it.
        values: For each variant, its values at those sizes.
    """

    name: str
    unit: str
    over: str
    sizes: list[int]
    values: dict[str, list[float]]


class Step(Record):
    """One step of an attack's story.

    Attributes:
        what: What the attacker sent, what happened to the counterexample, or what
            happens now, to the recommended code.
        text: In a few words.
    """

    what: Literal["sent", "happened", "now"]
    text: str


class Exhibit(Record):
    """What a server or a tool said.

    Attributes:
        title: What it is.
        text: Its own words.
    """

    title: str
    text: str


class Claim(Record):
    """A test function that passed: its name is a claim.

    Attributes:
        name: The function's name.
        cases: How many cases ran: more than one where it is parametrised.
        observed: What it kept of a counterexample for the page, in order.
        lines: The lines of each snippet that it executed.
        ids: What tells its cases apart, as pytest names them: a backend, a variant.
        timeline: Who did what in which order, where it recorded that.
        rows: Figures that it measured.
        growths: Figures that it measured over several sizes.
        attack: The story of an attack that it carried out.
        evidence: What it quotes.
        servers: What it ran against, with versions.
    """

    name: str
    cases: int
    observed: list[str]
    lines: dict[str, list[int]]
    ids: list[str] = Field(default_factory=list)
    timeline: list[Event] = Field(default_factory=list[Event])
    rows: list[Row] = Field(default_factory=list[Row])
    growths: list[Growth] = Field(default_factory=list[Growth])
    attack: list[Step] = Field(default_factory=list[Step])
    evidence: list[Exhibit] = Field(default_factory=list[Exhibit])
    servers: list[str] = Field(default_factory=list)


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


class Older(Record):
    """On which Pythons before 3.13 a rule's snippet holds.

    Attributes:
        day: When that was found out, in UTC.
        files: The SHA-256 of each file of the rule that it holds for.
        by: The checkers and the interpreters that were asked, each with its version.
        accepted: The versions for which both type checkers accept it, newest first.
        refused: What speaks against the next older one.
        ran: The interpreters that ran its tests, newest first, each with the tests that
            fail there.
        lacking: Likewise the tests that use themselves what such a Python lacks.
        unfit: The interpreters on which no test can run, and why.
        broken: The interpreters on which the snippet can't be imported, and why.
    """

    day: date
    files: dict[str, str]
    by: list[str]
    accepted: list[str]
    refused: str = ""
    ran: dict[str, list[str]] = Field(default_factory=dict)
    lacking: dict[str, list[str]] = Field(default_factory=dict)
    unfit: dict[str, str] = Field(default_factory=dict)
    broken: dict[str, str] = Field(default_factory=dict)


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
        older: On which older Pythons a rule holds, by its test file; kept apart.
        checked: The keys of the sources and of the site that were last found right.
    """

    version: Literal[1] = 1
    machine: Machine
    tools: dict[str, Verdict] = Field(default_factory=dict)
    units: dict[str, Unit] = Field(default_factory=dict)
    older: dict[str, Older] = Field(default_factory=dict, exclude=True)
    checked: dict[str, str] = Field(default_factory=dict)
