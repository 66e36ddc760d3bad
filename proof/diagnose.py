"""Runs ruff, mypy and pyright over the whole tree, and holds them to expectations."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from proof.children import Children
from proof.extract import CODE, Extract
from proof.faults import Fault
from proof.ledger import Diagnostic, Revealed, write
from proof.project import Project, is_counterexample
from proof.source import FORMAT, Expectation, expectations, reveals

PYRIGHT = ".proof/pyrightconfig{}.json"  # one for each version that is asked
REVEALS = "reveals"  # the code of an answer to ``reveal_type``
ANSWER = re.compile(r'(?:Revealed type is|Type of ".*" is) "(.*)"', re.DOTALL)
MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=\w)")  # of ``builtins.int``
NUMBER = re.compile(r"(?<=\w)`-?\d+")  # by which mypy tells type variables apart

type Output = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Tool:
    """A checker of the whole tree.

    Attributes:
        name: Its name on a page and in the ledger.
        package: The distribution whose version is meant.
        command: How it is called, its targets apart.
        fresh: What makes it ignore what it remembers.
        read: Makes diagnostics of its output; paths as the tool gives them.
    """

    name: str
    package: str
    command: tuple[str, ...]
    fresh: tuple[str, ...]
    read: Callable[[Output], list[Diagnostic]]

    @property
    def version(self) -> str:
        """The installed version."""
        return version(self.package)

    def run(
        self,
        children: Children,
        root: Path,
        paths: Collection[str] = CODE,
        python: str = "",
    ) -> list[Diagnostic]:
        """Check the whole tree, or a part of it.

        Args:
            children: What runs it.
            root: The project's root.
            paths: What to check, relative to the root.
            python: For which version of Python a type checker shall check it, such as
                ``3.10``; if empty, for the one that is configured.

        Returns:
            All that it reports, in order of place.

        Raises:
            ToolError: If it broke down instead of reporting.
        """
        fresh = self.fresh if os.environ.get("FRESH") == "1" else ()
        targets = [each for each in paths if (root / each).exists()]
        if self.name == "pyright":
            targets = _configure_pyright(root, targets, python)
        elif python:
            targets = [f"--python-version={python}", *targets]
        output = children.run([*self.command, *fresh, *targets], cwd=root)
        if output.returncode not in (0, 1):
            raise ToolError(self.name, output)
        try:
            found = self.read(output)
        except (ValueError, KeyError) as error:
            raise ToolError(self.name, output) from error
        return sorted(
            (
                each.model_copy(update={"path": _relative(root, each.path)})
                for each in found
            ),
            key=lambda each: (each.path, each.line, each.code, each.message),
        )


class ToolError(Exception):
    """A tool broke down: its own words are the message."""

    def __init__(self, tool: str, output: Output) -> None:
        """Keep the end of what it printed.

        Args:
            tool: The tool's name.
            output: What it printed.
        """
        said = (output.stdout + output.stderr).strip()[-1500:]
        super().__init__(f"{tool} broke down (exit code {output.returncode}):\n{said}")


def _read_ruff(output: Output) -> list[Diagnostic]:
    return [
        Diagnostic(
            path=each["filename"],
            line=each["location"]["row"],
            tool="ruff",
            code=each["code"] or "invalid-syntax",
            message=each["message"],
            url=each.get("url") or "",
        )
        for each in json.loads(output.stdout)
    ]


def _read_ruff_format(output: Output) -> list[Diagnostic]:
    return [
        Diagnostic(
            path=path,
            line=1,
            tool="ruff",
            code=FORMAT,
            message="ruff format would change this file",
            url="https://docs.astral.sh/ruff/formatter/",
        )
        for path in sorted({each["filename"] for each in json.loads(output.stdout)})
    ]


def _read_mypy(output: Output) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for line in output.stdout.splitlines():
        each = json.loads(line)
        if each["severity"] != "error":
            found += _revealed(each["file"], each["line"], "mypy", each["message"])
            continue
        code = each["code"] or "error"
        found.append(
            Diagnostic(
                path=each["file"],
                line=each["line"],
                tool="mypy",
                code=code,
                message=each["message"],
                url=f"https://mypy.readthedocs.io/en/stable/_refs.html#code-{code}",
            )
        )
    return found


def _read_pyright(output: Output) -> list[Diagnostic]:
    place = "https://microsoft.github.io/pyright/#/configuration"
    found: list[Diagnostic] = []
    for each in json.loads(output.stdout)["generalDiagnostics"]:
        line = each.get("range", {"start": {"line": 0}})["start"]["line"] + 1
        if each["severity"] == "information":
            found += _revealed(each["file"], line, "pyright", each["message"])
            continue
        rule = each.get("rule", "error")
        found.append(
            Diagnostic(
                path=each["file"],
                line=line,
                tool="pyright",
                code=rule,
                message=each["message"],
                url=f"{place}?id={rule.lower()}" if rule != "error" else "",
            )
        )
    return found


def _revealed(path: str, line: int, tool: str, message: str) -> list[Diagnostic]:
    """Make a diagnostic of an answer to ``reveal_type``; other notes are none."""
    match = ANSWER.fullmatch(message)
    if match is None:
        return []
    said = NUMBER.sub("", MODULE.sub("", match[1]))
    return [Diagnostic(path=path, line=line, tool=tool, code=REVEALS, message=said)]


def _configure_pyright(root: Path, targets: Sequence[str], python: str) -> list[str]:
    """Tell pyright what to check, which then needs no target.

    It reads no hidden folder below its configuration, whatever it is told: so that
    stands beside the folder of extracted modules.
    """
    config: dict[str, object] = {
        "extends": "../pyproject.toml",
        "include": [f"../{each}" for each in targets],
        "executionEnvironments": [{"root": ".."}],
    }
    path = PYRIGHT.format(python)
    if python:
        config["pythonVersion"] = python
    write(root / path, json.dumps(config))
    return ["--project", path]


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


TOOLS = (
    Tool(
        "ruff format",
        "ruff",
        (*_module("ruff"), "format", "--check", "--output-format=json"),
        ("--no-cache",),
        _read_ruff_format,
    ),
    Tool(
        "ruff",
        "ruff",
        (*_module("ruff"), "check", "--output-format=json"),
        ("--no-cache",),
        _read_ruff,
    ),
    Tool(
        "mypy",
        "mypy",
        (*_module("mypy"), "--output=json", "--no-error-summary"),
        (f"--cache-dir={os.devnull}",),
        _read_mypy,
    ),
    Tool(
        "pyright",
        "pyright",
        (
            *(*_module("pyright"), "--outputjson"),
            *("--pythonpath", sys.executable),
        ),
        (),
        _read_pyright,
    ),
)


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
    return [wanted[place] for place in sorted(wanted)], faults


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


def is_code(tool: Tool, code: str) -> bool:
    """Tell whether a tool has such a code at all."""
    return code in _codes_of(tool.name)


@cache
def ruff_names() -> tuple[tuple[str, str], ...]:
    """Ask ruff for the names of its rules, and the code of each."""
    command = [*_module("ruff"), "rule", "--all", "--output-format=json"]
    rules: list[dict[str, Any]] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return tuple((rule["name"], rule["code"]) for rule in rules if rule["code"])


@cache
def _codes_of(tool: str) -> frozenset[str]:
    """Ask the tool itself for its codes; pyright's stand only in its own source."""
    match tool:
        case "ruff format":
            return frozenset({FORMAT})
        case "ruff":
            return frozenset({code for _, code in ruff_names()} | {"invalid-syntax"})
        case "mypy":
            from mypy.errorcodes import error_codes  # noqa: PLC0415 - slow, rarely asked

            return frozenset({*error_codes, "error"})
        case _:
            spec = find_spec("pyright")
            if spec is None or spec.origin is None:
                return frozenset()
            source = Path(spec.origin).parent / "dist/dist/pyright-internal.js"
            text = source.read_text(encoding="utf-8")
            return frozenset({*re.findall(r"\breport[A-Z]\w+", text), "error"})


def _relative(root: Path, path: str) -> str:
    whole = root / path
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path
