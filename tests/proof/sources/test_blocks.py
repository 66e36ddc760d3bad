"""What may stand in prose: every block that nobody proves is refused by its line."""

import pytest

from proof.faults import FaultsError
from proof.sources.blocks import (
    Block,
    block_faults,
    block_text,
    blocks,
    included,
    python_blocks,
)
from proof.sources.lint import lint
from tests.proof.conftest import PAGE, RULES, Planted

HOME = "docs/index.md"
LANGUAGES = "console, json, toml, yaml"


DATA = "snippets/cart/add_item.toml"


def faults_of(planted: Planted, text: str) -> list[str]:
    """Add text to the home page and hear what is wrong with it; it begins at line 3."""
    planted.append(HOME, f"\n{text}")
    return [str(fault) for fault in lint(planted.project)]


def refused(spelling: str, *, line: int = 3) -> str:
    return (
        f"docs/index.md:{line}: nobody runs a block spelled {spelling!r}: write "
        "```python at the start of a line, include a fragment of a rule, or use one of "
        f"{LANGUAGES}"
    )


def block_of(text: str) -> Block:
    (block,) = blocks("page.md", text)
    return block


@pytest.mark.parametrize(
    "text",
    [
        "```py\nprint(1)\n```\n",
        "```Python\nprint(1)\n```\n",
        "```python3\nprint(1)\n```\n",
        "```pycon\n>>> 1\n```\n",
        "```\nprint(1)\n```\n",
        "```python \nprint(1)\n```\n",
        "``` python\nprint(1)\n```\n",
        "```python title='cart.py'\nprint(1)\n```\n",
        "```python hl_lines='1'\nprint(1)\n```\n",
        "```{ .python }\nprint(1)\n```\n",
        "``` { .python .annotate }\nprint(1)\n```\n",
        "```{.python}\nprint(1)\n```\n",
        "````python\nprint(1)\n````\n",
        "~~~python\nprint(1)\n~~~\n",
        "~~~\nprint(1)\n~~~\n",
        "```text\nprint(1)\n```\n",
        "    ```python\n    print(1)\n    ```\n",
        "- ```python\n  print(1)\n  ```\n",
        "1. ```python\n   print(1)\n   ```\n",
        "> ```python\n> print(1)\n> ```\n",
        "- ```toml\n  a = 1\n  ```\n",
    ],
    ids=lambda text: repr(text.partition("\n")[0]),
)
def test_a_block_in_any_other_spelling_is_refused(planted: Planted, text: str) -> None:
    assert refused(text.partition("\n")[0]) in faults_of(planted, text)


@pytest.mark.parametrize(
    "opening",
    ["!!! note", '=== "Cart"', "- An item", "1. An item"],
    ids=["admonition", "tab", "list", "ordered list"],
)
def test_a_block_inside_of_something_is_refused(planted: Planted, opening: str) -> None:
    text = f"{opening}\n\n    ```python\n    print(1)\n    ```\n"
    assert refused("    ```python", line=5) in faults_of(planted, text)


@pytest.mark.parametrize(
    ("text", "line", "first"),
    [
        ("    print(1)\n", 3, "print(1)"),
        ("Text.\n\n\tprint(1)\n", 5, "print(1)"),
        ("- An item\n\n        print(1)\n", 5, "print(1)"),
        ("!!! note\n\n        print(1)\n", 5, "print(1)"),
        ("<pre>print(1)</pre>\n", 3, "print(1)"),
        ("<PRE><code>print(1)</code></PRE>\n", 3, "print(1)"),
        ("<div><pre>\nprint(1)\n</pre></div>\n", 4, "print(1)"),
        ("<textarea>print(1)</textarea>\n", 3, "print(1)"),
        ("<div markdown>\n\n    print(1)\n\n</div>\n", 5, "print(1)"),
    ],
    ids=[
        "indented",
        "tabbed",
        "in a list",
        "in an admonition",
        "pre",
        "PRE",
        "pre in a div",
        "textarea",
        "in a div",
    ],
)
def test_code_without_a_fence_is_refused(
    planted: Planted, text: str, line: int, first: str
) -> None:
    message = f"code without a fence is run by nobody: {first!r}; use ```python"
    assert faults_of(planted, text) == [f"docs/index.md:{line}: {message}"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("```python\nprint(1)\n", 3, "the fence '```' is not closed"),
        ("````toml\na = 1\n```\n", 3, "the fence '````' is not closed"),
        (
            "```python\n>>> 1\n1\n```\n",
            4,
            "a session belongs in a docstring; show output by `#> ` comments",
        ),
        (
            '```python\n--8<-- "snippets/cart/add_item.py"\n```\n',
            4,
            "nothing is included here: include a fragment of a rule instead",
        ),
        ("```python\nx = 1\ny = = 2\n```\n", 5, "not Python: invalid syntax"),
        ("```python\n```\n", 3, "this block runs nothing"),
        ("```python\n# print(1)\n```\n", 3, "this block runs nothing"),
        (
            '```python\nprint("a")\n"""\na\n"""\n```\n',
            5,
            "show output by `#> ` comments",
        ),
        (
            "```python\nx = 1\ny = 2  # noqa\n```\n",
            5,
            "an ignore names one code: `# noqa: B006`, `# type: ignore[misc]`",
        ),
        (
            "```toml\na = \n```\n",
            3,
            "not valid toml: Invalid value (at line 1, column 5)",
        ),
        (
            "```json\n{1}\n```\n",
            3,
            (
                "not valid json: Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1)"
            ),
        ),
        (
            "```console\n$ make test\nall is well\n```\n",
            3,
            (
                "not valid console: a console block holds commands, each after `$ `: "
                "'all is well'"
            ),
        ),
        ("```console\n$ echo '\n```\n", 3, "not valid console: No closing quotation"),
        (
            '```toml hl_lines="1 3"\na = 1\nb = 2\n```\n',
            3,
            "line 3 is highlighted, but there are 2",
        ),
        (
            '```toml hl_lines="2-4"\na = 1\nb = 2\n```\n',
            3,
            "line 4 is highlighted, but there are 2",
        ),
        (
            "```toml hl_lines='0'\na = 1\n```\n",
            3,
            "line 0 is highlighted, but there are 1",
        ),
        ('```toml\n--8<-- "no.toml"\n```\n', 4, "there is no file no.toml"),
        (
            '```toml\n--8<-- "pyproject.toml:no"\n```\n',
            4,
            "pyproject.toml has no region 'no' (ruff, mypy, pyright)",
        ),
        (
            '```toml\n--8<-- "requirements.lock:no"\n```\n',
            4,
            "requirements.lock has no region 'no' (none)",
        ),
    ],
)
def test_a_block_that_can_not_be_right_is_refused_by_its_line(
    planted: Planted, text: str, line: int, message: str
) -> None:
    assert faults_of(planted, text) == [f"docs/index.md:{line}: {message}"]


def test_invalid_yaml_is_refused(planted: Planted) -> None:
    (fault,) = faults_of(planted, "```yaml\na: [\n```\n")
    assert fault.startswith("docs/index.md:3: not valid yaml: while parsing a flow")


def test_an_included_file_is_held_to_the_language_of_its_fence(
    planted: Planted,
) -> None:
    path = "snippets/cart/add_item.json"
    planted.write(path, "{")
    (fault,) = faults_of(planted, f'```json\n--8<-- "{path}"\n```\n')
    assert fault.startswith("docs/index.md:3: not valid json: Expecting property name")


@pytest.mark.parametrize("name", [f"{DATA}:one", DATA])
def test_a_broken_region_is_refused_at_the_file_that_has_it(
    planted: Planted, name: str
) -> None:
    planted.write(DATA, "# --8<-- [start:one]\na = 1\n")
    text = f'```toml\n--8<-- "{name}"\n```\n'
    message = "region 'one' has no end: add `# --8<-- [end:one]`"
    assert faults_of(planted, text) == [f"{DATA}:1: {message}"]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n#> 1\n```\n",
        '```python\ndef tea() -> None:\n    """Name it."""\n\n\ntea()\n```\n',
        "```python\nclass Empty(Exception): ...\n```\n",
        "```toml\na = 1\n```\n",
        "``` toml\na = 1\n```\n",
        '```toml hl_lines="1 2"\na = 1\nb = 2\n```\n',
        "!!! note\n\n    ```toml\n    a = 1\n\n    b = 2\n    ```\n",
        "> ```toml\n> a = 1\n> ```\n",
        '```json\n{"a": 1}\n```\n',
        "~~~yaml\na:\n  - 1\n~~~\n",
        "```console\n$ make test\n$ echo 'a b'\n```\n",
        '```toml\n--8<-- "pyproject.toml:mypy"\n```\n',
        "Some `inline code` and ``more of\nit`` in a paragraph.\n",
        "````toml\na = '''\n```\n'''\n````\n",
    ],
)
def test_a_block_that_is_run_or_parsed_may_stand(planted: Planted, text: str) -> None:
    assert faults_of(planted, text) == []


def test_a_python_block_that_looks_closed_by_a_longer_fence_is_closed_by_it() -> None:
    found = list(blocks("page.md", "```python\nx = 1\n`````\n```python\ny\n```\n"))
    assert [block.text for block in found] == ["x = 1\n", "y\n"]


def test_nothing_inside_of_a_block_counts_as_a_block() -> None:
    text = "````toml\n```python\nprint(1)\n```\n````\n"
    assert block_of(text).text == "```python\nprint(1)\n```\n"


def test_a_block_knows_its_line_and_keeps_the_lines_that_it_holds() -> None:
    block = block_of("# Title\n\n```python\nx = 1\n\ny = 2\n```\n")
    assert block == Block(
        "page.md", 3, "", "```", "python", "x = 1\n\ny = 2\n", closed=True
    )


def test_the_indentation_of_a_fence_is_no_part_of_its_text() -> None:
    text = "    ```toml\n    [a]\n      b = 1\n\n    c = 2\n    ```\n"
    assert block_of(text).text == "[a]\n  b = 1\n\nc = 2\n"


def test_the_python_blocks_of_all_prose_are_found_in_order(planted: Planted) -> None:
    block = "\n```python\nprint(1)\n```\n"
    for path in ("README.md", HOME, PAGE):
        planted.append(path, block)
    planted.append(HOME, "\n```toml\na = 1\n```\n")
    planted.append(RULES, "# ```python\n")
    found = python_blocks(planted.project)
    assert [(each.path, each.line) for each in found] == [
        ("README.md", 3),
        (PAGE, planted.line(PAGE, "```python")),
        (HOME, 3),
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('--8<-- "cart/rules.md"', ("cart/rules.md", None)),
        ("  ---8<--- 'pyproject.toml:ruff'", ("pyproject.toml", "ruff")),
        ('-8<- "a.md:1:2"', ("a.md", "1:2")),
        (';--8<-- "cart/rules.md"', None),
        ('As --8<-- "cart/rules.md"', None),
        ("--8<--", ("", None)),
    ],
)
def test_an_include_is_read_as_the_site_reads_it(
    line: str, what: tuple[str, str | None] | None
) -> None:
    assert included(line) == what


def test_the_text_of_a_block_is_what_the_site_will_show(planted: Planted) -> None:
    planted.write("cart.toml", "a = 1\n# --8<-- [start:b]\n  b = 2\n# --8<-- [end:b]\n")
    block = block_of('```toml\n--8<-- "cart.toml:b"\n--8<-- "cart.toml"\n```\n')
    assert block_faults(planted.project, block) != []  # b is there twice
    alone = block_of('```toml\n--8<-- "cart.toml:b"\n```\n')
    assert block_text(planted.project, alone) == "b = 2\n"
    whole = block_of('```toml\n--8<-- "cart.toml"\n```\n')
    assert block_text(planted.project, whole) == "a = 1\n  b = 2\n"


def test_a_page_in_another_encoding_is_named(planted: Planted) -> None:
    planted.append(HOME, "\n")
    home = planted.root / HOME
    home.write_bytes(home.read_bytes() + "Café".encode("latin-1"))
    with pytest.raises(FaultsError, match=r"^docs/index\.md:3: not UTF-8"):
        lint(planted.project)
