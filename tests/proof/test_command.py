"""The command line: whatever is wrong, one screen says where and what to do."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import override

import pytest

from proof.__main__ import ALL_FAULTS, main, report
from proof.children import Children
from proof.faults import Fault
from proof.sources.cut import cut
from proof.sources.runnable import TESTS as RUNS
from proof.verdicts.executed import statements
from proof.verdicts.outcome import Outcome
from tests.proof.conftest import (
    AVOID,
    FILES,
    PAGE,
    ROOT,
    RULES,
    SNIPPET,
    TESTS,
    Planted,
    environment,
)

B006 = {"filename": AVOID, "location": {"row": 5}, "code": "B006", "message": "No"}
SITE_TEST = "tests/site/test_links.py"
MACHINERY_TEST = "tests/proof/test_it.py"

type Said = tuple[int, str, str]


class Scripted(Children):
    """Runs no tool, but says what tools say; all is well, but for what is changed.

    Attributes:
        says: By the tool, what it says instead.
        outcomes: By the test's name, what becomes of it instead.
        html: What the built site shows.
    """

    def __init__(self, planted: Planted) -> None:
        super().__init__()
        self._planted = planted
        planted.write("docs/published.txt", "/\n")
        self.says: dict[str, Said | BaseException] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.html = "<p>Carts</p>"

    @override
    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> CompletedProcess[str]:
        tool = " ".join(command[2:4]) if command[2] == "ruff" else command[2]
        said = self.says.get(tool) or self._well(command, env or {})
        if isinstance(said, BaseException):
            raise said
        return CompletedProcess(command, *said)

    def _well(self, command: Sequence[str], env: Mapping[str, str]) -> Said:
        match command[2:4]:
            case ["ruff", "check"]:
                return 1, json.dumps([B006]), ""
            case ["ruff", _]:
                return 0, "[]", ""
            case ["pyright", _]:
                return 0, json.dumps({"generalDiagnostics": [], **READ}), ""
            case ["mkdocs", _]:
                self._planted.write(".proof/site.half/index.html", self.html)
            case ["pytest", _]:
                self._test(command, Path(env["PROOF_REPORT"]))
            case _:
                pass
        return 0, "", ""

    def _test(self, command: Sequence[str], to: Path) -> None:
        tests: dict[str, Outcome] = {}
        for path in (each for each in command if each.startswith("tests/")):
            for name in cut(self._planted.read(path)).tests:
                tests[f"{path}::{name}"] = self.outcomes.get(name) or outcome("passed")
        if SNIPPET in command:
            tests[f"{SNIPPET}::line:15,column:1"] = outcome("passed")
        to.write_text(json.dumps({"tests": tests, "errors": []}), "utf-8")
        shown = f"{TESTS}::test_a_shared_default_is_everybodys_cart|run"
        nothing: list[int] = []
        ran = {
            path: {
                "executed_lines": sorted(statements(self._planted.read(path))),
                "contexts": {"7": [shown]},
                "missing_lines": nothing,
                "excluded_lines": nothing,
                "executed_branches": nothing,
                "missing_branches": nothing,
            }
            for path in (SNIPPET, AVOID)
        }
        to.with_name("coverage.json").write_text(json.dumps({"files": ran}), "utf-8")


def ignore(*_: object) -> None:
    """Leave the handling of signals to pytest."""


def outcome(what: str, detail: str = "") -> Outcome:
    return Outcome(
        outcome=what,
        line=8,
        detail=detail,
        observed=[],
        seconds=0,
        ran=sorted(statements(FILES[TESTS])),
    )


@pytest.fixture
def scripted(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """Plant a project, and let the command run in it without any tool."""
    planted.write(SITE_TEST, "def test_links() -> None: ...\n")
    planted.write(MACHINERY_TEST, "def test_it() -> None: ...\n")
    children = Scripted(planted)
    monkeypatch.chdir(planted.root)
    monkeypatch.setattr("proof.__main__.Children", lambda: children)
    monkeypatch.setattr("proof.__main__.signal.signal", ignore)
    return children


@pytest.mark.usefixtures("scripted")
def test_where_all_is_well_it_says_so_in_a_few_lines(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    planted.commit()
    assert main(["test"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0] == "Proving what has changed since it was proven:"
    assert out.splitlines()[-2].startswith("Proven: 1 of 1 rules, in ")
    assert out.splitlines()[-1] == "6 passed, 0 failed"


def test_a_second_run_runs_no_tool_no_test_and_no_build(scripted: Scripted) -> None:
    assert main(["test"]) == 0
    tools = ("ruff check", "ruff format", "mypy", "pyright", "pytest", "mkdocs")
    scripted.says = {tool: AssertionError(f"{tool} runs again") for tool in tools}
    assert main(["test"]) == 0
    assert main(["site"]) == 0


def plant_source(_: Scripted) -> str:
    Path(PAGE).write_text("# Wrong\n", "utf-8")
    return f"{PAGE}:1: the title is not that of {RULES}: 'Start each cart empty'"


READ = {"summary": {"filesAnalyzed": 99}}


def plant_ruff(scripted: Scripted) -> str:
    found = {"filename": SNIPPET, "location": {"row": 5}, "code": "E1", "message": "No"}
    scripted.says["ruff check"] = (1, json.dumps([B006, found]), "")
    return f"{SNIPPET}:5: ruff[E1] No"


def plant_format(scripted: Scripted) -> str:
    scripted.says["ruff format"] = (1, json.dumps([{"filename": SNIPPET}]), "")
    return f"{SNIPPET}:1: ruff[format] ruff format would change this file"


def plant_mypy(scripted: Scripted) -> str:
    found = {"file": SNIPPET, "line": 5, "severity": "error"}
    said = json.dumps({**found, "code": "arg-type", "message": "No"})
    scripted.says["mypy"] = (1, said, "")
    return f"{SNIPPET}:5: mypy[arg-type] No"


def plant_pyright(scripted: Scripted) -> str:
    start = {"start": {"line": 4}}
    found = {"file": SNIPPET, "severity": "error", "rule": "reportX", "message": "No"}
    said = json.dumps({"generalDiagnostics": [{**found, "range": start}], **READ})
    scripted.says["pyright"] = (1, said, "")
    return f"{SNIPPET}:5: pyright[reportX] No"


def plant_broken_tool(scripted: Scripted) -> str:
    scripted.says["mypy"] = (2, "", "mypy: can't read pyproject.toml")
    return (
        "pyproject.toml: mypy broke down (exit code 2):\nmypy: can't read "
        "pyproject.toml"
    )


def plant_test(scripted: Scripted) -> str:
    scripted.outcomes["test_a_given_cart_grows"] = outcome("failed", "E   assert 1")
    return f"{TESTS}:8: test_a_given_cart_grows: fails\n    E   assert 1"


def plant_machinery(scripted: Scripted) -> str:
    scripted.outcomes["test_it"] = outcome("failed", "E   assert 1")
    return f"{MACHINERY_TEST}:8: test_it: fails\n    E   assert 1"


def plant_site_test(scripted: Scripted) -> str:
    scripted.outcomes["test_links"] = outcome("skipped", "later")
    return f"{SITE_TEST}:8: test_links: skipped (later): a skipped test proves nothing"


def plant_mkdocs(scripted: Scripted) -> str:
    scripted.says["mkdocs"] = (1, "", "INFO    -  x\nWARNING -  a link is lost\n")
    return "mkdocs.yml: a link is lost"


def plant_block(scripted: Scripted) -> str:
    scripted.html = "<pre>os.abort()</pre>"
    return (
        "docs/index.md: this block is not proven: 'os.abort()'. Make it a snippet of a "
        "rule, or a fence spelled ```python or one of console, json, toml, yaml"
    )


@pytest.mark.parametrize(
    "plant",
    [
        plant_source,
        plant_ruff,
        plant_format,
        plant_mypy,
        plant_pyright,
        plant_broken_tool,
        plant_test,
        plant_machinery,
        plant_site_test,
        plant_mkdocs,
        plant_block,
    ],
)
def test_whatever_stage_fails_the_command_fails_and_names_the_place(
    scripted: Scripted,
    capsys: pytest.CaptureFixture[str],
    plant: Callable[[Scripted], str],
) -> None:
    fault = plant(scripted)
    assert main(["test"]) == 1
    err = capsys.readouterr().err
    assert main(["test"]) == 1  # nor is it forgotten
    assert capsys.readouterr().err == err
    if plant is plant_source:
        assert fault in err.splitlines()
    else:
        assert err == f"\nNot proven: 1 to mend.\n\n{fault}\n"
        assert Path(ALL_FAULTS).read_text("utf-8") == f"{fault}\n"


def test_faults_of_several_stages_come_together_in_order_of_place(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = [plant_test(scripted), plant_pyright(scripted), plant_machinery(scripted)]
    assert main(["test"]) == 1
    faults = "\n".join(planted[at] for at in (1, 0, 2))
    assert capsys.readouterr().err == f"\nNot proven: 3 to mend.\n\n{faults}\n"


def test_where_something_is_at_fault_no_site_is_built(scripted: Scripted) -> None:
    plant_test(scripted)
    scripted.says["mkdocs"] = AssertionError("is built")
    assert main(["test"]) == 1


def test_what_passed_is_kept_where_another_failed(scripted: Scripted) -> None:
    plant_mypy(scripted)
    assert main(["test"]) == 1
    scripted.says = {
        "pyright": AssertionError("runs again"),
        "pytest": AssertionError("runs again"),
        "mkdocs": (1, "", "WARNING - the next stage"),
    }
    assert main(["test"]) == 1
    assert Path(ALL_FAULTS).read_text("utf-8") == "mkdocs.yml: the next stage\n"


def test_a_missing_part_is_listed_by_test_and_refused_by_site(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.outcomes["test_a_given_cart_grows"] = outcome("missing", "gcc")
    assert main(["test"]) == 0
    assert "\nNot proven here: gcc\n" in capsys.readouterr().out
    assert main(["site"]) == 1
    assert capsys.readouterr().err == (
        "\nNot proven: 1 to mend.\n\n"
        f"{PAGE}: not proven here: gcc: install it, or build where it is\n"
    )
    assert not Path("site").exists()


def test_a_part_that_pages_of_all_rules_need_is_refused_by_site(
    scripted: Scripted, planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    planted.write(RUNS, "def test_all_run() -> None: ...\n")
    scripted.outcomes["test_all_run"] = outcome("missing", "Python for the browser")
    scripted.outcomes["test_links"] = outcome("missing", "a browser")  # of the reader
    assert main(["site"]) == 1
    assert capsys.readouterr().err == (
        "\nNot proven: 1 to mend.\n\n"
        f"{RUNS}: not proven here: Python for the browser: "
        "install it, or build where it is\n"
    )


def test_the_site_is_written_as_a_whole_and_stays_where_the_next_one_fails(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("site").mkdir()
    Path("site/gone.html").write_text("", "utf-8")
    assert main(["site"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "The site is in site/: any web server can serve it."
    assert Path("site/index.html").read_text("utf-8") == "<p>Carts</p>"
    assert not Path("site/gone.html").exists()
    scripted.html = "<pre>os.abort()</pre>"
    Path("docs/index.md").write_text("# New\n", "utf-8")
    assert main(["site"]) == 1
    assert Path("site/index.html").read_text("utf-8") == "<p>Carts</p>"


def test_an_interruption_is_told_in_one_line(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.says["mypy"] = KeyboardInterrupt()
    assert main(["test"]) == 130
    said = "\nInterrupted. What was proven until now is kept.\n"
    assert capsys.readouterr().err == said


@pytest.mark.usefixtures("scripted")
def test_an_unreadable_ledger_is_named_and_made_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(".proof").mkdir()
    Path(".proof/ledger.json").write_text("{", "utf-8")
    assert main(["test"]) == 0
    assert ".proof/ledger.json: can't be trusted" in capsys.readouterr().out
    assert main(["test"]) == 0
    assert "trusted" not in capsys.readouterr().out


@pytest.mark.usefixtures("scripted")
def test_without_the_history_it_says_what_that_leaves_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost = "that no id and no address that was ever published is gone: there is no "
    assert main(["check"]) == 0
    assert f"\nNot checked here: {lost}history" in capsys.readouterr().out
    assert main(["test"]) == 0
    assert f"\nNot proven here: {lost}history" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, ".proof/lock: the disk is full: make room and try again\n"),
        (errno.EDQUOT, ".proof/lock: the disk is full: make room and try again\n"),
        (errno.EROFS, ".proof/lock: can't be written: make it this user's, and "),
        (errno.EACCES, ".proof/lock: can't be written: make it this user's, and "),
    ],
    ids=["full", "quota", "read-only", "another user's"],
)
def test_where_nothing_can_be_written_one_line_says_what_to_do(
    planted: Planted,
    scripted: Scripted,
    capsys: pytest.CaptureFixture[str],
    number: int,
    says: str,
) -> None:
    file = planted.root / ".proof/lock"
    scripted.says["mypy"] = OSError(number, os.strerror(number), str(file))
    assert main(["test"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(says)
    assert err.count("\n") == 1


def test_without_room_for_temporary_files_it_is_said_where(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "No usable temporary directory found in ['/tmp']"
    scripted.says["pytest"] = FileNotFoundError(errno.ENOENT, said)
    assert main(["test"]) == 1
    advice = "make room there, or let TMPDIR name another"
    assert capsys.readouterr().err == f"{said}: {advice}\n"


def test_any_other_error_of_the_system_is_a_defect(scripted: Scripted) -> None:
    scripted.says["mypy"] = OSError(errno.ENOTDIR, "Not a directory", "x")
    with pytest.raises(NotADirectoryError):
        main(["test"])


def test_a_real_disk_that_is_full_ends_in_one_line(planted: Planted) -> None:
    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = subprocess.run(
        [sys.executable, "-m", "proof", "test"],
        cwd=planted.root,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=fill,
    )
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith(": the disk is full: make room and try again\n")


def test_a_package_that_is_gone_ends_in_one_line(
    planted: Planted, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hidden = tmp_path_factory.mktemp("hidden")
    hidden.joinpath("watchfiles.py").write_text("import no_such_package\n", "utf-8")
    path = f"{hidden}{os.pathsep}{ROOT}"
    done = planted.proof("check", PYTHONPATH=path)
    assert done.returncode == 1
    assert done.stderr == (
        ".venv is broken (No module named 'no_such_package'): "
        "remove it, and have make set it up anew\n"
    )


def test_check_lists_all_faults_of_the_sources_at_once(
    scripted: Scripted, planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    planted.commit()
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "The sources of 1 rules are in order.\n"
    Path("docs/cart/lost.md").write_text("# Lost\n", "utf-8")
    Path("snippets/cart/lost.py").write_text("", "utf-8")
    scripted.says["pytest"] = AssertionError("nothing is run")
    assert main(["check"]) == 1
    assert capsys.readouterr().err == (
        "\nNot proven: 2 to mend.\n\n"
        f"docs/cart/lost.md: a page without a rule: add it to {RULES}\n"
        f"snippets/cart/lost.py: belongs to no rule of {RULES}\n"
    )


@pytest.mark.parametrize("lines", [40, 41])
def test_more_than_a_screen_is_cut_and_kept_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: int
) -> None:
    faults = [Fault("a.py", at, "wrong") for at in range(1, lines + 1)]
    assert report(tmp_path, faults) == 1
    said = [f"a.py:{at}: wrong" for at in range(1, lines + 1)]
    more = [f"… and more: all of it is in {ALL_FAULTS}"] if lines > 40 else []
    assert capsys.readouterr().err.splitlines() == [
        "",
        f"Not proven: {lines} to mend.",
        "",
        *said[:40],
        *more,
    ]
    assert (tmp_path / ALL_FAULTS).read_text("utf-8").splitlines() == said


def test_the_same_fault_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report(tmp_path, [Fault("a.py", 1, "wrong"), Fault("a.py", 1, "wrong")])
    assert capsys.readouterr().err == "\nNot proven: 1 to mend.\n\na.py:1: wrong\n"


def test_a_fault_of_many_lines_fills_no_more_than_a_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report(tmp_path, [Fault("a.py", 1, "wrong" + "\n    more" * 100)])
    assert len(capsys.readouterr().err.splitlines()) == 44


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: command"),
        (["prove"], "argument command: invalid choice: 'prove'"),
        (["new"], "the following arguments are required: rule"),
        (["test", "cart"], "unrecognized arguments: cart"),
    ],
    ids=["nothing", "unknown", "new without an id", "surplus"],
)
def test_a_wrong_usage_is_told_with_the_right_one(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: python -m proof")
    assert said in err


@pytest.mark.usefixtures("scripted")
def test_new_refuses_what_is_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "Cart"]) == 1
    assert "'Cart' is no id: write CHAPTER-NAME" in capsys.readouterr().err


def test_outside_of_a_project_it_says_what_is_missing_without_a_traceback(
    planted: Planted,
) -> None:
    planted.remove(RULES)
    done = planted.proof("test")
    assert (done.returncode, done.stderr) == (
        1,
        (
            "\nNot proven: 1 to mend.\n\n"
            f"{RULES}: missing: it lists the rules in reading order\n"
        ),
    )
