"""Finding the oldest Python of a rule: with real checkers, and pytest as it is here."""

import sys
from datetime import date
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from proof.children import Children
from proof.fragments.pythons import Pythons, pythons, versions_from
from proof.ledger.kept import holds
from proof.ledger.records import Claim, Older, Unit
from proof.verdicts import interpreters, older, units
from proof.verdicts.interpreters import Interpreter, environment
from proof.verdicts.older import files_of
from proof.verdicts.tools import TOOLS
from proof.verdicts.units import Work
from tests.proof.conftest import AVOID, ROOT, RULES, SNIPPET, TESTS, Planted

MODULE = "snippets/cart/add_item.py"
SINCE = {  # by the newest version that refuses it: what a snippet says
    "none": "def give() -> int:\n    return 1\n",
    "3.10": "import asyncio\n\ndef give() -> object:\n    return asyncio.timeout(1)\n",
    "3.11": "def give[T](it: T) -> T:\n    return it\n",
    "3.12": "from copy import replace\n\n__all__ = ['replace']\n",
}
DAY = date(2026, 1, 1)
HERE = Interpreter("3.12", "3.12.9", Path(sys.executable))  # it only claims to be older


class Fake:
    def __init__(self, asked: str | None, *requires: str) -> None:
        self.metadata = {"Requires-Python": asked}
        self.requires = requires


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def works(planted: Planted) -> dict[str, Work]:
    return {work.tests: work for work in units.works(planted.project) if work.subject}


def find(planted: Planted, *found: Interpreter) -> dict[str, Older]:
    with Children() as children:
        return older.older(planted.project, children, works(planted), found)


def verdict_of(accepted: list[str], refused: str = "", **said: dict[str, Any]) -> Older:
    return Older(day=DAY, files={}, by=[], accepted=accepted, refused=refused, **said)


def known(verdict: Older, **lines: list[int]) -> Pythons:
    """Tell what a verdict says of a rule whose tests ran these lines of its snippet."""
    claims = [
        Claim(name=f"test_{name}", cases=1, observed=[], lines={MODULE: ran})
        for name, ran in lines.items()
    ]
    return pythons(verdict, Unit(key="", sha256="", tests=claims), [MODULE])


def test_a_checker_is_asked_for_one_version_after_the_other(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    mypy = [tool for tool in TOOLS if tool.name == "mypy"]
    monkeypatch.setattr(older, "TOOLS", mypy)  # the next test asks pyright
    planted.write(
        RULES,
        "[cart]\n"
        + "".join(
            f'at-{version.replace(".", "-")} = {{ strength = "must", title = "T" }}\n'
            for version in SINCE
        ),
    )
    for version, text in SINCE.items():
        name = version.replace(".", "_")
        planted.write(f"snippets/cart/at_{name}.py", text)
        planted.write(f"tests/cart/test_at_{name}.py", "")
    found = find(planted)
    told = [(each.accepted, each.refused.partition(", ")[0]) for each in found.values()]
    assert told == [
        (["3.12", "3.11", "3.10"], ""),
        (["3.12", "3.11"], '3.10: mypy says Module has no attribute "timeout"'),
        (
            ["3.12"],
            "3.11: Type parameter lists are only supported in Python 3.12 and greater",
        ),
        ([], '3.12: mypy says Module "copy" has no attribute "replace"'),
    ]


def test_a_version_that_only_pyright_refuses_is_refused(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "OLDER", ("3.12",))
    planted.write(SNIPPET, "import asyncio\n\nasyncio.Queue[int]().shutdown()\n")
    monkeypatch.setattr(older, "TOOLS", TOOLS[-1:])
    assert find(planted)[TESTS].refused.startswith(
        '3.12: pyright says Cannot access attribute "shutdown"'
    )


def test_a_package_that_asks_for_a_newer_python_is_named(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())

    def runs_on(_: str, full: str) -> bool:
        return full >= "3.11"

    monkeypatch.setattr(older, "runs_on", runs_on)
    planted.write(SNIPPET, "import pydantic\n\n__all__ = ['pydantic']\n")
    verdict = find(planted)[TESTS]
    assert verdict.accepted == ["3.12", "3.11"]
    assert verdict.refused.startswith("3.10: pydantic ")


def test_the_tests_are_run_and_those_that_fail_are_kept(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    planted.append(
        TESTS, "\n\ndef test_it_fails() -> None:\n    assert add_item is None\n"
    )
    assert find(planted, HERE)[TESTS].ran == {"3.12.9": ["test_it_fails"]}


def test_what_a_test_leaves_behind_does_not_fail_another(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    planted.append(
        TESTS,
        "\n\ndef test_it_leaves() -> None:\n    async def left(): ...\n    left()\n",
    )
    assert find(planted, HERE)[TESTS].ran == {"3.12.9": []}


def test_a_test_that_itself_uses_what_python_lacks_there_is_told_apart(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    planted.append(
        SNIPPET, "\n\ndef lacks() -> None:\n    import copy\n    copy.nothing\n"
    )
    planted.append(
        TESTS,
        "\n\ndef test_it_lacks() -> None:\n    import copy\n    copy.nothing\n"
        "\n\ndef test_the_snippet_lacks() -> None:\n"
        "    from snippets.cart.add_item import lacks\n    lacks()\n"
        "\n\ndef test_it_misses_a_value() -> None:\n    add_item.nothing\n",
    )
    verdict = find(planted, HERE)[TESTS]
    assert verdict.lacking == {"3.12.9": ["test_it_lacks"]}
    assert verdict.ran == {
        "3.12.9": ["test_the_snippet_lacks", "test_it_misses_a_value"]
    }
    assert known(verdict).unfit == {"3.12.9": "It lacks"}


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        (AVOID, "type Cart = list[str]\n", older.NEWER),
        (TESTS, "import nowhere\n", "ModuleNotFoundError: No module named 'nowhere'"),
        (TESTS, "", "no test ran"),
    ],
)
def test_what_an_interpreter_cannot_run_is_told_and_no_older_one_is_tried(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, path: str, text: str, why: str
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    planted.write(path, text)
    both = [
        Interpreter("3.11", "3.11.9", HERE.path),
        Interpreter("3.10", "3.10.9", HERE.path),
    ]
    verdict = find(planted, *both)[TESTS]
    assert verdict.unfit == {"3.11.9": why}
    assert verdict.ran == {}


def test_an_import_that_fails_in_the_snippet_is_told_apart(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    planted.append(SNIPPET, "\nfrom typing import Nowhere\n")
    verdict = find(planted, HERE)[TESTS]
    why = "ImportError: cannot import name 'Nowhere' from 'typing'"
    assert (verdict.broken, verdict.unfit) == ({"3.12.9": why}, {})


def test_without_packages_an_interpreter_is_as_good_as_absent_and_that_is_told(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=None))
    verdict = find(planted, HERE)[TESTS]
    assert (verdict.ran, verdict.unfit) == ({}, {})
    told = "  3.12.9       lacks packages: see .proof/python/3.12.txt\n"
    assert capsys.readouterr().out == told


def test_an_interpreter_that_cannot_run_pytest_is_as_good_as_absent_as_well(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(older, "TOOLS", ())
    monkeypatch.setattr(older, "environment", Mock(return_value=HERE.path))
    monkeypatch.setenv("PYTHONPATH", "")  # the plugin is nowhere to be found
    verdict = find(planted, HERE)[TESTS]
    assert (verdict.ran, verdict.unfit) == ({}, {})
    told = "  3.12.9       can't run pytest: see .proof/runs/python-3.12/output.txt\n"
    assert capsys.readouterr().out == told


def test_a_rule_holds_from_the_version_on_after_which_nothing_speaks_against_it() -> (
    None
):
    verdict = verdict_of(
        ["3.12", "3.11", "3.10"],
        ran={"3.12.1": [], "3.11.7": ["test_it_grows", "test_it_ends"], "3.10.13": []},
    )
    found = known(verdict, it_grows=[3], it_ends=[3])
    assert (found.oldest, found.accepted) == ("3.12", "3.10")
    assert found.passed == ["3.12.1", "3.10.13"]
    assert found.failed == {"3.11.7": "It grows; It ends"}


def test_the_checkers_alone_decide_where_no_interpreter_is_at_hand() -> None:
    verdict = verdict_of(["3.12", "3.11"], refused="3.10: no")
    assert known(verdict).oldest == "3.11"


def test_nothing_older_than_what_the_checkers_accept_counts() -> None:
    verdict = verdict_of([], ran={"3.12.1": []})
    assert known(verdict).oldest == "3.13"


def test_tests_that_cannot_run_on_a_version_say_nothing_of_it() -> None:
    accepted = ["3.12", "3.11"]
    verdict = verdict_of(accepted, ran={"3.12.1": []}, unfit={"3.11.7": "no"})
    found = known(verdict)
    assert (found.oldest, found.passed) == ("3.11", ["3.12.1"])
    assert (found.failed, found.unfit) == ({}, {"3.11.7": "no"})


def test_a_snippet_that_cannot_be_imported_does_not_hold() -> None:
    accepted = ["3.12", "3.11"]
    verdict = verdict_of(accepted, ran={"3.12.1": []}, broken={"3.11.7": "no"})
    found = known(verdict)
    assert (found.oldest, found.failed) == ("3.12", {"3.11.7": "no"})


def test_a_failing_test_that_runs_no_line_of_the_snippet_is_a_difference() -> None:
    verdict = verdict_of(["3.12"], ran={"3.12.1": ["test_bytecode", "test_gone"]})
    found = known(verdict, it_grows=[3], bytecode=[])
    assert found.oldest == "3.12"
    assert found.passed == ["3.12.1"]
    assert found.differs == {"3.12.1": ["Bytecode", "Gone"]}


def test_versions_are_listed_from_one_on() -> None:
    assert versions_from("3.11") == ["3.11", "3.12", "3.13"]
    assert versions_from("3.13") == ["3.13"]


@pytest.mark.parametrize("path", [SNIPPET, AVOID, TESTS, "tests/cart/prices.json"])
def test_a_verdict_holds_for_the_bytes_of_all_files_of_the_rule(
    planted: Planted, path: str
) -> None:
    def files() -> dict[str, str]:
        return files_of(planted.project, works(planted)[TESTS])

    planted.write("tests/cart/prices.json", "{}")
    before = files()
    assert path in before
    planted.append(path, "\n")
    after = files()
    assert {at for at in before if before[at] != after[at]} == {path}
    assert holds(planted.root, after)
    assert not holds(planted.root, before)


def test_an_interpreter_is_found_but_never_fetched(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "OLDER", ("3.13", "3.2"))
    with Children() as children:
        found = interpreters.interpreters(children, planted.root)
    assert [each.version for each in found] == ["3.13"]
    assert found[0].full.startswith("3.13.")


def test_packages_that_cannot_be_had_are_told_in_a_file(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(planted.root / "cache"))
    planted.write("requirements.lock", f"pytest==0 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(interpreters, "distribution", Mock(return_value=Fake(None)))
    with Children() as children:
        assert environment(children, planted.root, HERE) is None
    assert "pytest" in planted.read(".proof/python/3.12.txt")


def test_an_environment_is_made_once_for_the_same_packages(planted: Planted) -> None:
    with Children() as children:
        first = environment(children, planted.root, HERE)
    assert first is not None
    planted.write(".proof/python/3.12/kept", "")
    with Children() as children:
        assert environment(children, planted.root, HERE) == first
    assert planted.read(".proof/python/3.12/kept") == ""
    planted.write("requirements.lock", "# other\n")


def test_a_package_is_left_out_if_one_that_it_needs_there_asks_for_a_newer_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes = {
        "shop": Fake(">=3.10", "cart; python_version < '3.11'", "till", "shop[all]"),
        "cart": Fake(None),
        "till": Fake(">=3.10.5", "coin"),
        "coin": Fake(None, "shop", "gone; extra == 'all'"),
        "lost": Fake(None, "gone"),
    }

    def find_fake(name: str) -> Fake:
        if name not in fakes:
            raise PackageNotFoundError(name)
        return fakes[name]

    monkeypatch.setattr(interpreters, "distribution", find_fake)
    installs = interpreters.installs.__wrapped__
    assert installs("shop", "3.11.7")
    assert not installs("shop", "3.10.4")
    assert installs("shop", "3.10.5")
    del fakes["cart"]
    assert installs("shop", "3.11.7")
    assert not installs("shop", "3.10.5")
    assert not installs("lost", "3.11.7")
