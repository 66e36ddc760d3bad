"""All is proven with what is locked: another environment is refused by name."""

import sys
from pathlib import Path

import pytest

from proof.children import Children
from proof.faults import FaultsError
from proof.sources.requirements import LOCK, environment_faults
from proof.verdicts.run import begin
from tests.proof.conftest import Planted

SET_UP = "remove .venv, and have make set it up anew"
ENTRY = "{} \\\n    --hash=sha256:00\n    # via shop\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package of a module and a folder, and nothing else."""
    folder = tmp_path / "packages"
    about = folder / "tea_pot-1.2.dist-info"
    (folder / "pot").mkdir(parents=True)
    (folder / "pot/lid.py").touch()
    (folder / "tea.py").touch()
    about.mkdir()
    record = "../../bin/brew,,\npot/lid.py,sha256=0,0\ntea.py,sha256=0,0\n"
    (about / "RECORD").write_text(f"{record}{about.name}/RECORD,,\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def told(planted: Planted, *entries: str) -> list[str]:
    planted.write(LOCK, "".join(map(ENTRY.format, entries)))
    return [str(fault) for fault in environment_faults(planted.root)]


@pytest.mark.usefixtures("packages")
def test_what_is_locked_and_there_is_in_order(planted: Planted) -> None:
    assert told(planted, "tea-pot==1.2", "cup==3 ; sys_platform == 'nowhere'") == []


@pytest.mark.usefixtures("packages")
def test_what_is_missing_or_of_another_version_is_named(planted: Planted) -> None:
    assert told(planted, "cup==3 ; python_version >= '3'", "tea-pot==1.3") == [
        f"{LOCK}: cup is not there, or not whole, in this environment: {SET_UP}",
        f"{LOCK}: tea-pot is 1.2, not ==1.3, in this environment: {SET_UP}",
    ]


@pytest.mark.parametrize("gone", ["tea.py", "pot/lid.py"])
def test_a_package_that_was_deleted_is_named(
    planted: Planted, packages: Path, gone: str
) -> None:
    path = packages / gone
    path.unlink()
    if path.parent != packages:
        path.parent.rmdir()
    assert told(planted, "tea-pot==1.2") == [
        f"{LOCK}: tea-pot is not there, or not whole, in this environment: {SET_UP}"
    ]


def test_nothing_is_proven_in_another_environment(planted: Planted) -> None:
    planted.write(LOCK, ENTRY.format("no-such-package==1"))
    with Children() as children, pytest.raises(FaultsError, match="no-such-package is"):
        begin(planted.project, children)
