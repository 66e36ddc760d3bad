"""Only tests that ran, passed and executed every line prove a snippet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import override

import pytest

from proof.children import Children
from proof.ledger.records import Unit
from proof.verdicts import execute
from proof.verdicts.execute import Result, run
from proof.verdicts.executed import judge
from proof.verdicts.units import Work, works
from tests.proof.conftest import AVOID, RULES, SNIPPET, TESTS, Planted
from tests.proof.fakes import clean_environment

DOUBLE = """def double(n: int) -> int:
    return 2 * n
"""
TEST = """from snippets.cart.NAME import double


def test_it_doubles() -> None:
    assert double(2) == 4
"""


@dataclass(frozen=True)
class Case:
    """A rule with one fault.

    Attributes:
        fault: What must be said of it; empty where nothing is wrong.
        snippet: The snippet.
        avoid: The counterexample, if it has one.
        tests: The test file: imports, tests and more of them.
        missing: The parts that this machine is said to lack.
    """

    fault: str
    snippet: str = DOUBLE
    avoid: str = ""
    imports: str = ""
    tests: str = TEST
    more: str = ""
    missing: list[str] = field(default_factory=list[str])


CASES = {
    "line": Case(
        "SNIPPET:3: no test executed this line: test it or remove it",
        snippet="""def double(n: int) -> int:
    if n == 0:
        return 0
    return 2 * n
""",
    ),
    "branch": Case(
        "SNIPPET:2: no test went from here to line 4: test it or remove it",
        snippet="""def double(n: int) -> int:
    if n:
        n *= 2
    return n
""",
    ),
    "leaves": Case(
        "SNIPPET:2: no test went from here out of the function: test it or remove it",
        snippet="""def double(n: int) -> int:
    for m in (2 * n,):
        return m
""",
    ),
    "dead": Case(
        "SNIPPET:3: nothing can reach this line: remove it",
        snippet="""def double(n: int) -> int:
    return 2 * n
    return n
""",
    ),
    "never": Case(
        "SNIPPET:4: nothing can reach this line: remove it",
        snippet="""def double(n: int) -> int:
    return 2 * n
if False:
    double(3)
""",
    ),
    "alone": Case(
        "SNIPPET: no test imports it",
        tests="""def test_it_doubles() -> None: ...
""",
    ),
    "skipped": Case(
        "TESTS:9: test_later[1]: skipped (not yet): a skipped test proves nothing",
        imports="import pytest",
        more="""@pytest.mark.parametrize("n", [1])
@pytest.mark.skip("not yet")
def test_later(n: int) -> None: ...
""",
    ),
    "skips": Case(
        "TESTS:9: test_later: skipped (not yet): a skipped test proves nothing",
        imports="import pytest",
        more="""def test_later() -> None:
    pytest.skip("not yet")
""",
    ),
    "empty": Case(
        "TESTS:9: test_all[NOTSET]: skipped (got empty parameter set for (n)): "
        "a skipped test proves nothing",
        imports="import pytest",
        more="""@pytest.mark.parametrize("n", [])
def test_all(n: int) -> None: ...
""",
    ),
    "xfails": Case(
        "TESTS:9: test_later: expected to fail (not yet): such a test proves nothing",
        imports="import pytest",
        more="""@pytest.mark.xfail(reason="not yet")
def test_later() -> None:
    raise ValueError
""",
    ),
    "xpasses": Case(
        "TESTS:9: test_later: expected to fail (not yet): such a test proves nothing",
        imports="import pytest",
        more="""@pytest.mark.xfail(reason="not yet", strict=False)
def test_later() -> None: ...
""",
    ),
    "fails": Case(
        """TESTS:9: test_it_triples: fails
    TESTS:10: in test_it_triples
        assert double(2) == 6
    E   assert 4 == 6
    E    +  where 4 = double(2)""",
        more="""def test_it_triples() -> None:
    assert double(2) == 6
""",
    ),
    "torn-down": Case(
        """TESTS:15: test_it_uses: fails
    TESTS:12: in used
        raise OSError
    E   OSError""",
        imports="import pytest",
        more="""@pytest.fixture
def used():
    yield
    raise OSError


def test_it_uses(used: None) -> None: ...
""",
    ),
    "warns": Case(
        """TESTS:9: test_it_warns: fails
    TESTS:10: in test_it_warns
        warnings.warn("old", DeprecationWarning)
    E   DeprecationWarning: old""",
        imports="import warnings",
        more="""def test_it_warns() -> None:
    warnings.warn("old", DeprecationWarning)
""",
    ),
    "broken": Case(
        """TESTS: can't be run
    ImportError while importing test module 'TESTS'.
    Hint: make sure your test modules/packages have valid Python names.
    Traceback:
    TESTS:1: in <module>
        import nothing_such
    E   ModuleNotFoundError: No module named 'nothing_such'""",
        imports="import nothing_such",
    ),
    "untested": Case(
        "TESTS: holds no test: name one after what it shows, test_…",
        tests="""def check_it_doubles() -> None: ...
""",
    ),
    "left-out": Case(
        "TESTS: test_left_out did not run: nothing may leave a test out",
        more="""def test_left_out() -> None: ...
""",
    ),
    "method": Case(
        "TESTS: TestIt::test_x: write it as a function of this file",
        more="""class TestIt:
    def test_x(self) -> None: ...
""",
    ),
    "example": Case(
        """SNIPPET:4: line:4,column:1: fails
    Example at SNIPPET, line 4, column 1 did not evaluate as expected:
    Expected:
        5
    Got:
        4
    example.py:4: SybilFailure""",
        snippet='''def double(n: int) -> int:
    """Double it.

    >>> double(2)
    5
    """
    return 2 * n
''',
    ),
    "expects": Case(
        "AVOID:3: expected test[it_adds], but there is no passing test_it_adds",
        avoid="""def add(n: int) -> int:
    # expect: test[it_adds]
    return n + 2
""",
        more="""def test_it_runs() -> None:
    from snippets.cart.NAME_avoid import add

    assert add(2) == 4
""",
    ),
    "elsewhere": Case(
        "AVOID:3: expected test[it_doubles], but that test did not execute this line",
        avoid="""def add(n: int) -> int:
    # expect: test[it_doubles]
    return n + 2
""",
        more="""def test_it_runs() -> None:
    from snippets.cart.NAME_avoid import add

    assert add(2) == 4
""",
    ),
    "harmless": Case(
        "AVOID:2: no test executed this line: test it or remove it",
        avoid="""def add(n: int) -> int:
    return n + 2
""",
        more="""import snippets.cart.NAME_avoid
""",
    ),
    "in-an-empty-loop": Case(
        "TESTS:11: no test came to this assert: it shows nothing",
        more="""def test_all_double() -> None:
    for n in list[int]():
        assert double(n) == 3
""",
    ),
    "behind-a-condition": Case(
        "TESTS:12: no test came to this assert: it shows nothing",
        more="""def test_large_ones_double() -> None:
    x = double(2)
    if x > 100:
        assert x == 3
""",
    ),
    "in-a-task-that-nobody-awaits": Case(
        "TESTS:12: no test came to this assert: it shows nothing",
        imports="import asyncio",
        more="""def test_it_doubles_later() -> None:
    async def later() -> None:
        await asyncio.sleep(9)
        assert (
            double(2) == 5
        )

    async def main() -> None:
        task = asyncio.create_task(later())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())
""",
    ),
    "swallowed": Case(
        "TESTS:17: this assert failed, and its test passed: what swallowed it?",
        more="""def test_it_triples() -> None:
    def told(ask) -> None:
        try:
            ask()
        except Exception:
            pass

    def ask() -> None:
        assert double(2) == 6

    told(ask)
""",
    ),
    # What is no fault:
    "undisturbed": Case(
        "",
        imports="from proof.testing.record import undisturbed",
        more="""def test_it_doubles_fast() -> None:
    with undisturbed():
        assert double(2) == 4
    assert double(3) == 6
""",
    ),
    "in-a-thread": Case(
        "",
        imports="import threading",
        more="""def test_it_doubles_elsewhere() -> None:
    def ask() -> None:
        assert double(2) == 4

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
""",
    ),
    "raised-on-purpose": Case(
        "",
        imports="import pytest",
        more="""def test_it_may_be_told_to_fail() -> None:
    with pytest.raises(AssertionError):
        raise AssertionError
""",
    ),
    "reported": Case(
        "",
        avoid="""def add(n):
    # expect: mypy[x]
    return n + 2
""",
        more="""import snippets.cart.NAME_avoid
""",
    ),
    "nested": Case(
        "",
        imports="import os",
        more="""def test_a_pytest_that_this_test_starts_writes_no_report() -> None:
    assert "PROOF_REPORT" not in os.environ
""",
    ),
    "part": Case(
        "",
        imports="from proof.testing.basics import lacking",
        more="""def test_it_compiles() -> None:
    lacking("gcc")
""",
        missing=["gcc"],
    ),
    "typed": Case(
        "",
        snippet="""from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sized


class Doubles(Protocol):
    n: int

    def double(self, it: "Sized") -> int: ...


def double(n: int) -> int:
    return 2 * n
""",
    ),
    "child": Case(
        "",
        snippet="""def double(n: int) -> int:
    return 2 * n


if __name__ == "__main__":
    print(double(2))
""",
        more="""def test_it_runs_as_a_script() -> None:
    import subprocess, sys

    command = [sys.executable, "snippets/cart/NAME.py"]
    assert subprocess.check_output(command) == b'4\\n'
""",
    ),
    "cases": Case(
        "",
        imports="import pytest",
        more="""@pytest.mark.parametrize("n", ["a::b|c[d", "]"])
def test_each(n: str, observe) -> None:
    observe(n)
    observe(ValueError(1))
    observe([1])
    assert double(1) == 2
""",
    ),
}
CONFTEST = """
def pytest_collection_modifyitems(items: list) -> None:
    items[:] = [each for each in items if each.name != "test_left_out"]
"""


@dataclass(frozen=True)
class Proofs:
    """A run over all cases, and the project that it was made in."""

    planted: Planted
    works: Mapping[str, Work]
    result: Result

    def judged(self, name: str) -> tuple[Unit, str]:
        work = self.works[name]
        unit, faults = judge(self.planted.project, work, self.result)
        said = "\n".join(map(str, faults)).replace(f"{self.planted.root}/", "")
        short = (
            (work.tests, "TESTS"),
            *zip(work.snippets, ("SNIPPET", "AVOID"), strict=False),
        )
        for path, word in short:
            said = said.replace(path, word)
        return unit, said


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proofs]:
    """Run pytest once, over one rule for each case."""
    planted = Planted(tmp_path_factory.mktemp("project"))
    planted.write("tests/cart/conftest.py", CONFTEST)
    planted.write(".coveragerc", "[run]\nomit = snippets/*\n")
    planted.write("pytest.ini", "[pytest]\naddopts = -k nothing_such\n")
    for name, case in CASES.items():
        module = name.replace("-", "_")
        planted.append(RULES, f'{name} = {{ strength = "must", title = "x" }}\n')
        planted.write(f"snippets/cart/{module}.py", case.snippet)
        tests = f"{case.imports}\n{case.tests}\n\n{case.more}".replace("NAME", module)
        planted.write(f"tests/cart/test_{module}.py", tests)
        if case.avoid:
            planted.write(f"snippets/cart/{module}_avoid.py", case.avoid)
    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch)
        patch.setenv("PYTEST_ADDOPTS", "-k nothing_such")
        patch.setattr(execute, "PARALLEL_FROM", len(CASES) + 2)
        todo = works(planted.project)
        with Children() as children:
            result = run(planted.project, children, "tests", todo)
        yield Proofs(
            planted, {each.subject.name: each for each in todo if each.subject}, result
        )


@pytest.mark.parametrize("name", CASES)
def test_a_rule_has_exactly_the_faults_that_were_planted(
    proofs: Proofs, name: str
) -> None:
    unit, faults = proofs.judged(name)
    assert faults == CASES[name].fault
    assert unit.missing == CASES[name].missing


def test_pytest_itself_did_not_break_down(proofs: Proofs) -> None:
    assert proofs.result.broken == ""


def test_the_ledger_tells_which_test_ran_which_line(proofs: Proofs) -> None:
    unit, faults = proofs.judged("add-item")
    first = proofs.planted.line(SNIPPET, "if cart is None")
    shared = proofs.planted.line(AVOID, "cart.append")
    assert faults == ""
    assert {claim.name: claim.lines for claim in unit.tests} == {
        "test_a_cart_starts_empty": {SNIPPET: [first, first + 1, first + 2, first + 3]},
        "test_a_given_cart_grows": {SNIPPET: [first, first + 2, first + 3]},
        "test_a_shared_default_is_everybodys_cart": {AVOID: [shared, shared + 1]},
    }


def test_the_ledger_tells_how_much_ran(proofs: Proofs) -> None:
    unit, _ = proofs.judged("add-item")
    ran = unit.snippets[SNIPPET]
    assert (unit.examples, ran.statements, ran.branches) == (1, 5, 2)


def test_a_test_of_several_cases_is_one_claim_with_what_its_first_case_saw(
    proofs: Proofs,
) -> None:
    unit, _ = proofs.judged("cases")
    claims = [(each.name, each.cases, each.observed) for each in unit.tests]
    assert claims == [
        ("test_it_doubles", 1, []),
        ("test_each", 2, ["a::b|c[d", "ValueError: 1", "[1]"]),
    ]


def test_where_a_part_is_missing_no_snippet_is_proven(proofs: Proofs) -> None:
    assert proofs.judged("part")[0].snippets == {}


def test_a_docstring_step_that_nothing_ran_is_a_fault(proofs: Proofs) -> None:
    tests = {
        node: outcome
        for node, outcome in proofs.result.tests.items()
        if not node.startswith(SNIPPET)
    }
    work = proofs.works["add-item"]
    result = Result(tests, {}, proofs.result.ran)
    _, faults = judge(proofs.planted.project, work, result)
    assert [str(each) for each in faults] == [
        f"{SNIPPET}:15: this docstring step was not compared: see conftest.py"
    ]


def test_a_run_that_measured_nothing_proves_nothing(proofs: Proofs) -> None:
    work = proofs.works["add-item"]
    _, faults = judge(proofs.planted.project, work, Result(proofs.result.tests, {}, {}))
    assert [str(each) for each in faults] == [
        f"{path}: no test imports it" for path in (SNIPPET, AVOID)
    ]


class Ended(Children):
    """Ends each command with a code, whatever it is."""

    def __init__(self, code: int, *, report: bool) -> None:
        super().__init__()
        self._code = code
        self._report = report
        self.temporary: list[Path] = []

    @override
    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> CompletedProcess[str]:
        assert env is not None
        self.temporary.append(Path(env["TMPDIR"]))
        assert self.temporary[-1].is_dir()
        if self._report:
            whole = json.dumps({"tests": {}, "errors": []})
            Path(env["PROOF_REPORT"]).write_text(whole, "utf-8")
        return CompletedProcess(command, self._code, "said\n", "more\n")


@pytest.mark.parametrize(
    ("code", "report"),
    [(2, True), (3, True), (4, True), (-9, True), (247, True), (0, False)],
    ids=["interrupted", "internal", "usage", "killed", "guard killed", "no report"],
)
def test_a_run_that_did_not_come_to_its_end_proves_nothing(
    planted: Planted, code: int, *, report: bool
) -> None:
    children = Ended(code, report=report)
    result = run(planted.project, children, "tests", works(planted.project))
    assert result == Result({}, {}, {}, "pytest broke down:\nsaid\nmore")


@pytest.mark.parametrize("code", [0, 1, 5])
def test_a_run_that_came_to_its_end_is_judged_by_its_tests(
    planted: Planted, code: int
) -> None:
    children = Ended(code, report=True)
    [work] = works(planted.project)
    result = run(planted.project, children, "tests", [work])
    _, faults = judge(planted.project, work, result)
    assert result.broken == ""
    assert [str(each) for each in faults] == [
        f"{TESTS}: holds no test: name one after what it shows, test_…"
    ]


def test_what_an_earlier_run_left_is_not_read_again(planted: Planted) -> None:
    todo = works(planted.project)
    run(planted.project, Ended(0, report=True), "tests", todo)
    result = run(planted.project, Ended(0, report=False), "tests", todo)
    assert result.broken == "pytest broke down:\nsaid\nmore"


def test_each_run_has_a_temporary_folder_of_its_own_that_ends_with_it(
    planted: Planted,
) -> None:
    children = Ended(0, report=True)
    for name in ("tests", "machinery"):
        run(planted.project, children, name, works(planted.project))
    assert len(set(children.temporary)) == 2
    assert not any(each.exists() for each in children.temporary)
