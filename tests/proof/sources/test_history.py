"""What git doesn't remember is told."""

from pathlib import Path

import pytest

from proof.sources.history import unknown_past
from proof.verdicts.stages import sources_key
from tests.proof.conftest import Planted

LOST = "that no id and no address that was ever published is gone:"


def test_a_whole_history_leaves_nothing_open(planted: Planted) -> None:
    planted.commit()
    assert unknown_past(planted.root) == []


def test_a_shallow_clone_knows_fewer_ids_and_says_how_to_get_the_rest(
    planted: Planted, tmp_path: Path
) -> None:
    planted.commit()
    planted.append("README.md", "More.\n")
    planted.commit()
    clone = tmp_path / "clone"
    planted.git("clone", "--quiet", "--depth=1", planted.root.as_uri(), str(clone))
    assert unknown_past(clone) == [
        f"{LOST} this clone knows its last commits only; run `git fetch --unshallow`"
    ]


def test_an_export_without_its_history_says_so(planted: Planted) -> None:
    (said,) = unknown_past(planted.root)
    assert said.startswith(f"{LOST} there is no history of git here (fatal: not a git ")


def test_a_machine_without_git_says_so(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.commit()
    monkeypatch.setenv("PATH", str(planted.root))
    assert unknown_past(planted.root) == [f"{LOST} there is no git on PATH"]


def test_the_sources_are_checked_again_once_the_history_is_whole(
    planted: Planted,
) -> None:
    before = sources_key(planted.project, "c0ffee")
    planted.commit()
    assert sources_key(planted.project, "c0ffee") != before
