"""The rooms of the machinery: what may import what stands in pyproject.toml."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.conftest import ROOT

LONGEST = 300  # lines of a module
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT]
    return subprocess.run(  # noqa: S603 - a fixed command
        command, cwd=root, capture_output=True, text=True, check=False
    )


def test_each_room_imports_only_those_before_it() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_arrow_the_wrong_way_is_found(tmp_path: Path) -> None:
    for path in (ROOT / "proof").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    files = tmp_path / "proof/ground/files.py"
    arrow = "from proof.exports.pack import pack\n"
    files.write_text(files.read_text("utf-8") + arrow, "utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "proof.ground is not allowed to import proof.exports" in done.stdout


@pytest.mark.parametrize(
    "path",
    sorted(each.relative_to(ROOT).as_posix() for each in ROOT.glob("proof/**/*.py")),
)
def test_a_module_fits_on_a_few_screens_and_says_what_it_is(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= LONGEST
