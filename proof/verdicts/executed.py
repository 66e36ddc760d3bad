"""Tells whether the tests of a unit prove its snippets: each line, each branch."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from proof.faults import Fault
from proof.ground.digests import sha256
from proof.ledger.records import Claim, Executed, Unit
from proof.sources.code import nodes_of
from proof.sources.comments import expectations
from proof.sources.cut import cut
from proof.sources.docstrings import steps
from proof.sources.project import Project, is_counterexample
from proof.verdicts.execute import Ran, Result
from proof.verdicts.outcome import Outcome
from proof.verdicts.units import Work

DOCSTRING_STEP = re.compile(r"line:(\d+),")  # Sybil's name for it


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
        faults = _in_vain(project, work, mine)
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
        compared = {
            int(step[1]) for step in map(DOCSTRING_STEP.match, ran[path]) if step
        }
        faults += [
            Fault(path, at, "this docstring step was not compared: see conftest.py")
            for at in sorted(steps(project.read(path)) - compared)
        ]
    return faults


def _in_vain(
    project: Project, work: Work, outcomes: Mapping[str, Outcome]
) -> list[Fault]:
    """Name every assert of a rule's tests that never ran, or failed unnoticed."""
    if not work.subject:
        return []
    own = [
        outcome
        for node, outcome in outcomes.items()
        if node.partition("::")[0] == work.tests
    ]
    ran = {line for each in own for line in each.get("ran", ())}
    failed = {line for each in own for line in each.get("failed", ())}
    faults: list[Fault] = []
    for node in nodes_of(project.read(work.tests)):
        if isinstance(node, ast.Assert):
            lines = {*range(node.lineno, (node.end_lineno or node.lineno) + 1)}
            if not lines & ran:
                message = "no test came to this assert: it shows nothing"
                faults.append(Fault(work.tests, node.lineno, message))
            if lines & failed:
                message = "this assert failed, and its test passed: what swallowed it?"
                faults.append(Fault(work.tests, node.lineno, message))
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
        for node in nodes_of(text)
        if isinstance(node, ast.stmt)
        and not isinstance(node, ast.Global | ast.Nonlocal)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.AnnAssign) and node.value is None)
    }


def _where(line: int) -> str:
    return f"to line {line}" if line > 0 else "out of the function"
