"""Runs the tests, and finds out which lines of which snippet they executed."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from proof.children import Children
from proof.faults import Fault
from proof.ledger import Claim, Executed, Unit, key_of, sha256
from proof.plugin import Outcome
from proof.project import Project, Rule, is_counterexample
from proof.source import docstring_examples, expectations

RUNS = ".proof/runs"
SERVERS = ("DATABASE_URL", "REDIS_URL", "MONGODB_URL")
SHARED = (
    ".python-version",
    "requirements.lock",
    "pyproject.toml",
    "conftest.py",
    "tests/**/conftest.py",
    "proof/**/*.py",
)
PARALLEL_FROM = 4  # units; below, starting xdist's workers takes longer than it saves


@dataclass(frozen=True, slots=True)
class Work:
    """The tests of one file, and what they may execute.

    Attributes:
        tests: The test file: the unit's name.
        rule: The rule it proves; ``None`` for tests of the machinery or the site.
        key: The digest of all that the tests depend on.
        targets: What pytest is given.
        snippets: The rule's files, all of whose lines must run.
    """

    tests: str
    rule: Rule | None
    key: str
    targets: tuple[str, ...]
    snippets: tuple[str, ...]


class Ran(TypedDict):
    """The part of coverage.py's report on a file that is read here."""

    executed_lines: list[int]
    missing_lines: list[int]
    missing_branches: list[list[int]]
    executed_branches: list[list[int]]
    contexts: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of pytest showed.

    Attributes:
        tests: The outcomes by node id.
        errors: What could not be collected, or why pytest itself failed.
        ran: Coverage by file.
    """

    tests: Mapping[str, Outcome]
    errors: Sequence[str]
    ran: Mapping[str, Ran]


def works(project: Project) -> list[Work]:
    """List the units: a rule's test file with its docstrings, or another test file."""
    shared = project.files(*SHARED)
    servers = {name: os.environ.get(name, "") for name in SERVERS}
    found: list[Work] = []
    owned: set[str] = set()
    for rule in project.rules:
        snippets = project.snippets(rule)
        with_examples = [
            path for path in snippets if any(docstring_examples(project.read(path)))
        ]
        key = key_of(project.root, [*shared, rule.tests, *snippets], servers)
        targets = (rule.tests, *with_examples)
        found.append(Work(rule.tests, rule, key, targets, tuple(snippets)))
        owned |= {rule.tests, rule.page, *snippets}
    tree = project.files("*", ".ci/*", ".github/**/*", "docs/**/*", "overrides/**/*")
    others = [path for path in project.files("tests/**/*.py") if path not in owned]
    machinery = {*shared, *(path for path in tree if path not in owned), *others}
    everything = machinery | owned | set(project.files("snippets/**/*.py"))
    for path in others:
        if not Path(path).name.startswith("test_"):
            continue
        about_all = path.startswith("tests/site/")
        key = key_of(project.root, everything if about_all else machinery, servers)
        found.append(Work(path, None, key, (path,), ()))
    return found


def run(
    project: Project, children: Children, name: str, todo: Sequence[Work]
) -> Result:
    """Run the tests of some units in one go.

    Args:
        project: The project.
        children: What runs pytest.
        name: The run's name, which its files are called by.
        todo: The units.

    Returns:
        What happened to each test, and which lines ran.
    """
    folder = project.root / RUNS / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    report, coverage = folder / "tests.json", folder / "coverage.json"
    measured = any(work.snippets for work in todo)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
    ]
    if measured:
        command += ["--cov", "--cov-context=test", f"--cov-report=json:{coverage}"]
    if len(todo) >= PARALLEL_FROM:
        command += ["-n", "2", "--dist", "loadfile"]
    command += [target for work in todo for target in work.targets]
    env = {"PROOF_REPORT": str(report), "COVERAGE_FILE": str(folder / "coverage")}
    output = children.run(command, cwd=project.root, env=env)
    said = (output.stdout + output.stderr).strip()
    (folder / "output.txt").write_text(said, encoding="utf-8")
    if not report.exists() or output.returncode not in (0, 1, 2):
        return Result({}, [f"pytest broke down:\n{said[-1500:]}"], {})
    heard = json.loads(report.read_text(encoding="utf-8"))
    ran: dict[str, Ran] = {}
    if measured:
        ran = json.loads(coverage.read_text(encoding="utf-8"))["files"]
    return Result(heard["tests"], heard["errors"], ran)


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
        Fault(work.tests, 0, error)
        for error in result.errors
        if error.partition(":")[0] in work.targets or not result.tests
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
            name = name.partition("[")[0].rpartition("::")[2]
            known = claims.get(name) or Claim(name=name, cases=0, observed=[], lines={})
            claims[name] = known.model_copy(
                update={
                    "cases": known.cases + 1,
                    "observed": known.observed or outcome["observed"],
                }
            )
    if not claims and not faults:
        faults.append(
            Fault(work.tests, 0, "holds no test: name one after what it shows")
        )
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


def _failure(path: str, name: str, outcome: Outcome) -> Fault:
    detail = outcome["detail"].strip()
    match outcome["outcome"]:
        case "skipped":
            detail = f"skipped ({detail}): a skipped test proves nothing"
        case "xfailed":
            detail = f"expected to fail ({detail}): such a test proves nothing"
        case _:
            detail = "\n    ".join(["fails", *detail.splitlines()[-12:]])
    return Fault(path, 0, f"{name}: {detail}")


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
    faults = [
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


def _where(line: int) -> str:
    return f"to line {line}" if line > 0 else "out of the function"
