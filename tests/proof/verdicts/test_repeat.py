"""Tests are repeated in orders that can be repeated."""

from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import override
from unittest.mock import Mock

import pytest

from proof.__main__ import main
from proof.children import Children
from proof.faults import FaultsError
from proof.verdicts.repeat import repeat
from tests.proof.conftest import TESTS, Planted


class Runs(Children):
    """Runs nothing; the run of one seed fails."""

    def __init__(self, failing: int = 0) -> None:
        super().__init__()
        self.commands: list[Sequence[str]] = []
        self._failing = failing

    @override
    def run(self, command: Sequence[str], **_: object) -> CompletedProcess[str]:
        self.commands.append(command)
        failed = len(self.commands) == self._failing
        return CompletedProcess(
            command, int(failed), "1 failed" if failed else "ok", ""
        )


@pytest.mark.parametrize(
    ("of", "runs", "tests"), [("rules", 50, TESTS), ("site", 20, "tests/site/")]
)
def test_each_run_has_an_order_of_its_own(
    planted: Planted, of: str, runs: int, tests: str
) -> None:
    children = Runs()
    repeat(planted.project, children, of)
    seeds = {each for run in children.commands for each in run if "seed=" in each}
    assert len(seeds) == len(children.commands) == runs
    assert all(run[-1] == tests and "-n" in run for run in children.commands)


def test_a_run_that_fails_ends_them_and_says_how_to_run_its_order_again(
    planted: Planted,
) -> None:
    children = Runs(failing=3)
    with pytest.raises(FaultsError) as raised:
        repeat(planted.project, children, "site")
    assert len(children.commands) == 3
    message = str(raised.value)
    assert message.startswith("tests: run 3 fails; again by `python -m pytest ")
    assert "--random-order-seed=3 tests/site/`\n1 failed" in message


def test_a_site_that_is_not_built_is_asked_for(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(planted.root)
    monkeypatch.setattr("proof.__main__.signal.signal", Mock())
    assert main(["repeat", "site"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == ".proof/site: isn't built: run `make test`"
    assert not Path(".proof/site").exists()
