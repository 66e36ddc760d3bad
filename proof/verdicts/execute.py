"""Runs the tests of units, and measures which lines they execute."""

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from proof.children import Children
from proof.sources.project import Project
from proof.sources.tree import ABOUT_SITE
from proof.verdicts.outcome import Outcome
from proof.verdicts.units import Work

RUNS = ".proof/runs"
ENDED = (0, 1, 5)  # all passed, some failed, none found; else pytest did not end itself
PLUGINS = ("anyio", "pytest_cov", "timeout", "xdist")
# What is slow to load, and the word in a test file that asks for it.
RARER = {"examples": "pytest_examples", "hypothesispytest": "hypothesis"}
PARALLEL_FROM = 4  # units; below, starting xdist's workers takes longer than it saves


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
        "-c=pyproject.toml",  # not one that is found first
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
    ]
    if python is None:
        command += [f"-p{each}" for each in _plugins(project, todo)]
    if measured:
        command += ["--cov", "--cov-context=test", f"--cov-report=json:{coverage}"]
        command.append(f"--cov-config={_configure(project, folder, todo)}")
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
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1" if python is None else "",
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


def _plugins(project: Project, todo: Sequence[Work]) -> list[str]:
    """Name the plugins of pytest that some tests need: no other one is loaded."""
    texts = [project.read(work.tests) for work in todo]
    rarer = [each for each, word in RARER.items() if any(word in t for t in texts)]
    return [*PLUGINS, *rarer]


def _configure(project: Project, folder: Path, todo: Sequence[Work]) -> Path:
    """Tell coverage of greenlets where some run: it costs a quarter more."""
    tables = tomllib.loads(project.read("pyproject.toml"))["tool"]["coverage"]
    if any(work.greenlets for work in todo):
        tables["run"]["concurrency"].append("greenlet")
    path = folder / "settings.toml"  # coverage erases what is called coverage.*
    path.write_text(
        "".join(
            f"[tool.coverage.{table}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in each.items())
            for table, each in tables.items()
        ),
        encoding="utf-8",
    )
    return path
