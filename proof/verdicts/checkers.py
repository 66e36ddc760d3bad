"""Has the tools check the parts of the code whose bytes have changed.

A rule's files import nothing of another rule (the check of the sources holds that), so
each rule is a part of its own: a change to it leaves the verdicts on the others as they
are. All the rest is one part. A change to what all share (the configuration, the
machinery, conftests) makes all parts stale.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from proof.faults import Fault
from proof.ground.digests import key_of, sha256
from proof.ledger.records import Verdict
from proof.sources import tree
from proof.sources.extract import CODE, SESSIONS, extracts, write_extracts
from proof.sources.project import Project, Subject, is_counterexample
from proof.verdicts.expected import judge
from proof.verdicts.run import Run, say
from proof.verdicts.tools import TOOLS, Tool, ToolError

FORMATTER = "ruff format"
REST = "the rest"  # the part that is no rule's


@dataclass(frozen=True, slots=True)
class Part:
    """Code that is checked together.

    Attributes:
        key: The digest of all that a tool's verdict on it depends on.
        paths: Its modules, those made of docstrings and pages among them.
    """

    key: str
    paths: tuple[str, ...]


def parts(project: Project) -> dict[str, Part]:
    """Divide all code; that of docstrings and pages is extracted anew.

    Args:
        project: The project.

    Returns:
        The parts, by the rule's test file, and the rest.
    """
    root = project.root
    extracted = extracts(project)
    write_extracts(root, extracted)
    owners = {
        path: each.tests
        for each in project.subjects
        for path in [each.page, each.tests, *project.snippets(each)]
    }
    modules = project.files("conftest.py", *(f"{each}/**/*.py" for each in CODE))
    origins = {each.path: each.origin for each in extracted}
    divided: dict[str, list[str]] = {each.tests: [] for each in project.subjects}
    divided[REST] = []
    for path in modules:
        divided[owners.get(origins.get(path, path), REST)].append(path)
    beside = project.files(*(f"{each}/**/*" for each in CODE))
    data = [path for path in beside if not path.endswith(".py")]  # or configuration
    shared = {"shared": key_of(root, [*tree.shared(project), *data], {})}
    return {
        name: Part(key_of(root, paths, shared), tuple(paths))
        for name, paths in divided.items()
    }


def start_tools(run: Run, pool: ThreadPoolExecutor) -> list[Future[None]]:
    """Start the tools on what has changed since they gave their verdict.

    Args:
        run: The run; it takes the verdicts and the faults.
        pool: What they run in.

    Returns:
        What to wait for.
    """
    divided = parts(run.project)
    stale = {tool.name: _stale(run, tool, divided) for tool in TOOLS}
    if fresh := [name for name, names in stale.items() if not names]:
        say("unchanged", ", ".join(fresh))
    return [
        pool.submit(check, run, tool, divided, stale[tool.name])
        for tool in TOOLS
        if stale[tool.name]
    ]


def start_on(
    run: Run, pool: ThreadPoolExecutor, subjects: Sequence[Subject]
) -> list[Future[None]]:
    """Start the tools on some rules and recipes alone.

    Args:
        run: The run; it takes the verdicts and the faults.
        pool: What they run in.
        subjects: Those to check.

    Returns:
        What to wait for.
    """
    divided = parts(run.project)
    names = [each.tests for each in subjects]
    return [pool.submit(check, run, tool, divided, names) for tool in TOOLS]


def _stale(run: Run, tool: Tool, divided: Mapping[str, Part]) -> list[str]:
    known = run.ledger.tools.get(tool.name)
    keys = known.keys if known else {}
    return [name for name, part in divided.items() if keys.get(name) != part.key]


def check(
    run: Run, tool: Tool, divided: Mapping[str, Part], names: Collection[str]
) -> None:
    """Put a tool's verdict on some parts among those that it gave on the others.

    Args:
        run: The run; it takes the verdict and the faults.
        tool: The tool.
        divided: All parts.
        names: Those to check.
    """
    began = time.monotonic()
    paths = [path for name in names for path in divided[name].paths]
    try:
        if len(names) == len(divided):
            reported = tool.run(run.children, run.project.root)
        else:
            # sessions are formatted where they stand, in their docstrings
            formats = tool.name == FORMATTER
            asked = [p for p in paths if not (formats and p.startswith(SESSIONS))]
            reported = tool.run(run.children, run.project.root, asked)
    except ToolError as error:
        run.faults.append(Fault("pyproject.toml", 0, str(error)))
        return
    judged = judge(run.project, tool, reported, extracts(run.project), paths)
    wrong = {fault.path for fault in judged.faults}
    known = run.ledger.tools.get(tool.name) or Verdict(version="")
    there = {path for part in divided.values() for path in part.paths} - {*paths}
    keys = {
        name: key
        for name, key in known.keys.items()
        if name in divided and name not in names
    }
    verdict = Verdict(
        version=tool.version,
        keys=keys | {name: divided[name].key for name in names if not wrong},
        files={path: of for path, of in known.files.items() if path in there}
        | {
            path: sha256(run.project.root, path)
            for path in paths
            if path.startswith("snippets/") and path not in wrong
        },
        diagnostics=[each for each in known.diagnostics if each.path in there]
        + [each for each in judged.found if each.path not in wrong],
        revealed=[each for each in known.revealed if each.path in there]
        + [each for each in judged.revealed if each.path not in wrong],
    )
    run.faults += judged.faults
    run.keep(tools={tool.name: verdict})
    avoided = sum(is_counterexample(path) for path in paths)
    say(tool.name, f"{len(paths)} files, {avoided} of them counterexamples", began)
