"""A verdict is reused while all that it depends on is the same, and no longer."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import override

import pytest

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.fragments.project_fragments import Fragments
from proof.ledger.records import Ledger, Machine, Unit, Verdict
from proof.ledger.store import LEDGER, save
from proof.order import build_site, prove, site_key
from proof.site.build import BUILT
from proof.sources import tree
from proof.sources.project import Project
from proof.verdicts import units
from proof.verdicts.checkers import REST, parts
from proof.verdicts.run import Run
from proof.verdicts.stages import sources_key
from proof.verdicts.tools import TOOLS
from tests.proof.conftest import (
    AVOID,
    CHAPTER,
    PAGE,
    RULES,
    SNIPPET,
    TESTS,
    Planted,
)
from tests.proof.fakes import fake_tools, ran

ADD, REMOVE = TESTS, "tests/cart/test_remove_item.py"
BROWSE = "tests/shop/test_browse.py"
MACHINERY, PAGES, SITE = (
    "tests/proof/test_it.py",
    "tests/test_pages.py",
    "tests/site/test_links.py",
)
ALL_RULES = {ADD, REMOVE, BROWSE}
ABOUT_ALL = {"sources", "site", PAGES, SITE}


def checked(part: str) -> str:
    return f"the tools' verdicts on {part}"


TOOLS_ON_ALL = {checked(each) for each in (*ALL_RULES, REST)}
ALL = {*ABOUT_ALL, *ALL_RULES, *TOOLS_ON_ALL, MACHINERY}

NOTHING: set[str] = set()

type Keys = dict[str, str]

MORE_RULES = """remove-item = { strength = "must", title = "Say what is gone" }

[shop]
browse = { strength = "must", title = "Browse" }
"""


def keys(planted: Planted, commit: str = "c0ffee") -> Keys:
    """Give the key of each stage, as a run now would compute it."""
    project = planted.project
    made = Fragments(project, Ledger(machine=Machine.here()))
    return {
        "sources": sources_key(project, commit),
        **{checked(name): part.key for name, part in parts(project).items()},
        "site": site_key(project, made, commit),
        **{work.tests: work.key for work in units.works(project)},
    }


def stale(before: Keys, after: Keys) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def plant_shop(planted: Planted) -> Planted:
    """Plant three rules in two chapters, and a test of each other kind."""
    planted.append(RULES, MORE_RULES)
    for path in (REMOVE, BROWSE, MACHINERY, PAGES, SITE):
        planted.write(path, "def test_x() -> None: ...\n")
    planted.write("snippets/shop/browse/__init__.py", "")
    return planted


@pytest.fixture(scope="module", autouse=True)
def no_servers() -> Iterator[None]:
    """Leave out whatever this machine's environment points at."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*tree.SERVERS, *tree.SITE_VARIABLES):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def shop(planted: Planted) -> Planted:
    return plant_shop(planted)


@pytest.fixture(scope="module")
def same_shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, Keys]:
    """Plant a shop for tests that put back what they change, and give its keys."""
    planted = plant_shop(Planted(tmp_path_factory.mktemp("shop")))
    return planted, keys(planted)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # the code of one rule
        (SNIPPET, {*ABOUT_ALL, checked(ADD), ADD}),
        (AVOID, {*ABOUT_ALL, checked(ADD), ADD}),
        (TESTS, {*ABOUT_ALL, checked(ADD), ADD}),
        ("snippets/cart/add_item_avoid/late.py", {*ABOUT_ALL, checked(ADD), ADD}),
        ("snippets/shop/browse/pages.py", {*ABOUT_ALL, checked(BROWSE), BROWSE}),
        # what its tests may read
        (
            "snippets/cart/prices.json",
            {*ABOUT_ALL, *TOOLS_ON_ALL, MACHINERY, ADD, REMOVE},
        ),
        ("tests/cart/prices.json", {*ABOUT_ALL, *TOOLS_ON_ALL, MACHINERY, ADD, REMOVE}),
        ("snippets/shop/browse/x.toml", {*ABOUT_ALL, *TOOLS_ON_ALL, MACHINERY, BROWSE}),
        # what everybody shares
        ("conftest.py", ALL),
        ("tests/conftest.py", ALL),
        ("tests/cart/conftest.py", ALL),
        ("tests/shapes.py", ALL),
        ("tests/pytest.ini", ALL),
        ("helpers.py", ALL),
        ("proof/testing/basics.py", ALL),
        ("proof/words.txt", ALL),
        ("pyproject.toml", ALL),
        ("requirements.lock", ALL),
        (".python-version", ALL),
        ("ruff.toml", ALL),
        (".coveragerc", ALL),
        ("pyrightconfig.json", ALL),
        # the other tests
        (MACHINERY, {"sources", checked(REST), MACHINERY, PAGES, SITE}),
        ("tests/proof/fakes.py", {"sources", checked(REST), MACHINERY, PAGES, SITE}),
        (SITE, {"sources", checked(REST), MACHINERY, PAGES, SITE}),
        (PAGES, {*ABOUT_ALL, checked(REST), MACHINERY}),
        # prose, and what is shown in it
        (PAGE, ABOUT_ALL),
        (CHAPTER, {*ABOUT_ALL, MACHINERY}),
        ("README.md", {*ABOUT_ALL, MACHINERY}),
        ("mkdocs.yml", {*ABOUT_ALL, MACHINERY}),
        ("overrides/main.html", {*ABOUT_ALL, MACHINERY}),
        ("docs/assets/proven.css", {*ABOUT_ALL, MACHINERY}),
        ("Makefile", {*ABOUT_ALL, MACHINERY}),
        (".github/workflows/ci.yml", {*ABOUT_ALL, MACHINERY}),
        (".ci/run", {*ABOUT_ALL, MACHINERY}),
        # what nothing depends on
        (".coverage", NOTHING),
        (".gitignore", NOTHING),
        (".proof/ledger.json", NOTHING),
        (".mypy_cache/x.json", NOTHING),
        ("site/index.html", NOTHING),
        ("snippets/cart/__pycache__/add_item.cpython-313.pyc", NOTHING),
    ],
)
def test_a_changed_file_makes_stale_what_depends_on_it_and_nothing_else(
    same_shop: tuple[Planted, Keys], path: str, expected: set[str]
) -> None:
    planted, before = same_shop
    old = planted.read(path) if (planted.root / path).exists() else None
    planted.append(path, "\n")
    after = keys(planted)
    if old is None:
        planted.remove(path)
    else:
        planted.write(path, old)
    assert stale(before, after) == expected


def test_nothing_is_stale_where_nothing_has_changed(shop: Planted) -> None:
    before = keys(shop)
    for path in shop.project.files("docs/**/*", "snippets/**/*", "tests/**/*"):
        os.utime(shop.root / path, (0, 0))
    assert stale(before, keys(shop)) == set()


@pytest.mark.parametrize("path", [SNIPPET, TESTS, "conftest.py", PAGE])
def test_a_removed_file_is_noticed(shop: Planted, path: str) -> None:
    before = keys(shop)
    shop.remove(path)
    assert "sources" in stale(before, keys(shop))


@pytest.mark.parametrize(("path", "part"), [(PAGE, ADD), ("README.md", REST)])
def test_a_python_block_in_prose_makes_the_tools_stale(
    shop: Planted, path: str, part: str
) -> None:
    before = keys(shop)
    shop.append(path, "\n```python\nprint(1)\n#> 1\n```\n")
    found = stale(before, keys(shop)) & {*TOOLS_ON_ALL, *ALL_RULES}
    assert found == {checked(part)}


def test_a_docstrings_session_makes_the_tools_stale(shop: Planted) -> None:
    before = keys(shop)
    shop.replace(SNIPPET, '>>> add_item("tea")', '>>> add_item(  "tea")')
    assert stale(before, keys(shop)) == {*ABOUT_ALL, checked(ADD), ADD}


def test_the_list_of_rules_is_noticed(shop: Planted) -> None:
    before = keys(shop)
    shop.replace(RULES, "Say what is gone", "Say what is left")
    assert stale(before, keys(shop)) == {*ABOUT_ALL, MACHINERY}


@pytest.mark.parametrize("name", tree.SERVERS)
def test_another_server_makes_all_tests_stale(
    shop: Planted, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = keys(shop)
    monkeypatch.setenv(name, "postgresql://elsewhere")
    assert stale(before, keys(shop)) == ALL - {"sources", "site"} - TOOLS_ON_ALL


@pytest.mark.parametrize("name", ["REPO_URL", "SITE_URL", "SOURCE_DATE_EPOCH"])
def test_another_address_or_date_makes_the_site_and_its_tests_stale(
    shop: Planted, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = keys(shop)
    monkeypatch.setenv(name, "1")
    assert stale(before, keys(shop)) == {"site", PAGES, SITE}


def test_a_commit_makes_the_check_of_ids_and_the_sites_dates_stale(
    shop: Planted,
) -> None:
    assert stale(keys(shop, "1"), keys(shop, "2")) == {"sources", "site"}


def test_another_interpreter_makes_everything_stale(
    shop: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(shop)
    monkeypatch.setattr(sys, "version", sys.version.replace("3.13.", "3.13.9", 1))
    assert stale(before, keys(shop)) == ALL


def unit(work: units.Work, **changes: object) -> Unit:
    return Unit(key=work.key, sha256="", tests=[]).model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "proven"),
    [({}, True), ({"key": "other"}, False), ({"missing": ["gcc"]}, False)],
    ids=["same", "another key", "a part was missing"],
)
def test_a_verdict_is_reused_if_its_key_is_the_same_and_no_part_was_missing(
    planted: Planted, changes: dict[str, object], *, proven: bool
) -> None:
    [work] = units.works(planted.project)
    assert units.is_proven(work, {work.tests: unit(work, **changes)}) is proven
    assert not units.is_proven(work, {})


class Recorder(Children):
    """Runs nothing, and remembers what it was to run."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: list[str] = []

    @override
    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> CompletedProcess[str]:
        if "-m" in command:
            self.modules.append(command[2])
        return CompletedProcess(command, 137, "", "")


def proven(planted: Planted) -> Ledger:
    """Give the ledger of a run in which all went well."""
    now = keys(planted, commit="")
    of_parts = {name: part.key for name, part in parts(planted.project).items()}
    ledger = Ledger(
        machine=Machine.here(),
        tools={tool.name: Verdict(keys=of_parts, version="") for tool in TOOLS},
        units={
            work.tests: Unit(key=work.key, sha256="", tests=[])
            for work in units.works(planted.project)
        },
        checked={"sources": now["sources"]},
    )
    save(planted.root, ledger)
    return ledger


def started(planted: Planted) -> list[str]:
    recorder = Recorder()
    prove(planted.root, recorder, site=False)
    return sorted(recorder.modules)


def test_what_is_proven_is_not_run_again(shop: Planted) -> None:
    proven(shop)
    assert started(shop) == []


def test_fresh_proves_everything_anew(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven(planted)
    monkeypatch.setenv("FRESH", "1")
    assert started(planted) == ["mypy", "pyright", "pytest", "ruff", "ruff"]


def test_only_the_stale_tools_and_tests_are_run(planted: Planted) -> None:
    ledger = proven(planted)
    tools = {name: ledger.tools[name] for name in ("ruff", "mypy", "pyright")}
    save(planted.root, ledger.model_copy(update={"tools": tools, "units": {}}))
    assert started(planted) == ["pytest", "ruff"]


def test_a_verdict_that_is_stale_is_dropped_before_anything_is_run(
    planted: Planted,
) -> None:
    ledger = proven(planted)
    gone = {"tests/cart/test_gone.py": unit(units.works(planted.project)[0])}
    old = {TESTS: unit(units.works(planted.project)[0], key="old")}
    save(planted.root, ledger.model_copy(update={"units": gone | old}))
    assert prove(planted.root, Recorder(), site=False).ledger.units == {}


def test_a_site_that_failed_its_check_is_not_taken_for_the_one_before(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Fault] = []
    built: list[str] = []

    def build(_project: Project, _children: Children, folder: str) -> None:
        (planted.root / folder).mkdir(exist_ok=True)
        built.append(planted.read(PAGE))

    def check(*_: object) -> list[Fault]:
        return found

    monkeypatch.setattr("proof.order.build", build)
    monkeypatch.setattr("proof.order.check_site", check)
    run = Run(planted.project, Ledger(machine=Machine.here()), Recorder(), "")
    good = planted.read(PAGE)
    build_site(run)
    build_site(run)
    assert built == [good]
    found.append(Fault(PAGE, 1, "this block is not proven"))
    planted.append(PAGE, "bad\n")
    with pytest.raises(FaultsError, match="not proven"):
        build_site(run)
    planted.write(PAGE, good)
    found.clear()
    build_site(run)
    assert built == [good, f"{good}bad\n", good]


def test_a_site_that_was_removed_is_built_again(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def build(_project: Project, _children: Children, folder: str) -> None:
        (planted.root / folder).mkdir()
        built.append(folder)

    monkeypatch.setattr("proof.order.build", build)
    run = Run(planted.project, Ledger(machine=Machine.here()), Recorder(), "")
    build_site(run)
    shutil.rmtree(planted.root / BUILT)
    build_site(run)
    assert built == [BUILT, BUILT]


def test_a_second_run_runs_nothing_and_one_after_a_commit_dates_the_site(
    tmp_path: Path,
) -> None:
    (tmp_path / "project").mkdir()
    planted, log = Planted(tmp_path / "project"), tmp_path / "ran"
    fake_tools(planted)
    planted.commit()

    def run(**variables: str) -> list[str]:
        done = planted.proof("test", RAN=str(log), **variables)
        assert (done.returncode, done.stderr) == (0, "")
        return ran(log)

    everything = ["mkdocs", "mypy", "pyright", "pytest", "ruff", "ruff"]
    assert run() == everything
    whole = planted.read(LEDGER)
    assert run() == []
    assert planted.read(LEDGER) == whole
    planted.git("commit", "--quiet", "--allow-empty", "--message=Nothing")
    assert run() == ["mkdocs"]
