"""What looks like a proof, and shows nothing, is refused by its place."""

from pathlib import Path

import pytest

from proof.sources.console import COMMANDS
from tests.proof.conftest import (
    AVOID,
    CHAPTER,
    PAGE,
    ROOT,
    SNIPPET,
    TESTS,
    Planted,
)
from tests.proof.sources.test_lint import Plant, found

NOBODY = (
    "nobody runs a session here: it belongs into the docstring of a module, class or "
    "function"
)
ALMOST = "write `# expect: ` on a line of its own, above the line it means"
MORE = "this silences a tool for more than one code"
MIGHT = "a tool might read it in place of what is proven"
SWALLOWS = "what swallows an AssertionError holds an assert: move it out"
REPLACES = (
    "replaces snippets.cart.add_item.add_item, which it is to test: replace what that "
    "calls"
)
LAST = '    assert add_item("milk", ["tea"]) == ["tea", "milk"]\n'
SHOWN = "shows a text that nothing asserted: assert it first"
OUTPUT = "show output by `#> ` comments"


def in_test(new: str, message: str, below: int = 0) -> Plant:
    """Plant statements in the place of a test's only assertion."""
    return Plant(TESTS, LAST, new, message, below)


PLANTS = {
    "an option of doctest": Plant(
        SNIPPET,
        '>>> add_item("tea")',
        '>>> add_item("tea")  # doctest: +SKIP',
        "no session leaves a comparison out: remove `# doctest:`",
    ),
    "a session in a comment": Plant(
        SNIPPET, "    cart.append", '    # >>> add_item("tea")\n    cart.append', NOBODY
    ),
    "a session below an attribute": Plant(
        SNIPPET,
        "\n\ndef add_item",
        '\nFIRST = "tea"\n'
        '"""What is bought first.\n\n>>> FIRST\n\'milk\'\n"""\n\n\ndef add_item',
        NOBODY,
        below=4,
    ),
    "an example without a session": Plant(
        SNIPPET,
        "        >>> add_item(\"tea\")\n        ['tea']\n",
        '        add_item("tea")\n',
        "nobody runs this example: write a `>>>` session",
        below=-1,
    ),
    "a literal block": Plant(
        SNIPPET,
        "    Args:",
        '    Such as::\n\n        add_item("tea")\n\n    Args:',
        "nobody runs what follows `::`: write a `>>>` session",
    ),
    "a step that doctest can't read": Plant(
        SNIPPET,
        '>>> add_item("tea")',
        '>>>add_item("tea")',
        "doctest can't read this: lacks blank after >>>: "
        "'        >>>add_item(\"tea\")'",
    ),
    "an expectation without a colon": Plant(
        AVOID, "# expect: ruff", "# expect ruff", ALMOST
    ),
    "an expectation with a letter less": Plant(
        AVOID, "# expect: ruff", "# expct: ruff", ALMOST
    ),
    "a marker within a string": Plant(
        SNIPPET,
        "    cart.append",
        '    """\n    # --8<-- [start:x]\n    """\n    cart.append',
        "not a region's marker: write `# --8<-- [start:name]` on its own",
        below=1,
    ),
    "formatting that is off": Plant(
        SNIPPET, "    cart.append", "    # fmt: off\n    cart.append", MORE
    ),
    "a line that is not formatted": Plant(
        SNIPPET, "    return cart", "    return cart  # fmt: skip", MORE
    ),
    "a test that silences a checker": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        "\n# mypy: ignore-errors\n\n\ndef test_a_cart",
        MORE,
        1,
    ),
    "code that only checkers see": Plant(
        SNIPPET,
        "\n\ndef add_item",
        "\nfrom typing import TYPE_CHECKING\n\n"
        "if TYPE_CHECKING:\n    LIMIT: int = 3\n\n\ndef add_item",
        "nobody runs this: `if TYPE_CHECKING:` holds imports alone",
        below=4,
    ),
    "a carriage return": Plant(
        SNIPPET,
        "    return cart\n",
        "    return cart\r\n",
        "this line ends with \\r: save the file with \\n alone (git config "
        "core.autocrlf input)",
    ),
    "a file separator": Plant(
        SNIPPET,
        "cart = []",
        'cart = ["\x1c"]',
        "holds U+001C, which nobody sees: write an escape, or remove it",
    ),
    "a next line": Plant(
        AVOID,
        "cart.append(item)",
        'cart.append(f"{item}\x85")',
        "holds U+0085, which nobody sees: write an escape, or remove it",
    ),
    "letters that run backwards": Plant(
        PAGE,
        "A default",
        "A \u202edefault",
        "holds U+202E, which nobody sees: write an escape, or remove it",
    ),
    "a coding comment": Plant(
        SNIPPET,
        '"""Keep what a',
        '# -*- coding: latin-1 -*-\n"""Keep what a',
        "all files are UTF-8: remove the coding comment",
    ),
    "an assert of a constant": in_test(
        '    assert "milk"\n', "asserts what is so by itself: ask the snippet"
    ),
    "an assert of a pair": in_test(
        '    assert (1, "add_item")\n', "asserts what is so by itself: ask the snippet"
    ),
    "an assert of a pair with a call": in_test(
        '    assert (add_item("milk"), "grows")\n',
        "asserts what is so by itself: ask the snippet",
    ),
    "an assert of a lambda": in_test(
        '    assert lambda: add_item("milk") == 1\n',
        "asserts what is so by itself: ask the snippet",
    ),
    "types that nobody checks": Plant(
        SNIPPET, "\ndef add_item", "\n@no_type_check\ndef add_item", MORE, 1
    ),
    "usage without a session": Plant(
        SNIPPET,
        "    Returns:",
        "    Usage:\n        add_item(1)\n\n    Returns:",
        "nobody runs this example: write a `>>>` session",
    ),
    "code that is broken into lines": Plant(
        PAGE,
        "A default is made once.",
        "A default is made once.\n\n`cart = []`  \n`cart.append(1)`",
        "code of several lines is run by nobody here; use ```python",
        below=2,
    ),
    "what a program prints, in lines": Plant(
        PAGE,
        "A default is made once.",
        "<samp>['tea']<br>['tea', 'milk']</samp>",
        "code without a fence is run by nobody: \"['tea']['tea', 'milk']\"; use "
        "```python",
        below=None,
    ),
    "a comparison with itself": in_test(
        '    assert add_item("milk") == add_item("milk")\n',
        "compares add_item('milk') with itself: state the value",
    ),
    "a test of nothing": in_test(
        '    print("milk")\n',
        "test_a_given_cart_grows asks nothing: assert what its name says",
        -1,
    ),
    "an assert that may fail": in_test(
        "    try:\n        assert not add_item\n"
        "    except Exception:\n        print()\n",
        SWALLOWS,
    ),
    "an assert that is suppressed": in_test(
        "    with suppress(AssertionError):\n        assert not add_item\n", SWALLOWS
    ),
    "an assert that is to fail": in_test(
        "    with pytest.raises(AssertionError):\n        assert not add_item\n",
        SWALLOWS,
    ),
    "tests that ask each other": in_test(
        "    one()\n\n\ndef one() -> None:\n    two()\n\n\n"
        "def two() -> None:\n    one()\n",
        "test_a_given_cart_grows asks nothing: assert what its name says",
        -1,
    ),
    "a patched snippet": in_test(
        '    monkeypatch.setattr("snippets.cart.add_item.add_item", list)\n'
        "    assert add_item\n",
        REPLACES,
    ),
    "a snippet that a fixture patches": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        "\nimport snippets.cart.add_item as snippet\n\n\n"
        "@pytest.fixture(autouse=True)\n"
        'def quick(monkeypatch):\n    monkeypatch.setattr(snippet, "add_item", list)\n'
        "\n\ndef test_a_cart",
        REPLACES,
        below=6,
    ),
    "a snippet that is set": in_test(
        "    import snippets.cart.add_item as snippet\n"
        "    snippet.add_item = list\n    assert add_item\n",
        REPLACES,
        1,
    ),
    "a name of the snippet that is taken": in_test(
        "    add_item = list\n    assert add_item\n", REPLACES
    ),
    "a text that nothing asserted": in_test(
        '    observe("the cart holds milk")\n    assert add_item\n', SHOWN
    ),
    "an outcome that nothing asserted": in_test(
        '    attack.now(f"refused")\n    assert add_item\n', SHOWN
    ),
    "a counterexample among the advice": Plant(
        PAGE,
        '--8<-- "cart/add-item/do.md"',
        '--8<-- "cart/add-item/do.md"\n\n--8<-- "cart/add-item/quoted.md"',
        "cart/add-item/quoted.md shows what not to do: it stands below `## Avoid`",
        below=2,
    ),
    "advice among the counterexamples": Plant(
        PAGE,
        '--8<-- "cart/add-item/avoid.md"',
        '--8<-- "cart/add-item/avoid.md"\n\n--8<-- "cart/add-item/whole.md"',
        "cart/add-item/whole.md shows what to do: it stands below `## Do`",
        below=2,
    ),
    "a counterexample where nothing says so": Plant(
        CHAPTER,
        '--8<-- "cart/rules.md"',
        '--8<-- "cart/rules.md"\n\n--8<-- "cart/add-item/avoid.md"',
        "write cart/add-item/quoted.md: here nothing else says Avoid",
        below=2,
    ),
    "code of several lines in a sentence": Plant(
        PAGE,
        "A default is made once.",
        "A default is made once: `cart = []\ncart.append(1)\nprint(cart)`.",
        "code of several lines is run by nobody here; use ```python",
    ),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_what_proves_nothing_is_named_with_its_file_and_line(
    planted: Planted, plant: Plant
) -> None:
    at = planted.replace(plant.path, plant.old, plant.new)
    place = plant.path if plant.below is None else f"{plant.path}:{at + plant.below}"
    assert f"{place}: {plant.message}" in found(planted)


@pytest.mark.parametrize("path", ["tests/conftest.py", "tests/cart/conftest.py"])
def test_a_fixture_that_all_tests_share_replaces_no_snippet(
    planted: Planted, path: str
) -> None:
    planted.write(
        path,
        "import pytest\nimport snippets.cart.add_item as snippet\n\n\n"
        "@pytest.fixture(autouse=True)\ndef quick(monkeypatch):\n"
        '    monkeypatch.setattr(snippet, "add_item", list)\n',
    )
    assert f"{path}:7: {REPLACES}" in found(planted)


@pytest.mark.parametrize(
    "test",
    [
        "    assert add_item\n    observe('milk was added')\n",
        "    with pytest.raises(TypeError):\n        add_item()\n",
        "    add_item('milk')\n",
        "    check()\n\n\ndef check() -> None:\n    assert add_item\n",
        "    with pytest.raises(AssertionError):\n        add_item('milk')\n",
        "    patch('snippets.cart.add_item.LIMIT', 3)\n    assert add_item\n",
        "    assert add_item is add_item  # noqa: PLR0124 - the claim\n",
        "    one = add_item\n    assert one == one  # noqa: PLR0124 - the claim\n",
        "    # mypy: enable-error-code=deprecated\n    assert add_item\n",
    ],
)
def test_a_test_that_can_fail_may_stand(planted: Planted, test: str) -> None:
    planted.replace(TESTS, LAST, test)
    assert found(planted) == []


def test_a_counterexample_that_demands_nothing_is_refused(planted: Planted) -> None:
    for line in ("# expect: ruff[B006]\n", f"    {TESTED}\n"):
        planted.replace(AVOID, line, "")
    message = "demands nothing: say above the faulty line what must be found there"
    assert found(planted) == [
        f"{AVOID}: {message}, `# expect: tool[code]` or `test[name]`"
    ]


TESTED = "# expect: test[a_shared_default_is_everybodys_cart]"


@pytest.mark.parametrize(
    "path",
    [
        *(".coveragerc", ".ignore", ".mypy.ini", ".ruff.toml", "mypy.ini", "ruff.toml"),
        *("package.json", "pyrightconfig.json", "pytest.ini", "setup.cfg", "tox.ini"),
        *("sitecustomize.py", "yaml.py"),
    ],
)
def test_a_file_that_a_tool_might_read_stands_not_in_the_root(
    planted: Planted, path: str
) -> None:
    planted.write(path, "")
    told = "move it away, or list it in proof/sources/strays.py"
    assert found(planted) == [f"{path}: {MIGHT}: {told}"]


@pytest.mark.parametrize(
    "path",
    [
        *("snippets/cart/pyproject.toml", "snippets/cart/ruff.toml"),
        *("snippets/cart/add_item.pyi", "snippets/cart/add_item.PY"),
        *("snippets/ruff.toml", "snippets/add_item.json", "tests/mypy.ini"),
        *("tests/cart/.coveragerc", "tests/cart/add_item.ini", "tests/cart/pay.json"),
    ],
)
def test_a_file_that_a_tool_might_read_stands_not_beside_the_code(
    planted: Planted, path: str
) -> None:
    planted.write(path, "")
    ends = ".console, .json, .md, .toml, .txt, .yaml, .yml"
    told = f"data of a rule is called as the rule, and ends in {ends}"
    assert found(planted) == [f"{path}: {MIGHT}: {told}"]


def test_a_link_is_no_file_of_the_project(planted: Planted, tmp_path: Path) -> None:
    link = tmp_path / "snippets/cart/add_item_more.json"
    link.symlink_to(tmp_path / "pyproject.toml")
    message = "a link is not its target's bytes: copy the file"
    assert found(planted) == [f"snippets/cart/add_item_more.json: {message}"]


@pytest.mark.parametrize(
    "path",
    [
        *(".gitattributes", ".coverage.host.1", ".DS_Store", ".README.md.swp"),
        *("snippets/cart/add_item-hook.yaml", "tests/cart/add_item_vectors.json"),
        "tests/proof/sources/sample.txt",
    ],
)
def test_data_of_a_rule_and_what_programs_leave_may_lie_there(
    planted: Planted, path: str
) -> None:
    planted.write(path, "")
    assert found(planted) == []


@pytest.mark.parametrize(
    ("block", "line", "message"),
    [
        (
            "```yaml\nimport os\n```",
            3,
            "not valid yaml: nothing but a str: is it in another language?",
        ),
        ("```yaml\ndef f(): pass\n```", 3, "not valid yaml: this is Python"),
        (
            "```json\n1\n```",
            3,
            "not valid json: nothing but a int: is it in another language?",
        ),
        (
            "```console\n$ pip instal fastpai\n```",
            3,
            "not valid console: 'pip instal fastpai': pip is followed by install",
        ),
        (
            "```console\n$ uv add fastpai\n```",
            3,
            "not valid console: no package 'fastpai' is in requirements.lock",
        ),
        (
            "```console\n$ A=1 pyhton\n```",
            3,
            f"not valid console: no command 'pyhton'; known are {', '.join(COMMANDS)}",
        ),
        ("```python\nx = [3, 2, 1]\nx.sort()  # -> [1, 2, 3]\n```", 5, OUTPUT),
        ("```python\nx = 1\n# => 1\n```", 5, OUTPUT),
        ("```toml\n# a = 1\n```", 3, "not valid toml: nothing is set here"),
        (
            "```console\n$ make test && make site\n```",
            3,
            "not valid console: one command a line, without &&",
        ),
        (
            "```python\ndef f() -> None:\n    f()\n\n\ndef g() -> None: ...\n```",
            8,
            "nothing here uses g: nobody runs it",
        ),
    ],
)
def test_a_block_that_nobody_runs_is_refused(
    planted: Planted, block: str, line: int, message: str
) -> None:
    planted.append("docs/index.md", f"\n{block}\n")
    assert found(planted) == [f"docs/index.md:{line}: {message}"]


@pytest.mark.parametrize(
    "block",
    [
        "```yaml\non: push\n```",
        "```yaml\n- a: 1\n```",
        '```json\n["a"]\n```',
        "```console\n$ MONGODB_URL=mongodb://host make test # with a server\n```",
        '```console\n$ uv add "pydantic>=2"\n$ uv pip sync requirements.lock\n```',
        "```python\nx = 1  # a -> b\nprint(x)\n#> 1\n```",
        "The code `except\nValueError:` may be wrapped.",
    ],
)
def test_a_block_that_is_read_by_its_language_may_stand(
    planted: Planted, block: str
) -> None:
    planted.append("docs/index.md", f"\n{block}\n")
    assert found(planted) == []


def test_the_commands_of_make_are_those_of_the_makefile() -> None:
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    (phony,) = (line for line in lines if line.startswith(".PHONY: "))
    assert sorted(phony.removeprefix(".PHONY: ").split()) == sorted(COMMANDS["make"])
