"""The workflow that a recipe shows is held to what this project's own are held to."""

import shutil
from pathlib import Path

from tests.proof.conftest import ROOT
from tests.proof.test_workflows import (
    PINNED,
    WORKFLOWS,
    actions,
    parsed,
    schema_errors,
    zizmor,
)

WORKFLOW = ROOT / "snippets/recipes/annotate-workflow.yml"


def test_the_workflow_is_valid_and_zizmor_finds_nothing_in_it(tmp_path: Path) -> None:
    assert schema_errors("vendor.github-workflows", WORKFLOW) == []
    copy = tmp_path / ".github/workflows/lint.yml"
    copy.parent.mkdir(parents=True)
    shutil.copy(WORKFLOW, copy)
    assert zizmor(tmp_path / ".github") == set()


def test_the_workflow_pins_the_actions_that_this_project_pins() -> None:
    ours = {each for path in WORKFLOWS for each in actions(path.read_text("utf-8"))}
    text = WORKFLOW.read_text("utf-8")
    assert actions(text) == PINNED.findall(text)
    assert set(actions(text)) <= ours


def test_the_workflow_may_only_read_and_has_a_time_limit() -> None:
    workflow = parsed(WORKFLOW.read_text("utf-8"))
    assert workflow.permissions == {}
    assert [(job.permissions, job.timeout) for job in workflow.jobs.values()] == [
        ({"contents": "read"}, 5)
    ]
