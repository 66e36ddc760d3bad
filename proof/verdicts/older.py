"""Finds the oldest Python on which each rule holds.

Two facts, kept apart: for which versions both type checkers accept the snippet, and on
which interpreters of this machine its tests pass.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distribution

from packaging.requirements import Requirement

from proof.children import Children
from proof.ground.digests import sha256
from proof.ledger.records import Older
from proof.sources import tree
from proof.sources.comments import CHECKERS
from proof.sources.needs import requirements
from proof.sources.project import Project, Subject
from proof.verdicts import execute
from proof.verdicts.execute import Result
from proof.verdicts.interpreters import (
    ENVIRONMENTS,
    OLDER,
    Interpreter,
    environment,
    runs_on,
)
from proof.verdicts.reports import REVEALS
from proof.verdicts.tools import TOOLS, Tool
from proof.verdicts.units import Work

LATEST = "{}.99"  # a patch release after all others
PLACE = re.compile(r" \(/[^)]*\)$")  # of the module that lacks a name
# What a test itself, and not the code that it calls, looks for in vain.
LACKS = re.compile(
    r"^(\S+\.py):\d+: in .*\n(?:    .*\n)+E +"
    r"(?:AttributeError: module|ImportError|ModuleNotFoundError)",
    re.MULTILINE,
)
NEWER = "its tests are written for a newer one"
# An ignore that only a newer version needs speaks against nothing.
IDLE = (REVEALS, "unused-ignore", "reportUnnecessaryTypeIgnoreComment")


def files_of(project: Project, work: Work) -> dict[str, str]:
    """Digest the files of a rule that decide on which older Pythons it holds."""
    beside = tree.data(project, work.subject) if work.subject else []
    paths = [work.tests, *work.snippets, *beside]
    return {path: sha256(project.root, path) for path in sorted(paths)}


def older(
    project: Project,
    children: Children,
    works: Mapping[str, Work],
    found: Sequence[Interpreter],
    versions: Sequence[str] = OLDER,
) -> dict[str, Older]:
    """Find out on which older Pythons some rules hold.

    Args:
        project: The project.
        children: What runs the checkers and the tests.
        works: The rules' tests, by the test file.
        found: The interpreters at hand.
        versions: What to ask the checkers for, newest first.

    Returns:
        The verdicts, by the test file.

    Raises:
        ToolError: If a checker broke down.
    """
    rules = {work.tests: work.subject for work in works.values() if work.subject}
    refused: dict[str, str] = {}
    accepted = _check(project, children, [*rules.values()], versions, refused)
    checkers = [
        f"{each.name} {each.version}" for each in TOOLS if each.name in CHECKERS
    ]
    by = [*checkers, *(f"CPython {each.full}" for each in found)]
    today = datetime.now(UTC).date()
    verdicts = {
        tests: Older(
            day=today,
            files=files_of(project, works[tests]),
            by=by,
            accepted=accepted[tests],
            refused=refused.get(tests, ""),
        )
        for tests in rules
    }
    for python in found:
        todo: list[Work] = []
        for tests, verdict in verdicts.items():
            if (
                verdict.unfit
                or verdict.broken
                or python.version not in verdict.accepted
            ):
                continue
            paths = [tests, *works[tests].snippets]
            if any(_lacks_syntax(project, path, python.version) for path in paths):
                verdict.unfit[python.full] = NEWER
            else:
                todo.append(works[tests])
        if not todo:
            continue
        if (program := environment(children, project.root, python)) is None:
            why = f"{ENVIRONMENTS}/{python.version}.txt"
            print(f"  {python.full:<12} lacks packages: see {why}", flush=True)
        else:
            name = f"python-{python.version}"
            result = execute.run(project, children, name, todo, program)
            if result.broken:
                why = f"{execute.RUNS}/{name}/output.txt"
                print(f"  {python.full:<12} can't run pytest: see {why}", flush=True)
                continue
            for work in todo:
                modules = project.recommended(rules[work.tests])
                _judge(result, python, work.tests, modules, verdicts[work.tests])
    return verdicts


def _check(
    project: Project,
    children: Children,
    rules: Sequence[Subject],
    versions: Sequence[str],
    refused: dict[str, str],
) -> dict[str, list[str]]:
    """Ask both checkers for one version after the other, the newest first."""
    accepted: dict[str, list[str]] = {rule.tests: [] for rule in rules}
    for version in versions:
        for rule in rules:
            if rule.tests not in refused and (why := _lacks(project, rule, version)):
                refused[rule.tests] = f"{version}: {why}"
        paths = {
            path: rule.tests
            for rule in rules
            if rule.tests not in refused
            for path in project.recommended(rule)
        }
        checkers = [tool for tool in TOOLS if tool.name in CHECKERS and paths]
        for tool in checkers:
            for path, said in _reported(tool, project, children, paths, version):
                refused.setdefault(paths[path], f"{version}: {said}")
        for tests in {*paths.values()} - {*refused}:
            accepted[tests].append(version)
    return accepted


def _reported(
    tool: Tool,
    project: Project,
    children: Children,
    paths: Collection[str],
    version: str,
) -> Iterator[tuple[str, str]]:
    """Name what a checker refuses for a version, with its words."""
    for each in tool.run(children, project.root, paths, version):
        if each.path in paths and each.code not in IDLE:
            yield each.path, f"{tool.name} says {each.message.splitlines()[0]}"


def _lacks(project: Project, subject: Subject, version: str) -> str:
    """Tell which syntax or package of a snippet a version lacks; empty if none."""
    paths = project.recommended(subject)
    for path in paths:
        if why := _lacks_syntax(project, path, version):
            return why
    for each in requirements(project, paths):
        name = Requirement(each).name
        if not runs_on(name, LATEST.format(version)):
            needed = distribution(name)
            asked = needed.metadata["Requires-Python"]
            return f"{needed.name} {needed.version} asks for {asked}"
    return ""


def _lacks_syntax(project: Project, path: str, version: str) -> str:
    minor = int(version.partition(".")[2])
    try:
        ast.parse(project.read(path), feature_version=(3, minor))
    except SyntaxError as error:
        return error.msg
    return ""


def _judge(
    result: Result,
    python: Interpreter,
    tests: str,
    modules: Sequence[str],
    verdict: Older,
) -> None:
    """Add to a verdict what the tests of a rule showed on an interpreter."""
    if why := result.errors.get(tests):
        last = why.strip().splitlines()[-1].removeprefix("E ").strip()
        ours = any(f"{path}:" in why for path in modules)
        there = verdict.broken if ours else verdict.unfit
        there[python.full] = PLACE.sub("", last)
        return
    outcomes = {
        name: outcome
        for node, outcome in result.tests.items()
        for path, _, name in [node.partition("::")]
        if path == tests
    }
    if not outcomes:
        verdict.unfit[python.full] = "no test ran"
        return
    failing: dict[str, None] = {}
    lacking: dict[str, None] = {}
    for name, outcome in outcomes.items():
        if outcome["outcome"] != "passed":
            lacks = (match := LACKS.search(outcome["detail"])) and match[1] == tests
            (lacking if lacks else failing)[name.partition("[")[0]] = None
    verdict.ran[python.full] = [*failing]
    if lacking:
        verdict.lacking[python.full] = [*lacking]
