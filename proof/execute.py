"""Runs the tests, and finds out which lines of which snippet they executed."""

import ast
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from proof.children import Children
from proof.faults import Fault
from proof.ledger import Claim, Executed, Unit, key_of, sha256
from proof.plugin import Outcome
from proof.project import Project, Subject, is_counterexample
from proof.source import cut, docstring_examples, expectations

SITE_VARIABLES = ("REPO_URL", "SITE_URL", "SOURCE_DATE_EPOCH")
RUNS = ".proof/runs"
ABOUT_SITE = "tests/site/"
SERVERS = ("DATABASE_URL", "REDIS_URL", "MONGODB_URL")
WHOLE = (
    "*",
    ".ci/**/*",
    ".github/**/*",
    "docs/**/*",
    "overrides/**/*",
    "proof/**/*",
    "snippets/**/*",
    "tests/**/*",
)
SHARED = ("*", "proof/**/*", "tests/*", "tests/**/conftest.py")
NOT_READ = ("*.md", "LICENSE*", "Makefile", "mkdocs.yml", "requirements-uv.lock")
WRITTEN = (".coverage", ".coverage.*", ".gitignore")
DOCSTRING_STEP = re.compile(r"line:(\d+),")  # Sybil's name for it
ENDED = (0, 1, 5)  # all passed, some failed, none found; else pytest did not end itself
PARALLEL_FROM = 4  # units; below, starting xdist's workers takes longer than it saves


@dataclass(frozen=True, slots=True)
class Work:
    """The tests of one file, and what they may execute.

    Attributes:
        tests: The test file: the unit's name.
        subject: What it proves; ``None`` for tests of the machinery or the site.
        key: The digest of all that the tests depend on.
        targets: What pytest is given.
        snippets: Its files, all of whose lines must run.
    """

    tests: str
    subject: Subject | None
    key: str
    targets: tuple[str, ...]
    snippets: tuple[str, ...]


class Ran(TypedDict):
    """The part of coverage.py's report on a file that is read here."""

    executed_lines: list[int]
    missing_lines: list[int]
    excluded_lines: list[int]
    missing_branches: list[list[int]]
    executed_branches: list[list[int]]
    contexts: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of pytest showed.

    Attributes:
        tests: The outcomes by node id.
        errors: Why a file could not be collected, by file.
        ran: Coverage by file.
        broken: Why pytest itself failed; empty where it did not.
    """

    tests: Mapping[str, Outcome]
    errors: Mapping[str, str]
    ran: Mapping[str, Ran]
    broken: str = ""


def whole(project: Project) -> list[str]:
    """List every file of the project."""
    return [path for path in project.files(*WHOLE) if not _in_root(path, WRITTEN)]


def shared(project: Project) -> list[str]:
    """List what any test and any tool may depend on.

    Every file of the root counts but those known not to: a tool may read its
    configuration from one that nobody thought of here.
    """
    return [
        path
        for path in project.files(*SHARED)
        if not _in_root(path, (*WRITTEN, *NOT_READ))
        and not path.startswith("tests/test_")
    ]


def _in_root(path: str, patterns: Iterable[str]) -> bool:
    return "/" not in path and any(fnmatchcase(path, each) for each in patterns)


def works(project: Project) -> list[Work]:
    """List the units: a test file with what it proves, or another test file."""
    servers = {name: os.environ.get(name, "") for name in SERVERS}
    common = shared(project)
    found: list[Work] = []
    owned: set[str] = set()
    for each in project.subjects:
        snippets = project.snippets(each)
        with_examples = [
            path for path in snippets if any(docstring_examples(project.read(path)))
        ]
        paths = [*common, each.tests, *snippets, *data(project, each)]
        key = key_of(project.root, paths, servers)
        targets = (each.tests, *with_examples)
        found.append(Work(each.tests, each, key, targets, tuple(snippets)))
        owned |= {each.tests, each.page, *snippets}
    everything = whole(project)
    machinery = [path for path in everything if path not in owned]
    of_site = {name: os.environ.get(name, "") for name in SITE_VARIABLES}
    for path in project.files("tests/**/test_*.py"):
        if path in owned:
            continue
        if path.startswith("tests/proof/"):
            key = key_of(project.root, machinery, servers)
        else:
            key = key_of(project.root, everything, servers | of_site)
        found.append(Work(path, None, key, (path,), ()))
    return found


def is_proven(work: Work, units: Mapping[str, Unit]) -> bool:
    """Tell whether a unit's verdict may be reused.

    One with a part missing may not: it could be there by now.
    """
    unit = units.get(work.tests)
    return unit is not None and unit.key == work.key and not unit.missing


def data(project: Project, subject: Subject) -> list[str]:
    """List what lies beside its code without being code: its tests may read it."""
    beside = project.files(
        f"snippets/{subject.chapter}/**/*", f"tests/{subject.chapter}/**/*"
    )
    return [path for path in beside if not path.endswith(".py")]


def run(
    project: Project,
    children: Children,
    name: str,
    todo: Sequence[Work],
    python: Path | None = None,
) -> Result:
    """Run the tests of some units in one go.

    Args:
        project: The project.
        children: What runs pytest.
        name: The run's name, which its files are called by.
        todo: The units.
        python: Another interpreter than this one. There the tests of rules run alone,
            without their docstrings' examples, and nobody asks which lines they ran.

    Returns:
        What happened to each test, and which lines ran.
    """
    folder = project.root / RUNS / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    report, coverage = folder / "tests.json", folder / "coverage.json"
    measured = python is None and any(work.snippets for work in todo)
    command = [
        str(python or sys.executable),
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
    ]
    if measured:
        command += ["--cov", "--cov-context=test", f"--cov-report=json:{coverage}"]
    if all(work.tests.startswith(ABOUT_SITE) for work in todo):
        command += ["-n", "2", "--dist", "load"]  # few files, but of slow tests
    elif len(todo) >= PARALLEL_FROM:
        command += ["-n", "2", "--dist", "loadfile"]
    if python is None:
        command += [target for work in todo for target in work.targets]
    else:
        # a test that fails there may leave behind what makes the next one fail as well
        command += ["-p", "no:unraisableexception", "-p", "no:threadexception"]
        command += ["--override-ini=timeout=30", "--noconftest"]
        command += [work.tests for work in todo]
    env = {
        "PROOF_REPORT": str(report),
        "COVERAGE_FILE": str(folder / "coverage"),
        "FRESH": "",  # it is for this run alone
        "PYTEST_ADDOPTS": "",  # whoever runs this leaves no test out
        "PYTEST_PLUGINS": "",
    }
    with TemporaryDirectory(prefix="proof-", ignore_cleanup_errors=True) as temporary:
        env["TMPDIR"] = temporary  # runs at the same time would clean up each other's
        output = children.run(command, cwd=project.root, env=env)
    said = (output.stdout + output.stderr).strip()
    (folder / "output.txt").write_text(said, encoding="utf-8")
    if not report.exists() or output.returncode not in ENDED:
        return Result({}, {}, {}, f"pytest broke down:\n{said[-1500:]}")
    heard = json.loads(report.read_text(encoding="utf-8"))
    errors = {
        path: error
        for path, _, error in (each.partition(": ") for each in heard["errors"])
    }
    ran: dict[str, Ran] = {}
    if measured and coverage.exists():  # there is none where no line was executed
        ran = json.loads(coverage.read_text(encoding="utf-8"))["files"]
    return Result(heard["tests"], errors, ran)


def judge(project: Project, work: Work, result: Result) -> tuple[Unit, list[Fault]]:
    """Tell whether a unit's tests prove its snippets.

    Args:
        project: The project.
        work: The unit.
        result: The run that it was part of.

    Returns:
        What goes into the ledger if there is no fault, and the faults.
    """
    mine = {
        node: outcome
        for node, outcome in result.tests.items()
        if node.partition("::")[0] in work.targets
    }
    faults = [
        Fault(path, 0, f"can't be run{_end(result.errors[path])}")
        for path in work.targets
        if path in result.errors
    ]
    claims: dict[str, Claim] = {}
    missing: set[str] = set()
    for node, outcome in mine.items():
        path, _, name = node.partition("::")
        if outcome["outcome"] == "missing":
            missing.add(outcome["detail"])
        elif outcome["outcome"] != "passed":
            faults.append(_failure(path, name, outcome))
        if path == work.tests:
            name, _, case = name.partition("[")
            one = _claim(name, outcome)
            known = claims.get(name, one)
            claims[name] = known.model_copy(
                update={
                    "cases": known.cases + 1,
                    "ids": [*known.ids, case.removesuffix("]")] if case else [],
                    "observed": known.observed or outcome["observed"],
                    "servers": sorted({*known.servers, *one.servers}),
                }
            )
    faults = faults or _not_run(project, work, mine)
    lines = _lines(work, result)
    tests = [
        claim.model_copy(update={"lines": lines[claim.name]})
        for claim in claims.values()
    ]
    snippets: dict[str, Executed] = {}
    if not faults and not missing:
        for path in work.snippets:
            faults += _unproven(project, path, result.ran.get(path), tests)
            snippets[path] = _executed(project, path, result.ran.get(path))
    unit = Unit(
        key=work.key,
        sha256=sha256(project.root, work.tests),
        tests=tests,
        examples=sum(1 for node in mine if node.partition("::")[0] != work.tests),
        missing=sorted(missing),
        snippets=snippets,
    )
    return unit, faults


def _claim(name: str, outcome: Outcome) -> Claim:
    """Begin a claim; of several cases the first one's recordings are shown."""
    recorded = outcome.get("recorded", {})
    return Claim.model_validate(
        {"name": name, "cases": 0, "observed": [], "lines": {}, **recorded}
    )


def _not_run(project: Project, work: Work, nodes: Iterable[str]) -> list[Fault]:
    """Name the tests and docstring steps that are written, but were left out."""
    ran: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        path, _, name = node.partition("::")
        ran[path].append(name.partition("[")[0])
    names = ran[work.tests]
    if not names:
        message = "holds no test: name one after what it shows, test_…"
        return [Fault(work.tests, 0, message)]
    written = cut(project.read(work.tests)).tests
    faults = [
        Fault(work.tests, 0, f"{name} did not run: nothing may leave a test out")
        for name in written
        if name not in names
    ]
    if work.subject:
        faults += [
            Fault(work.tests, 0, f"{name}: write it as a function of this file")
            for name in sorted(set(names))
            if name not in written
        ]
    for path in work.targets[1:]:
        steps = sum(
            line.lstrip().startswith(">>>")
            for example in docstring_examples(project.read(path))
            for session in example.sessions
            for line in session.splitlines()
        )
        if len(ran[path]) < steps:
            message = (
                f"{len(ran[path])} of {steps} docstring steps ran: see conftest.py"
            )
            faults.append(Fault(path, 0, message))
    return faults


def _failure(path: str, name: str, outcome: Outcome) -> Fault:
    detail = outcome["detail"].strip()
    match outcome["outcome"]:
        case "skipped":
            detail = f"skipped ({detail}): a skipped test proves nothing"
        case "xfailed":
            detail = f"expected to fail ({detail}): such a test proves nothing"
        case _:
            detail = f"fails{_end(detail)}"
    step = DOCSTRING_STEP.match(name)
    line = int(step[1]) if step else outcome["line"]
    return Fault(path, line, f"{name}: {detail}")


def _end(said: str) -> str:
    """Give the last lines of what a tool said, indented."""
    lines = [line for line in said.splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-12:])


def _lines(work: Work, result: Result) -> defaultdict[str, dict[str, list[int]]]:
    """Tell which test function executed which lines of the unit's snippets."""
    lines: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    for path in work.snippets:
        contexts = result.ran[path]["contexts"] if path in result.ran else {}
        for line, nodes in contexts.items():
            names = {
                node.rpartition("|")[0].partition("::")[2].partition("[")[0]
                for node in nodes
                if node.partition("::")[0] == work.tests
            }
            for name in names:
                lines[name].setdefault(path, []).append(int(line))
    return lines


def _executed(project: Project, path: str, ran: Ran | None) -> Executed:
    return Executed(
        sha256=sha256(project.root, path),
        statements=len(ran["executed_lines"]) if ran else 0,
        branches=len(ran["executed_branches"]) if ran else 0,
    )


def _unproven(
    project: Project, path: str, ran: Ran | None, tests: Sequence[Claim]
) -> list[Fault]:
    """Name every line that nothing executed, and every test expected in vain."""
    if ran is None:
        return [Fault(path, 0, "no test imports it")]
    avoided = is_counterexample(path)
    expected = expectations(path, project.read(path))[0] if avoided else []
    excused = {each.line for each in expected}
    told = {*ran["executed_lines"], *ran["missing_lines"], *ran["excluded_lines"]}
    faults = [
        Fault(path, line, "nothing can reach this line: remove it")
        for line in statements(project.read(path))
        if line not in told
    ]
    faults += [
        Fault(path, line, "no test executed this line: test it or remove it")
        for line in ran["missing_lines"]
        if line not in excused
    ]
    if not avoided:
        faults += [
            Fault(
                path, line, f"no test went from here {_where(to)}: test it or remove it"
            )
            for line, to in ran["missing_branches"]
            if line not in ran["missing_lines"] and to not in ran["missing_lines"]
        ]
    by_name = {test.name: test for test in tests}
    for each in expected:
        if each.tool != "test":
            continue
        test = by_name.get(f"test_{each.code}")
        if test is None:
            message = f"expected {each}, but there is no passing test_{each.code}"
            faults.append(Fault(path, each.line, message))
        elif each.line not in test.lines.get(path, []):
            message = f"expected {each}, but that test did not execute this line"
            faults.append(Fault(path, each.line, message))
    return faults


def statements(text: str) -> set[int]:
    """List the lines on which a statement begins that does something when it runs.

    Args:
        text: A module's text, valid Python.

    Returns:
        The lines, from 1. Docstrings, bare constants, declarations of names and
        annotations without a value do nothing.
    """
    return {
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt)
        and not isinstance(node, ast.Global | ast.Nonlocal)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.AnnAssign) and node.value is None)
    }


def _where(line: int) -> str:
    return f"to line {line}" if line > 0 else "out of the function"
