"""Every deviation from what a counterexample demands is told, each tool run once."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import override

import pytest

from proof.children import Children
from proof.sources.extract import extracts, write_extracts
from proof.verdicts.codes import is_code
from proof.verdicts.expected import Judged, judge
from proof.verdicts.reports import REVEALS
from proof.verdicts.tools import TOOLS, Tool, ToolError
from tests.proof.conftest import AVOID, SNIPPET, Planted

type ByTool = dict[str, Judged]

FORMAT, RUFF, MYPY, PYRIGHT = TOOLS
HOME = "docs/index.md"
SHOWN = "snippets/cart/cart_types.py"
AVOIDED = "snippets/cart/cart_avoid.py"
CART = '''"""Keep carts."""

from collections.abc import Sequence


def total(cents: Sequence[int]) -> int:
    # expect: pyright[reportReturnType]
    # expect: mypy[return-value]
    return str(sum(cents))


# expect: ruff[B006]
def surplus(cart: list[str] = []) -> list[str]:
    # expect: ruff[B006] mypy[return-value]
    return cart


def missing(cart: list[str] = []) -> int:
    return cart


# expect: ruff[B066]
def misspelt(cart: list[str] = []) -> int:
    # expect: mypy[return-valu] pyright[reportReturn]
    return cart


# expect: ruff[B006] x2
def once(cart: list[str] = []) -> list[str]:
    return cart


# expect: ruff[B006]
def twice(cart: list[str] = [], more: list[str] = []) -> list[str]:
    return cart + more


# expect: ruff[B006] x2
def both(cart: list[str] = [], more: list[str] = []) -> list[str]:
    return cart + more


# expect: mypy[format] pyright[format] ruff[return-value]
def elsewhere(cart: list[str]) -> list[str]:
    return cart
'''
UNFORMATTED = '''"""Unformatted on purpose."""
# expect: ruff[format]
X=1
'''
FORMATTED = '''"""Formatted."""

# expect: ruff[format]
X = 1
'''
SESSION = """        ['tea']
        >>> import os
        >>> add_item(1)
        [1]
"""
PAGE_BLOCKS = """
```python
import os

x: int = "tea"
```

```toml
a = 1
```

```python
x = {  'tea' : 1}
```
"""
TYPES = '''"""Show what is inferred."""

from typing import reveal_type


def show(cents: list[int], first: bool) -> None:
    """Show it."""
    # reveals: list[int]
    reveal_type(cents)
    # mypy reveals: int | None
    # pyright reveals: int | None
    reveal_type(cents[0] if first else None)
    # mypy reveals: def (object) -> str
    # pyright reveals: (obj: object, /) -> str
    reveal_type(ascii)
    # reveals: list[str]
    reveal_type(cents)
    # reveals: int
    first = not first
    reveal_type(first)
'''
REVEALED = "from typing import reveal_type\n\nreveal_type(1)\n"
WRONG = "import os\n\nX: int = 'tea'\n"
# What each tool would rather read than pyproject.toml, and what leaves a file out.
STRAYS = {
    ".gitignore": ".proof/\nwrong.py\ntest_wrong.py\n",
    ".ignore": "cart_avoid.py\n",
    ".mypy.ini": "[mypy]\nignore_errors = True\n",
    ".ruff.toml": "lint.select = []\n",
    "mypy.ini": "[mypy]\nignore_errors = True\n",
    "pyrightconfig.json": '{"exclude": ["snippets"]}',
    "ruff.toml": "lint.select = []\n",
    "snippets/cart/pyproject.toml": "[tool.ruff.lint]\nselect = []\n",
    "snippets/cart/ruff.toml": 'exclude = ["*.py"]\n',
    "tests/cart/.ruff.toml": "lint.select = []\n",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Lay out a project with faults of all kinds."""
    planted = Planted(tmp_path_factory.mktemp("planted"))
    planted.write("snippets/cart/cart_avoid.py", CART)
    planted.write("snippets/cart/unformatted_avoid.py", UNFORMATTED)
    planted.write("snippets/cart/formatted_avoid.py", FORMATTED)
    planted.write("snippets/cart/wrong.py", WRONG)
    planted.write("tests/cart/test_wrong.py", WRONG)
    planted.write(SHOWN, TYPES)
    planted.write("tests/cart/test_types.py", REVEALED)
    planted.replace(SNIPPET, "        ['tea']\n", SESSION)
    planted.append(HOME, PAGE_BLOCKS)
    for path, text in STRAYS.items():
        planted.write(path, text)
    planted.git("init", "--quiet")
    return planted


@pytest.fixture(scope="module")
def judged(planted: Planted) -> ByTool:
    """Run each tool once over that project."""
    extracted = extracts(planted.project)
    write_extracts(planted.root, extracted)
    with Children() as children, ThreadPoolExecutor() as pool:
        running = [pool.submit(tool.run, children, planted.root) for tool in TOOLS]
        return {
            tool.name: judge(planted.project, tool, run.result(), extracted)
            for tool, run in zip(TOOLS, running, strict=True)
        }


def faults_of(judged: ByTool, path: str) -> dict[str, list[str]]:
    """Tell what each tool is blamed for in a file, where there is anything."""
    said = {
        name: [
            str(fault).removeprefix(f"{path}:")
            for fault in faults
            if fault.path == path
        ]
        for name, (_, _, faults) in judged.items()
    }
    return {name: faults for name, faults in said.items() if faults}


def test_deviations_from_a_counterexample_are_told_as_expected_and_got(
    judged: ByTool,
) -> None:
    returned = 'Incompatible return value type (got "list[str]", expected "int")'
    is_no_int = 'Type "list[str]" is not assignable to return type "int"'
    mutable = "ruff[B006] Do not use mutable data structures for argument defaults"
    assert faults_of(judged, AVOIDED) == {
        "ruff": [
            "15: expected ruff[B006], got nothing of ruff",
            f"18: expected nothing of ruff, got ruff[B006] ({mutable})",
            (
                "23: ruff has no code B066: is it misspelt? "
                "At this line it reports ruff[B006]"
            ),
            "29: expected ruff[B006] x2, got ruff[B006]",
            f"34: expected ruff[B006], got ruff[B006] x2 ({mutable}; {mutable})",
            (
                "44: ruff has no code return-value: is it misspelt? "
                "At this line it reports nothing of ruff"
            ),
        ],
        "mypy": [
            "15: expected mypy[return-value], got nothing of mypy",
            (
                "19: expected nothing of mypy, got mypy[return-value] "
                f"(mypy[return-value] {returned})"
            ),
            (
                "25: mypy has no code return-valu: is it misspelt? "
                "At this line it reports mypy[return-value]"
            ),
            (
                "44: mypy has no code format: is it misspelt? "
                "At this line it reports nothing of mypy"
            ),
        ],
        "pyright": [
            (
                "19: expected nothing of pyright, got pyright[reportReturnType] "
                f"(pyright[reportReturnType] {is_no_int})"
            ),
            (
                "25: pyright has no code reportReturn: is it misspelt? "
                "At this line it reports pyright[reportReturnType]"
            ),
            (
                "44: pyright has no code format: is it misspelt? "
                "At this line it reports nothing of pyright"
            ),
        ],
    }


def test_a_counterexample_that_fails_as_it_says_has_no_fault(
    judged: ByTool,
) -> None:
    assert faults_of(judged, AVOID) == {}
    assert faults_of(judged, "snippets/cart/unformatted_avoid.py") == {}


def test_a_counterexample_that_is_formatted_against_its_word_is_refused(
    judged: ByTool,
) -> None:
    assert faults_of(judged, "snippets/cart/formatted_avoid.py") == {
        "ruff format": ["1: expected ruff[format], got nothing of ruff format"]
    }


@pytest.mark.parametrize(
    ("path", "without_docstring"),
    [("snippets/cart/wrong.py", True), ("tests/cart/test_wrong.py", False)],
)
def test_all_other_code_is_held_to_having_no_diagnostic(
    judged: ByTool,
    path: str,
    *,
    without_docstring: bool,
) -> None:
    docstring = ["1: ruff[D100] Missing docstring in public module"]
    assert faults_of(judged, path) == {
        "ruff format": ["1: ruff[format] ruff format would change this file"],
        "ruff": [
            *(docstring if without_docstring else []),
            "1: ruff[F401] `os` imported but unused",
        ],
        "mypy": [
            (
                "3: mypy[assignment] Incompatible types in assignment "
                '(expression has type "str", variable has type "int")'
            )
        ],
        "pyright": [
            '1: pyright[reportUnusedImport] Import "os" is not accessed',
            (
                "3: pyright[reportAssignmentType] Type \"Literal['tea']\" is not "
                'assignable to declared type "int"'
            ),
        ],
    }


def test_a_block_of_a_page_is_refused_by_the_pages_own_lines(
    judged: ByTool,
) -> None:
    assert faults_of(judged, HOME) == {
        "ruff format": ["14: ruff[format] ruff format would change this file"],
        "ruff": ["4: ruff[F401] `os` imported but unused"],
        "mypy": [
            (
                "6: mypy[assignment] Incompatible types in assignment "
                '(expression has type "str", variable has type "int")'
            )
        ],
        "pyright": [
            '4: pyright[reportUnusedImport] Import "os" is not accessed',
            (
                "6: pyright[reportAssignmentType] Type \"Literal['tea']\" is not "
                'assignable to declared type "int"'
            ),
        ],
    }


def test_a_session_of_a_docstring_is_refused_by_the_snippets_own_lines(
    judged: ByTool,
) -> None:
    assert faults_of(judged, SNIPPET) == {
        "ruff": ["17: ruff[F401] `os` imported but unused"],
        "mypy": [
            (
                '18: mypy[arg-type] Argument 1 to "add_item" has incompatible type '
                '"int"; expected "str"'
            )
        ],
        "pyright": [
            (
                '18: pyright[reportArgumentType] Argument of type "Literal[1]" cannot '
                'be assigned to parameter "item" of type "str" in function "add_item"'
            )
        ],
    }


def test_a_type_is_revealed_as_the_snippet_says_or_refused(judged: ByTool) -> None:
    assert faults_of(judged, SHOWN) == {
        "ruff": [
            "6: ruff[FBT001] Boolean-typed positional argument in function definition"
        ],
        **{
            tool: [
                f"17: {tool} reveals `list[int]`, not `list[str]`",
                f"19: {tool} reveals nothing here: is there a reveal_type?",
                f"20: {tool} reveals `bool`: write `# reveals: TYPE` above",
            ]
            for tool in ("mypy", "pyright")
        },
    }


def test_what_was_to_be_revealed_is_kept_for_the_page(judged: ByTool) -> None:
    kept = {
        name: [(each.path, each.line, each.type) for each in revealed]
        for name, (_, revealed, _) in judged.items()
        if revealed
    }
    assert kept == {
        "mypy": [
            (SHOWN, 9, "list[int]"),
            (SHOWN, 12, "int | None"),
            (SHOWN, 15, "def (object) -> str"),
            (SHOWN, 17, "list[str]"),
            (SHOWN, 19, "int"),
        ],
        "pyright": [
            (SHOWN, 9, "list[int]"),
            (SHOWN, 12, "int | None"),
            (SHOWN, 15, "(obj: object, /) -> str"),
            (SHOWN, 17, "list[str]"),
            (SHOWN, 19, "int"),
        ],
    }


def test_reveal_type_stands_in_no_test(judged: ByTool) -> None:
    faults = faults_of(judged, "tests/cart/test_types.py")
    assert {name: faults[name] for name in ("mypy", "pyright")} == {
        "mypy": ["3: mypy[reveals] Literal[1]?"],
        "pyright": ["3: pyright[reveals] Literal[1]"],
    }


def test_no_other_file_is_blamed(
    judged: ByTool,
) -> None:
    blamed = {fault.path for _, _, faults in judged.values() for fault in faults}
    assert blamed == {
        HOME,
        SNIPPET,
        AVOIDED,
        "snippets/cart/formatted_avoid.py",
        SHOWN,
        "snippets/cart/wrong.py",
        "tests/cart/test_types.py",
        "tests/cart/test_wrong.py",
    }


def test_the_diagnostics_of_counterexamples_are_kept_in_order_of_place(
    judged: ByTool,
) -> None:
    kept = {
        name: [(each.path.rpartition("/")[2], each.line) for each in demanded]
        for name, (demanded, _, _) in judged.items()
    }
    cart, checked = "cart_avoid.py", [9, 19, 25]
    assert kept == {
        "ruff format": [("unformatted_avoid.py", 1)],
        "ruff": [
            ("add_item_avoid.py", 5),
            *((cart, line) for line in (13, 18, 23, 29, 34, 34, 39, 39)),
        ],
        "mypy": [(cart, line) for line in checked],
        "pyright": [(cart, line) for line in checked],
    }


def test_a_diagnostic_says_where_its_tool_explains_it(
    judged: ByTool,
) -> None:
    assert [judged[tool.name].found[0].url for tool in TOOLS] == [
        "https://docs.astral.sh/ruff/formatter/",
        "https://docs.astral.sh/ruff/rules/mutable-argument-default",
        "https://mypy.readthedocs.io/en/stable/_refs.html#code-return-value",
        "https://microsoft.github.io/pyright/#/configuration?id=reportreturntype",
    ]


@pytest.mark.parametrize(
    ("tool", "code", "known"),
    [
        (FORMAT, "format", True),
        (FORMAT, "B006", False),
        (RUFF, "B006", True),
        (RUFF, "invalid-syntax", True),
        (RUFF, "B0006", False),
        (RUFF, "format", False),
        (MYPY, "arg-type", True),
        (MYPY, "arg_type", False),
        (PYRIGHT, "reportCallIssue", True),
        (PYRIGHT, "reportCallIssu", False),
        (PYRIGHT, "arg-type", False),
    ],
)
def test_every_tool_knows_its_own_codes(tool: Tool, code: str, *, known: bool) -> None:
    assert is_code(tool, code) is known


@pytest.mark.parametrize(
    ("tool", "said", "found"),
    [
        (
            RUFF,
            """[{"filename": "a.py", "location": {"row": 2}, "code": null,
                 "message": "Expected", "url": null}]""",
            ["ruff[invalid-syntax] a.py:2"],
        ),
        (
            MYPY,
            """{"file": "a.py", "line": 2, "severity": "note", "code": null,
                "message": "Revealed"}""".replace("\n", ""),
            [],
        ),
        (
            MYPY,
            """{"file": "a.py", "line": 2, "severity": "note", "code": "misc",
                "message": "Revealed type is \\"a.b.C[builtins.int]\\""}""".replace(
                "\n", ""
            ),
            ["mypy[reveals] a.py:2 C[int]"],
        ),
        (
            MYPY,
            """{"file": "a.py", "line": 2, "severity": "error", "code": null,
                "message": "Broken"}""".replace("\n", ""),
            ["mypy[error] a.py:2"],
        ),
        (
            PYRIGHT,
            """{"generalDiagnostics": [
                {"file": "a.py", "severity": "information", "message": "Revealed"},
                {"file": "a.py", "severity": "warning", "message": "Unneeded",
                 "range": {"start": {"line": 1}}, "rule": "reportX"},
                {"file": "b.py", "severity": "error", "message": "Broken"}]}""",
            ["pyright[reportX] a.py:2", "pyright[error] b.py:1"],
        ),
        (
            FORMAT,
            '[{"filename": "b.py"}, {"filename": "a.py"}, {"filename": "b.py"}]',
            ["ruff[format] a.py:1", "ruff[format] b.py:1"],
        ),
    ],
)
def test_what_a_tool_says_is_read_as_it_means_it(
    tool: Tool, said: str, found: list[str]
) -> None:
    read = tool.read(CompletedProcess([], 1, said, ""))
    assert [
        f"{each.tool}[{each.code}] {each.path}:{each.line}"
        + (f" {each.message}" if each.code == REVEALS else "")
        for each in read
    ] == found


class Recorded(Children):
    """Runs nothing, and keeps what it was told to run."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__()
        self.commands: list[list[str]] = []
        self._answer = CompletedProcess[str]([], code, said, "no memory")

    @override
    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> CompletedProcess[str]:
        self.commands.append(list(command))
        return self._answer


@pytest.mark.parametrize(
    ("code", "said"), [(2, "[]"), (-9, ""), (1, "Oops"), (1, '[{"filename": "a.py"}]')]
)
def test_a_tool_that_breaks_down_is_told_in_its_own_words(
    tmp_path: Path, code: int, said: str
) -> None:
    with pytest.raises(ToolError) as broken:
        RUFF.run(Recorded(code, said), tmp_path)
    assert str(broken.value) == f"ruff broke down (exit code {code}):\n{said}no memory"


@pytest.mark.parametrize(
    ("fresh", "more"), [("", []), ("0", []), ("1", ["--no-cache"])]
)
def test_a_tool_ignores_what_it_remembers_only_if_told_to(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, fresh: str, more: list[str]
) -> None:
    monkeypatch.setenv("FRESH", fresh)
    children = Recorded(0, "[]")
    assert RUFF.run(children, planted.root) == []
    folders = [f"{each}/**/*.py" for each in ("snippets", "tests", ".proof/blocks")]
    targets = planted.project.files("conftest.py", *folders)
    assert children.commands == [[*RUFF.command, *more, *targets]]


def test_a_file_that_pyright_did_not_read_is_told(planted: Planted) -> None:
    said = '{"generalDiagnostics": [], "summary": {"filesAnalyzed": 1}}'
    with pytest.raises(ToolError) as refused:
        PYRIGHT.run(Recorded(0, said), planted.root, [SNIPPET, AVOID])
    told = "pyright read 1 of 2 files: what leaves one out?"
    assert str(refused.value) == told


def test_each_tool_is_told_which_configuration_to_read() -> None:
    told = [each for tool in TOOLS for each in tool.command if "config" in each]
    assert told == [
        "--config=pyproject.toml",
        "--config=pyproject.toml",
        "--config-file=pyproject.toml",
    ]  # pyright's is written for each run


def test_diagnostics_come_in_order_of_place_by_paths_of_the_project(
    planted: Planted,
) -> None:
    one = '{{"filename": "{}", "location": {{"row": {}}}, "code": "{}", "message": ""}}'
    said = ", ".join([
        one.format("snippets/b.py", 1, "A001"),
        one.format(planted.root / "snippets/a.py", 10, "A001"),
        one.format("snippets/a.py", 9, "B001"),
        one.format("snippets/a.py", 9, "A001"),
        one.format("/elsewhere/a.py", 1, "A001"),
    ])  # fmt: skip
    found = RUFF.run(Recorded(1, f"[{said}]"), planted.root)
    assert [(each.path, each.line, each.code) for each in found] == [
        ("/elsewhere/a.py", 1, "A001"),
        ("snippets/a.py", 9, "A001"),
        ("snippets/a.py", 9, "B001"),
        ("snippets/a.py", 10, "A001"),
        ("snippets/b.py", 1, "A001"),
    ]


def test_modules_that_are_no_longer_written_are_removed(planted: Planted) -> None:
    extracted = extracts(planted.project)
    written = [planted.root / each.path for each in extracted]
    assert [path.exists() for path in written] == [True] * 3
    write_extracts(planted.root, extracted[1:])
    assert [path.exists() for path in written] == [False, True, True]
    write_extracts(planted.root, extracted)


def test_two_places_never_share_a_module(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    for path in ("a/b_c.py", "a_b/c.py", "a_b_c.py", "a/b/c.py", "a_sb/c.py"):
        planted.write(f"snippets/{path}", '"""Do.\n\n>>> 1\n1\n"""\n')
    for path in ("a-b.md", "a_b.md", "a/b.md", "a.b.md", "a45b.md"):
        planted.write(f"docs/{path}", "```python\nx = 1\n```\n")
    paths = [each.path for each in extracts(planted.project)]
    assert len(set(paths)) == len(paths) == 11
