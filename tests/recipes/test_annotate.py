import inspect
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.fragments import entry
from proof.testing.record import Evidence
from snippets.recipes.annotate import (
    Finding,
    Place,
    annotation,
    escaped,
    explanations,
    main,
)
from tests.proof.conftest import environment

SITE = "https://python.example/"
MONEY = "Count money in Decimal: https://python.example/pitfalls/money/"
DEFAULTS = "Default to None: https://python.example/pitfalls/mutable-defaults/"
FAULTY = '''"""Keep an audit log."""

import os


def record(event: str, log: list[str] = []) -> list[str]:
    log.append(event)
    return log
'''
# GitHub's own cases: actions/toolkit, packages/core/__tests__/command.test.ts
PROPERTY = "percent % percent % cr \r cr \r lf \n lf \n colon : colon : comma , comma ,"
PROPERTY_ESCAPED = (
    "percent %25 percent %25 cr %0D cr %0D lf %0A lf %0A "
    "colon %3A colon %3A comma %2C comma %2C"
)
SCRIPT = Path(inspect.getfile(main)).resolve()
WORKFLOW = SCRIPT.with_name("annotate-workflow.yml")
HOOKS = SCRIPT.with_name("annotate-pre-commit.yaml")
TOOLS = Path(sys.executable).parent
PYPROJECT = '[tool.ruff.lint]\nselect = ["B", "F"]\n[tool.mypy]\nstrict = true\n'
CLEAN = '"""Keep an audit log."""\n'


def rule(name: str, title: str, *codes: str) -> entry.Rule:
    """Describe a rule in the very form in which the site does."""
    return entry.Rule(
        id=f"pitfalls-{name}",
        chapter="pitfalls",
        title=title,
        lead="",
        strength="must",
        link=f"{SITE}pitfalls/{name}/",
        codes={"ruff": [*codes]} if codes else {"mypy": ["arg-type"]},
        related={"mypy": ["misc"]} if codes else {"ruff": ["PLR0904"]},
        python=entry.Python(oldest="3.10", accepted="3.10", passed=[]),
        files=[],
    )


def listed(*rules: entry.Rule) -> str:
    """Write rules.json in the very form in which the site does."""
    whole = entry.Rules(schema_=f"{SITE}x", version=1, rules=[*rules])
    return whole.model_dump_json(by_alias=True)


RULES = listed(
    rule("god-class", "Split a class", "PLR0904"),
    rule("money", "Count money in Decimal", "RUF032", "B006"),
    rule("optional", "Test for None"),
    rule("mutable-defaults", "Default to None", "B006"),
)


def finding(code: str, message: str = "Found", path: str = "a.py") -> Finding:
    place = Place(row=3, column=28)
    return Finding(filename=path, location=place, code=code, message=message)


def read_back(text: str, special: str = "\n\r%") -> str:
    """Undo the escapes, as GitHub's runner does."""
    for sign in special:
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.json"
    path.write_text(RULES, "utf-8")
    return str(path)


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
    (tmp_path / "audit.py").write_text(CLEAN, "utf-8")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/rules.json").write_text(RULES, "utf-8")
    shutil.copy(SCRIPT, tmp_path / ".github/annotate.py")
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


def run(
    rules: str, report: object, patch: pytest.MonkeyPatch, root: str = "/repo"
) -> int:
    """Run the script on a report."""
    text = report if isinstance(report, str) else json.dumps(report)
    patch.setattr("sys.stdin", io.StringIO(text))
    patch.setenv("GITHUB_WORKSPACE", root)
    return main([rules])


def test_an_annotation_ends_with_the_title_and_link_of_the_rule_that_explains_it(
    tmp_path: Path, evidence: Evidence
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/audit.py").write_text(FAULTY, "utf-8")
    only = rule("mutable-defaults", "Default to `None`, then test identity", "B006")
    (tmp_path / "rules.json").write_text(listed(only), "utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    report = subprocess.run(  # noqa: S603 - a fixed command
        [*ruff, "--select=B,F", "--output-format=json"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    done = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, str(SCRIPT), "rules.json"],
        cwd=tmp_path,
        input=report.stdout,
        env={**os.environ, "GITHUB_WORKSPACE": str(tmp_path)},
        check=False,
        capture_output=True,
    )
    printed, said = done.stdout.decode(), done.stderr.decode()
    first = printed.partition("::")[2].partition("\n")[0].partition("::")[2]
    evidence.add("What GitHub reads, for shop/audit.py, line 6", read_back(first))
    evidence.add("What the script printed", printed + said)
    assert printed == (
        "::error file=shop/audit.py,line=6,col=41,title=ruff B006::"
        "Do not use mutable data structures for argument defaults%0A"
        "Default to `None`, then test identity: "
        f"{SITE}pitfalls/mutable-defaults/\n"
        "::error file=shop/audit.py,line=3,col=8,title=ruff F401::"
        "`os` imported but unused\n"
    )
    assert said == "2 found; without a rule: 1 F401\n"
    assert done.returncode == 1


def test_a_code_leads_to_every_rule_that_it_may_be_about() -> None:
    assert explanations(RULES) == {
        "PLR0904": [
            f"Split a class: {SITE}pitfalls/god-class/",
            f"Test for None: {SITE}pitfalls/optional/",
        ],
        "RUF032": [MONEY],
        "B006": [MONEY, DEFAULTS],
    }


def test_each_explanation_stands_on_a_line_below_the_message() -> None:
    shown = annotation(finding("B006"), [MONEY, DEFAULTS], ".")
    assert shown == (
        f"::error file=a.py,line=3,col=28,title=ruff B006::Found%0A{MONEY}%0A{DEFAULTS}"
    )


def test_what_no_rule_covers_is_annotated_without_a_link_and_counted(
    rules: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = [finding("E501"), finding("F401"), finding("B006"), finding("F401")]
    assert run(rules, report, monkeypatch) == 1
    printed, said = capsys.readouterr()
    assert "title=ruff E501::Found\n" in printed
    assert said == "4 found; without a rule: 2 F401, 1 E501\n"


def test_what_a_rule_explains_comes_first_else_in_ruffs_order(
    rules: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = [finding(code) for code in ("F401", "E501", "RUF032", "B006")]
    run(rules, report, monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    titles = [line.partition("title=")[2].partition("::")[0] for line in lines]
    assert titles == ["ruff RUF032", "ruff B006", "ruff F401", "ruff E501"]


def test_a_path_is_told_from_the_root_of_the_repository(
    rules: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "backend").mkdir()
    monkeypatch.chdir(tmp_path / "backend")
    report = [finding("B006", path=str(tmp_path / "backend/shop/audit.py"))]
    run(rules, report, monkeypatch, root=str(tmp_path))
    assert capsys.readouterr().out.startswith("::error file=backend/shop/audit.py,")


def test_outside_of_github_a_path_is_told_from_here(
    rules: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    report = json.dumps([finding("B006", path=str(tmp_path / "shop/audit.py"))])
    monkeypatch.setattr("sys.stdin", io.StringIO(report))
    assert main([rules]) == 1
    assert capsys.readouterr().out.startswith("::error file=shop/audit.py,")


def test_nothing_found_is_a_success(
    rules: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules, [], monkeypatch) == 0
    assert capsys.readouterr() == ("", "0 found; without a rule: none\n")


def test_what_ends_a_property_is_escaped_as_github_reads_it() -> None:
    assert escaped(PROPERTY, "%\r\n:,") == PROPERTY_ESCAPED
    shown = annotation(finding("B006", path=f"{PROPERTY}.py"), [], ".")
    assert shown.startswith(f"::error file={PROPERTY_ESCAPED}.py,line=3,")


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (
            "percent % percent % cr \r cr \r lf \n lf \n",
            "percent %25 percent %25 cr %0D cr %0D lf %0A lf %0A",
        ),
        ("%25 %25 %0D %0D %0A %0A", "%2525 %2525 %250D %250D %250A %250A"),
        ("colon : comma ,", "colon : comma ,"),
    ],
)
def test_what_ends_a_message_is_escaped_as_github_reads_it(
    message: str, read: str
) -> None:
    assert annotation(finding("B006", message), [], ".").split("::", 2)[2] == read


@settings(derandomize=True, database=None, deadline=None)
@given(message=st.text(), code=st.text())
def test_a_finding_is_one_command_that_reads_back_as_it_was(
    message: str, code: str
) -> None:
    shown = annotation(finding(code, message), [], ".")
    begin, properties, data = shown.split("::", 2)
    assert begin == ""
    assert not {"\r", "\n"} & {*shown}
    assert properties.count(",") == 3
    title = properties.partition("title=")[2]
    assert read_back(title, ",:\n\r%") == f"ruff {code}"
    assert read_back(data) == message


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
        ("ruff failed", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
        ('{"version": 1}', "AttributeError(\"'dict' object has no attribute 'sort'\")"),
        ('[{"code": "B006"}]', "KeyError('location')"),
        ("[1]", "TypeError(\"'int' object is not subscriptable\")"),
    ],
)
def test_a_report_that_is_none_ends_in_one_line_and_no_annotation(
    rules: str,
    report: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(rules, report, monkeypatch) == 2
    assert capsys.readouterr() == ("", f"annotate: can't read ruff's report: {why}\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"version": 2, "rules": []}', "ValueError('version 2, but 1 is read here')"),
        ('{"version": 1}', "KeyError('rules')"),
        ("<!doctype html>", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_a_list_of_rules_that_is_none_is_refused(
    tmp_path: Path,
    text: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "rules.json"
    path.write_text(text, "utf-8")
    assert run(str(path), [finding("B006")], monkeypatch) == 2
    printed, said = capsys.readouterr()
    assert not printed
    assert said.startswith(f"annotate: can't read {path}: ")
    assert why in said


def test_a_missing_list_of_rules_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("none.json", [], monkeypatch) == 2
    assert capsys.readouterr().err == (
        "annotate: can't read none.json: "
        "FileNotFoundError(2, 'No such file or directory')\n"
    )
    assert main([]) == 2
    assert "can't read the argument" in capsys.readouterr().err


def test_the_steps_of_the_workflow_annotate_what_ruff_finds(repository: Path) -> None:
    (repository / "requirements.lock").write_text("", "utf-8")
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    install, annotate = [step["run"] for step in steps if "run" in step]
    installed = bash(repository, install)
    assert installed.returncode == 0, installed.stderr
    add_tools(repository)  # what the lock would have brought
    clean = bash(repository, annotate)
    assert (clean.returncode, clean.stdout) == (0, "")
    (repository / "audit.py").write_text(FAULTY, "utf-8")
    faulty = bash(repository, annotate)
    first, second = faulty.stdout.splitlines()
    assert first.startswith("::error file=audit.py,line=6,col=41,title=ruff B006::")
    assert first.endswith(f"%0A{MONEY}%0A{DEFAULTS}")
    assert second.endswith("title=ruff F401::`os` imported but unused")
    assert faulty.returncode == 1


def test_the_job_fails_where_ruff_itself_does(repository: Path) -> None:
    add_tools(repository)
    (repository / "pyproject.toml").write_text("[tool.ruff]\nno = 1\n", "utf-8")
    (repository / ".venv/bin/python").symlink_to(sys.executable)
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    failed = bash(repository, jobs["ruff"]["steps"][-1]["run"])
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "annotate: can't read ruff's report: JSONDecodeError" in failed.stderr


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
    (repository / "audit.py").write_text(FAULTY, "utf-8")
    faulty = pre_commit(repository, "run", "--all-files")
    assert faulty.returncode == 1
    assert "B006" in faulty.stdout


def test_a_push_runs_both_checkers_on_the_whole_program(repository: Path) -> None:
    add_tools(repository)
    (repository / "pay.py").write_text('TOTAL: int = "0"\n', "utf-8")
    commit(repository)
    output = pre_commit(
        repository, "run", "--hook-stage=pre-push", "--files", "audit.py"
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
