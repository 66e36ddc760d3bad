"""The files that recipes show beside their snippets are valid, and work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from proof.project import Project
from tests.proof.conftest import ROOT, environment
from tests.proof.test_workflows import (
    PINNED,
    WORKFLOWS,
    actions,
    parsed,
    schema_errors,
    zizmor,
)

RECIPES = ROOT / "snippets/recipes"
WORKFLOW = RECIPES / "annotate-workflow.yml"
HOOKS = RECIPES / "annotate-pre-commit.yaml"
TOOLS = Path(sys.executable).parent
RULES = """{"version": 1, "rules": [{"title": "Default to None",
"link": "https://python.example/", "codes": {"ruff": ["B006"]}}]}"""
CLEAN = '"""Keep a cart."""\n'
FAULTY = f"{CLEAN}\n\ndef add(cart: list[str] = []) -> list[str]:\n    return cart\n"
PYPROJECT = '[tool.ruff.lint]\nselect = ["B"]\n[tool.mypy]\nstrict = true\n'


def bash(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does where it names no shell."""
    path = os.pathsep.join([str(TOOLS), os.environ["PATH"]])
    return subprocess.run(  # noqa: S603 - the workflow's own commands
        ["bash", "-e", "-c", script],  # noqa: S607 - whichever bash there is
        cwd=folder,
        env=environment(PATH=path, PIP_NO_INDEX="1", GITHUB_WORKSPACE=str(folder)),
        check=False,
        capture_output=True,
        text=True,
    )


def pre_commit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pre-commit with a home of its own, and without this project's modules."""
    return subprocess.run(  # noqa: S603 - the tests' own arguments
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder,
        env=environment(
            PRE_COMMIT_HOME=str(folder / ".home"),
            PRE_COMMIT_COLOR="never",
            PYTHONPATH=os.environ.get("PYTHONPATH", ""),
        ),
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Lay out a repository as the recipe asks for, with the tools where it has them."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (tmp_path / ".gitignore").write_text(".venv\n.home\n.mypy_cache\n", "utf-8")
    (tmp_path / "cart.py").write_text(CLEAN, "utf-8")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/rules.json").write_text(RULES, "utf-8")
    shutil.copy(RECIPES / "annotate.py", tmp_path / ".github/annotate.py")
    shutil.copy(HOOKS, tmp_path / ".pre-commit-config.yaml")
    return tmp_path


def add_tools(repository: Path) -> None:
    (repository / ".venv/bin").mkdir(parents=True, exist_ok=True)
    for tool in ("ruff", "mypy", "pyright"):
        (repository / ".venv/bin" / tool).symlink_to(TOOLS / tool)


def commit(repository: Path) -> None:
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(  # noqa: S603 - fixed commands
            ["git", *arguments],  # noqa: S607 - whichever git there is
            cwd=repository,
            env=environment(),
            check=True,
        )


def test_every_file_beside_a_recipe_is_shown_by_its_page() -> None:
    project = Project(ROOT)
    pages = "".join(project.read(each.page) for each in project.recipes)
    beside = project.files("snippets/recipes/*.y*ml")
    assert {str(path.relative_to(ROOT)) for path in (WORKFLOW, HOOKS)} == {*beside}
    assert [path for path in beside if f'--8<-- "{path}"' not in pages] == []


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


def test_the_steps_of_the_workflow_annotate_what_ruff_finds(repository: Path) -> None:
    (repository / "requirements.lock").write_text("", "utf-8")
    install, annotate = [
        step.run for step in parsed(WORKFLOW.read_text("utf-8")).steps if step.run
    ]
    installed = bash(repository, install)
    assert installed.returncode == 0, installed.stderr
    add_tools(repository)  # what the lock would have brought
    clean = bash(repository, annotate)
    assert (clean.returncode, clean.stdout) == (0, "")
    (repository / "cart.py").write_text(FAULTY, "utf-8")
    faulty = bash(repository, annotate)
    assert faulty.returncode == 1
    assert faulty.stdout.startswith(
        "::error file=cart.py,line=4,col=27,title=ruff B006"
    )
    assert faulty.stdout.endswith("%0ADefault to None: https://python.example/\n")
    (repository / "pyproject.toml").write_text("[tool.ruff]\nno = 1\n", "utf-8")
    failed = bash(repository, annotate)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "annotate: can't read ruff's report" in failed.stderr


def test_pre_commit_accepts_its_configuration(tmp_path: Path) -> None:
    assert pre_commit(tmp_path, "validate-config", str(HOOKS)).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("language: system", "language: sytem", "but got: 'sytem'"),
        ("entry:", "command:", "Missing required key: entry"),
    ],
)
def test_pre_commit_notices_a_planted_fault(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(HOOKS.read_text("utf-8").replace(old, new), "utf-8")
    output = pre_commit(tmp_path, "validate-config", str(broken))
    assert output.returncode == 1
    assert said in output.stdout


def test_a_commit_runs_ruff_alone_and_is_stopped_by_it(repository: Path) -> None:
    add_tools(repository)
    commit(repository)
    clean = pre_commit(repository, "run", "--all-files")
    assert [line.split("...")[0] for line in clean.stdout.splitlines()] == [
        "ruff check",
        "ruff format",
    ]
    assert clean.returncode == 0
    (repository / "cart.py").write_text(FAULTY, "utf-8")
    faulty = pre_commit(repository, "run", "--all-files")
    assert faulty.returncode == 1
    assert "B006" in faulty.stdout


def test_a_push_runs_both_checkers_on_the_whole_program(repository: Path) -> None:
    add_tools(repository)
    (repository / "pay.py").write_text('TOTAL: int = "0"\n', "utf-8")
    commit(repository)
    output = pre_commit(
        repository, "run", "--hook-stage=pre-push", "--files", "cart.py"
    )
    assert output.returncode == 1
    assert "[assignment]" in output.stdout
    assert "reportAssignmentType" in output.stdout
    assert "ruff" not in output.stdout


def test_hooks_are_installed_for_the_stages_that_are_used() -> None:
    config = yaml.safe_load(HOOKS.read_text("utf-8"))
    used = {*config["default_stages"]}
    for hook in config["repos"][0]["hooks"]:
        used |= {*hook.get("stages", [])}
    assert used == {*config["default_install_hook_types"]}
