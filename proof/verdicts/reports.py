"""Reads what ruff, mypy and pyright print."""

import json
import re
import subprocess

from proof.ledger.records import Diagnostic
from proof.sources.comments import FORMAT

REVEALS = "reveals"  # the code of an answer to ``reveal_type``
ANSWER = re.compile(r'(?:Revealed type is|Type of ".*" is) "(.*)"', re.DOTALL)
MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=\w)")  # of ``builtins.int``
NUMBER = re.compile(r"(?<=\w)`-?\d+")  # by which mypy tells type variables apart
type Output = subprocess.CompletedProcess[str]


def read_ruff(output: Output) -> list[Diagnostic]:
    """Read the JSON of ``ruff check``."""
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


def read_ruff_format(output: Output) -> list[Diagnostic]:
    """Read the JSON of ``ruff format``."""
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


def read_mypy(output: Output) -> list[Diagnostic]:
    """Read the JSON of mypy, a line a diagnostic."""
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


def read_pyright(output: Output) -> list[Diagnostic]:
    """Read the JSON of pyright."""
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


def files_read(output: Output) -> int:
    """Tell how many files pyright says it has looked at."""
    return int(json.loads(output.stdout)["summary"]["filesAnalyzed"])


def _revealed(path: str, line: int, tool: str, message: str) -> list[Diagnostic]:
    """Make a diagnostic of an answer to ``reveal_type``; other notes are none."""
    match = ANSWER.fullmatch(message)
    if match is None:
        return []
    said = NUMBER.sub("", MODULE.sub("", match[1]))
    return [Diagnostic(path=path, line=line, tool=tool, code=REVEALS, message=said)]
