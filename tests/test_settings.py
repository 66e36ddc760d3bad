"""Every setting that a page tells a reader to copy is one that its tool has."""

import io
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mypy.config_parser import parse_config_file
from mypy.options import Options

from proof.sources.blocks import PROSE, Block, block_text, blocks
from proof.sources.project import Project
from proof.verdicts.codes import is_code, is_setting_of_pyright
from proof.verdicts.tools import TOOLS

ROOT = Path(__file__).parents[1]
PROJECT = Project(ROOT)
_, _, MYPY, _ = TOOLS
TESTED = {"uv"}  # by the tests of the rules that show it
BLOCKS = [
    block
    for path in PROJECT.files(*PROSE)
    for block in blocks(path, PROJECT.read(path))
    if block.language == "toml"
]


def wrong(text: str, folder: Path) -> list[str]:
    """Hand each table of settings to its tool, and give what it says against them."""
    tools: dict[str, dict[str, Any]] = tomllib.loads(text).get("tool", {})
    config = folder / "pyproject.toml"
    config.write_text(text, "utf-8")
    said: list[str] = []
    for name, table in tools.items():
        if name == "ruff":
            said += of_ruff(config)
        elif name == "mypy":
            said += of_mypy(config)
        elif name == "pyright":
            unknown = (key for key in table if not is_setting_of_pyright(key))
            said += (f"pyright has no {key}" for key in unknown)
        elif name not in TESTED:
            said.append(f"nobody here asks {name} about its settings")
    return said


def of_ruff(config: Path) -> Iterator[str]:
    empty = config.with_name("empty.py")
    empty.write_text("", "utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*command, str(config), str(empty)], check=False, capture_output=True, text=True
    )
    if done.returncode > 1:  # 1: it has something against that file
        yield done.stderr.strip()


def of_mypy(config: Path) -> Iterator[str]:
    options, out, told = Options(), io.StringIO(), io.StringIO()
    parse_config_file(options, lambda: None, str(config), out, told)
    yield from told.getvalue().splitlines()
    for code in [*options.enable_error_code, *options.disable_error_code]:
        if not is_code(MYPY, code):
            yield f"mypy has no code {code}"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda each: f"{each.path}:{each.line}")
def test_a_tool_has_the_settings_that_a_page_tells_of_it(
    block: Block, tmp_path: Path
) -> None:
    assert wrong(block_text(PROJECT, block), tmp_path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tool.ruff.lint]\nselect = ["XYZ999"]\n', "XYZ999"),
        ("[tool.ruff]\nlinelength = 88\n", "unknown field"),
        ("[tool.mypy]\nstrickt = true\n", "Unrecognized option"),
        (
            '[tool.mypy]\nenable_error_code = ["overide"]\n',
            "no code overide",
        ),
        ("[tool.pyright]\nreportNothing = true\n", "pyright has no reportNothing"),
        ("[tool.pyright]\ntypeCheckMode = 1\n", "pyright has no typeCheckMode"),
        ("[tool.fastpai]\na = 1\n", "nobody here asks fastpai about its settings"),
    ],
)
def test_a_setting_that_no_tool_has_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in "\n".join(wrong(text, tmp_path))
