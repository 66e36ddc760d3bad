"""Every Python block that stands in prose runs, and prints exactly what it shows."""

import ast
import re
import sys
import tokenize
from collections.abc import Sequence
from inspect import FrameInfo
from io import StringIO
from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

from proof.sources.blocks import PROSE, Block, blocks, python_blocks
from proof.sources.project import Project

ROOT = Path(__file__).parents[1]
OUTPUT = re.compile(r"^\s*#> ")
Failed = pytest.fail.Exception
SAMPLE = """# A page

```python
basket = ["tea", "milk"]
print(len(basket), basket)
#> 2 ['tea', 'milk']


def pay(cents: int) -> None:
    if cents < 0:
        raise ValueError("negative")
    print(cents)
    #> 1
    #> 2


for cents in (1, 2):
    pay(cents)
try:
    pay(-1)
except ValueError as error:
    print(error)
    #> negative
```
"""
"""A page of our own: so that this file has a test also while no page has a block."""


BLOCKS = [*blocks("sample.md", SAMPLE), *python_blocks(Project(ROOT))]


class Runner:
    """Runs blocks by pytest-examples, and closes its hole.

    It compares the output of each ``print`` that ran with the ``#> `` lines below, but
    leaves those alone that stand below one that never ran, or below none.
    """

    def __init__(self, evaluator: EvalExample) -> None:
        self._evaluator = evaluator
        self._evaluator.include_print = self._keep
        self._printed: list[int] = []

    def _keep(self, file: Path, frame: FrameInfo, _values: Sequence[object]) -> bool:
        ours = frame.filename == str(file)
        if ours:
            self._printed.append(frame.lineno)
        return ours

    def run(self, block: Block) -> None:
        """Run a block; the test fails where it does, or prints anything else."""
        self._printed.clear()
        example = CodeExample.create(
            block.text, path=Path(block.path), start_line=block.line
        )
        self._evaluator.run_print_check(example)
        claimed = _claimed(block.text)
        produced = self._produced(block.text)
        for line in sorted(claimed - produced):
            pytest.fail(
                f"{block.path}:{block.line + line}: nothing printed this line",
                pytrace=False,
            )
        assert len(claimed) == len(self._printed)

    def _produced(self, text: str) -> set[int]:
        """Find the lines of output that stand directly below a print that ran."""
        lines = text.splitlines()
        found: set[int] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                at = node.end_lineno or node.lineno
                if any(node.lineno <= line <= at for line in self._printed):
                    while at < len(lines) and OUTPUT.match(lines[at]):
                        at += 1
                        found.add(at)
        return found


def _claimed(text: str) -> set[int]:
    """Find every comment that looks like a line of output."""
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    return {
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT and re.match(r"#\s*>", token.string)
    }


@pytest.fixture
def runner(
    eval_example: EvalExample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Runner:
    """Give a runner whose blocks run in a folder of their own, as the main module."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.chdir(tmp_path)
    return Runner(eval_example)


def page(code: str) -> Block:
    """Plant a page of one block, whose first line is the page's line 4."""
    (block,) = blocks("docs/sample.md", f"# A page\n\n```python\n{code}```\n")
    return block


@pytest.mark.parametrize("block", BLOCKS, ids=lambda each: f"{each.path}:{each.line}")
def test_a_block_runs_and_prints_exactly_what_it_shows(
    runner: Runner, block: Block
) -> None:
    runner.run(block)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("if False:\n    print(1)\n    #> 1\n", 6),
        ("try:\n    int('1')\nexcept ValueError as e:\n    print(e)\n    #> no\n", 8),
        ("def unused() -> None:\n    print(1)\n    #> 1\n", 6),
        ("x = 1\n#> 1\n", 5),
        ("#> 1\n", 4),
        ("print(1)\n#> 1\n\n#> 1\n", 7),
        ("print(1)\n#> 1\nx = 1\n#> 1\n", 7),
        ("x = 1  #> 1\n", 4),
        ("x = 1\n# > 1\n", 5),
        ("print(1)\n#> 1\n#>2\n", 6),
        ("for x in ():\n    print(x)\n    #> 1\n", 6),
        ("print(2) if False else print(1)\n#> 1\nx = 1  #> 2\n", 6),
    ],
)
def test_a_line_of_output_that_nothing_printed_is_refused_by_its_line(
    runner: Runner, code: str, line: int
) -> None:
    with pytest.raises(Failed, match=rf"^docs/sample\.md:{line}: nothing printed this"):
        runner.run(page(code))


@pytest.mark.parametrize(
    "code",
    [
        "print(1)\n#> 2\n",
        "print(1)\n",
        "print(1)\n#> 1\n#> 2\n",
        "print(1)\nprint(2)\n#> 1\n#> 2\n",
        "for x in (1, 2):\n    print(x)\n    #> 2\n    #> 1\n",
        "for x in (1, 2):\n    print(x)\n    #> 1\n",
        "for x in (1,):\n    print(x)\n    #> 1\n    #> 1\n",
    ],
)
def test_an_output_that_is_not_the_one_shown_is_refused(
    runner: Runner, code: str
) -> None:
    with pytest.raises(Failed, match="Print output changed code"):
        runner.run(page(code))


def test_a_block_that_raises_is_refused_by_the_pages_own_line(runner: Runner) -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        runner.run(page("x = 1\n\nx / 0\n"))
    last = failed.traceback[-1]
    assert str(last.path).endswith("docs/sample.md")
    assert last.lineno + 1 == 6


def test_an_assertion_that_does_not_hold_is_refused(runner: Runner) -> None:
    with pytest.raises(AssertionError, match="assert 3 == 4"):
        runner.run(page("assert len('tea') == 4\n"))


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\n",
        "print(1, 'a', sep='-')\n#> 1-a\n",
        "print(\n    1,\n    2,\n)\n#> 1 2\n",
        "print('#> 1')\n#> #> 1\n",
        "x = '#> 1'\n",
        "if True:\n    print({2, 1})\n    #> {1, 2}\n",
    ],
)
def test_an_output_that_was_printed_may_stand(runner: Runner, code: str) -> None:
    runner.run(page(code))


def test_each_block_starts_anew(runner: Runner) -> None:
    runner.run(page("print(1)\n#> 1\nx = 1\n"))
    with pytest.raises(NameError):
        runner.run(page("x\n"))
    with pytest.raises(Failed, match="nothing printed this line"):
        runner.run(page("if False:\n    print(1)\n    #> 1\n"))


def test_pytest_examples_finds_the_same_blocks_in_all_prose() -> None:
    found = [
        (path, each.start_line, each.source)
        for path in Project(ROOT).files(*PROSE)
        for each in find_examples(ROOT / path)
    ]
    ours = python_blocks(Project(ROOT))
    assert found == [(each.path, each.line, each.text) for each in ours]


def test_every_block_of_a_page_is_found(tmp_path: Path) -> None:
    sample = tmp_path / "sample.md"
    sample.write_text(SAMPLE + SAMPLE, "utf-8")
    found = [block.line for block in blocks("sample.md", SAMPLE + SAMPLE)]
    assert found == [each.start_line for each in find_examples(sample)] == [3, 27]
