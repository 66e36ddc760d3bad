"""Holds what the tools reported to what the counterexamples demand."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from proof.faults import Fault
from proof.ledger.records import Diagnostic, Revealed
from proof.sources.comments import FORMAT, Expectation, expectations, reveals
from proof.sources.extract import Extract
from proof.sources.project import Project, is_counterexample
from proof.verdicts.codes import is_code
from proof.verdicts.reports import REVEALS
from proof.verdicts.tools import Tool


class Judged(NamedTuple):
    """What is left of a tool's report once it is held to what it had to be.

    Attributes:
        found: The diagnostics that were demanded.
        revealed: The types that were demanded.
        faults: Every deviation.
    """

    found: list[Diagnostic]
    revealed: list[Revealed]
    faults: list[Fault]


def judge(
    project: Project,
    tool: Tool,
    reported: Iterable[Diagnostic],
    extracted: Sequence[Extract],
    paths: Iterable[str] | None = None,
) -> Judged:
    """Compare what a tool reported with what the counterexamples demand.

    Args:
        project: The project.
        tool: The tool.
        reported: All that it reported.
        extracted: The modules made of docstrings and pages.
        paths: The files that were checked; all if ``None``.

    Returns:
        The diagnostics that were demanded, the types that were to be revealed, and
        every deviation as a fault.
    """
    at: defaultdict[tuple[str, int], list[Diagnostic]] = defaultdict(list)
    faults: list[Fault] = []
    origin = {each.path: each for each in extracted}
    revealed = defaultdict[tuple[str, int], set[str]](set)
    for each in reported:
        if each.code == REVEALS and each.path.startswith("snippets/"):
            revealed[each.path, each.line].add(each.message)
        elif is_counterexample(each.path):
            at[each.path, each.line].append(each)
        elif source := origin.get(each.path):
            line = source.lines[min(each.line, len(source.lines)) - 1]
            faults.append(Fault(source.origin, line, _words(each)))
        else:
            faults.append(Fault(each.path, each.line, _words(each)))
    wanted: defaultdict[tuple[str, int], list[Expectation]] = defaultdict(list)
    checked = project.files("snippets/**/*.py") if paths is None else list(paths)
    for path in filter(is_counterexample, checked):
        for expected in expectations(path, project.read(path))[0]:
            formatting = (expected.tool, expected.code) == ("ruff", FORMAT)
            if (f"ruff {FORMAT}" if formatting else expected.tool) == tool.name:
                wanted[path, expected.line].append(expected)
    for place in sorted({*at, *wanted}):
        faults += _compare(tool, place, wanted[place], at[place])
    types, wrong = _compare_types(project, tool, revealed, checked)
    found = [each for place in sorted(at) for each in at[place]]
    return Judged(found, types, [*faults, *wrong])


def _compare_types(
    project: Project,
    tool: Tool,
    revealed: Mapping[tuple[str, int], set[str]],
    paths: Iterable[str],
) -> tuple[list[Revealed], list[Fault]]:
    """Hold what a checker reveals to what the snippet says above the line."""
    wanted = {
        (each.path, each.line): each
        for path in paths
        if path.startswith("snippets/")
        for each in reveals(path, project.read(path))[0]
        if each.tool == tool.name
    }
    faults: list[Fault] = []
    for place in sorted({*wanted, *revealed}):
        said = " or ".join(f"`{each}`" for each in sorted(revealed.get(place, ())))
        if place not in wanted:
            message = f"{tool.name} reveals {said}: write `# reveals: TYPE` above"
            faults.append(Fault(*place, message))
        elif not said:
            message = f"{tool.name} reveals nothing here: is there a reveal_type?"
            faults.append(Fault(*place, message))
        elif said != f"`{wanted[place].type}`":
            message = f"{tool.name} reveals {said}, not `{wanted[place].type}`"
            faults.append(Fault(*place, message))
    told = [Revealed(**asdict(wanted[place])) for place in sorted(wanted)]
    return told, faults


def _compare(
    tool: Tool,
    place: tuple[str, int],
    wanted: list[Expectation],
    got: list[Diagnostic],
) -> list[Fault]:
    expected = Counter[str]()
    for each in wanted:
        expected[each.code] += each.count
    came = Counter(each.code for each in got)
    if expected == came:
        return []
    unknown = [
        code for code in expected if code not in came and not is_code(tool, code)
    ]
    if unknown:
        message = f"{tool.name} has no code {', '.join(unknown)}: is it misspelt?"
        return [
            Fault(*place, f"{message} At this line it reports {_codes(tool, came)}")
        ]
    said = "; ".join(
        _words(each) for each in got if expected[each.code] < came[each.code]
    )
    message = f"expected {_codes(tool, expected)}, got {_codes(tool, came)}"
    return [Fault(*place, f"{message} ({said})" if said else message)]


def _codes(tool: Tool, codes: Counter[str]) -> str:
    name = tool.name.split()[0]
    return (
        " ".join(
            f"{name}[{code}]{f' x{count}' if count > 1 else ''}"
            for code, count in sorted(codes.items())
            if count
        )
        or f"nothing of {tool.name}"
    )


def _words(each: Diagnostic) -> str:
    return f"{each.tool}[{each.code}] {each.message.splitlines()[0]}"
