"""The codes that each tool has: a misspelt one is named as such."""

import json
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from proof.sources.comments import FORMAT
from proof.verdicts.tools import Tool, python_module

CODE = re.compile(r"report[A-Z]\w+")


def is_code(tool: Tool, code: str) -> bool:
    """Tell whether a tool has such a code at all."""
    return code in _codes_of(tool.name)


def is_setting_of_pyright(name: str) -> bool:
    """Tell whether pyright knows a setting of that name, or else has such a word."""
    return name in _words_of_pyright()


@cache
def ruff_names() -> tuple[tuple[str, str], ...]:
    """Ask ruff for the names of its rules, and the code of each."""
    command = [*python_module("ruff"), "rule", "--all", "--output-format=json"]
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
            codes = (word for word in _words_of_pyright() if CODE.fullmatch(word))
            return frozenset({*codes, "error"})


@cache
def _words_of_pyright() -> frozenset[str]:
    spec = find_spec("pyright")
    if spec is None or spec.origin is None:
        return frozenset()
    source = Path(spec.origin).parent / "dist/dist/pyright-internal.js"
    return frozenset(re.findall(r"\w+", source.read_text(encoding="utf-8")))
