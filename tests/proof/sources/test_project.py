"""Everything of a rule follows from its id, and the list of ids is read strictly."""

from pathlib import Path

import pytest

from proof.faults import FaultsError
from proof.sources.project import Project, Rule, is_counterexample, line_of
from tests.proof.conftest import AVOID, PAGE, RULES, SNIPPET, TESTS, Planted

A_RULE = "(a rule is name = { strength = one of must, should, consider; title = … })"
LIST = """# The rules
[cart]
add-item = { strength = "must", title = "Add" }
add = { strength = "should", title = "More" }

[cash]
add = { strength = "consider", title = "Pay" }
"""


def why(root: Path) -> list[str]:
    with pytest.raises(FaultsError) as refused:
        Project(root)
    return [str(fault) for fault in refused.value.faults]


def test_the_names_of_a_rules_files_follow_from_its_id() -> None:
    rule = Rule("cart", "add-one-item", "Add", "must")
    assert rule.id == "cart-add-one-item"
    assert rule.page == "docs/cart/add-one-item.md"
    assert rule.module == "snippets/cart/add_one_item"
    assert rule.tests == "tests/cart/test_add_one_item.py"
    assert rule.fragments == "cart/add-one-item"


def test_rules_and_chapters_keep_the_order_of_the_list(planted: Planted) -> None:
    planted.write(RULES, LIST)
    project = planted.project
    assert [rule.id for rule in project.rules] == [
        "cart-add-item",
        "cart-add",
        "cash-add",
    ]
    assert project.chapters == ["cart", "cash"]
    assert [rule.name for rule in project.of_chapter("cart")] == ["add-item", "add"]


def test_a_rules_code_is_its_module_and_its_counterexample(planted: Planted) -> None:
    (rule,) = planted.project.rules
    assert planted.project.recommended(rule) == [SNIPPET]
    assert planted.project.counterexamples(rule) == [AVOID]
    assert planted.project.snippets(rule) == [SNIPPET, AVOID]


def test_a_package_is_all_of_its_modules_and_nobody_elses(planted: Planted) -> None:
    package = "snippets/cart/add_item"
    planted.write(f"{package}/deep/b.py", "")
    planted.write(f"{package}/a.py", "")
    planted.write(f"{package}/data.json", "")
    planted.write(f"{package}/__pycache__/a.py", "")
    planted.write(f"{package}_avoid/c.py", "")
    planted.write(f"{package}s.py", "")
    (rule,) = planted.project.rules
    assert planted.project.recommended(rule) == [
        SNIPPET,
        f"{package}/a.py",
        f"{package}/deep/b.py",
    ]
    assert planted.project.counterexamples(rule) == [AVOID, f"{package}_avoid/c.py"]


def test_files_are_listed_once_sorted_and_without_bytecode(planted: Planted) -> None:
    planted.write("snippets/cart/__pycache__/add_item.py", "")
    assert planted.project.files("snippets/**/*", "snippets/**/*.py", TESTS) == [
        SNIPPET,
        AVOID,
        TESTS,
    ]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        (AVOID, True),
        ("snippets/cart/add_avoid/a.py", True),
        (SNIPPET, False),
        ("snippets/cart/avoid.py", False),
        ("tests/cart/test_avoid.py", False),
        ("tests/cart/add_avoid.py", False),
    ],
)
def test_a_counterexample_is_known_by_its_name(path: str, *, counts: bool) -> None:
    assert is_counterexample(path) is counts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[cart", ": not TOML: Expected ']' at the end of a table declaration"),
        ("[a]\nb = 1\n", ":2: a.b: Input should be a valid dictionary or"),
        ("[a]\n[a]\n", ":2: not TOML: Cannot declare ('a',) twice"),
        ("version = 1\n", ":1: version: Input should be a valid dictionary "),
        ('[a]\nb = { title = "B" }\n', ":2: a.b.strength: Field required "),
        ('[a]\nb = { strength = "must" }\n', ":2: a.b.title: Field required "),
        (
            '[a]\nb = { strength = "may", title = "B" }\n',
            ":2: a.b.strength: Input should be 'must', 'should' or 'consider' ",
        ),
        (
            '[a]\nb = { strength = "must", title = "B", name = "b" }\n',
            ":2: a.b.name: Extra inputs are not permitted ",
        ),
    ],
)
def test_a_list_in_another_form_is_refused_with_the_line(
    planted: Planted, text: str, said: str
) -> None:
    planted.write(RULES, text)
    (fault,) = why(planted.root)
    assert fault.startswith(f"{RULES}{said}")
    assert "not TOML" in said or fault.endswith(A_RULE)


def test_all_that_is_wrong_with_the_list_is_said_at_once(planted: Planted) -> None:
    planted.write(RULES, LIST.replace("must", "may").replace("consider", "can"))
    places = [fault.partition(": ")[0] for fault in why(planted.root)]
    assert places == [f"{RULES}:3", f"{RULES}:7"]


def test_a_missing_list_is_named(planted: Planted) -> None:
    planted.remove(RULES)
    message = "missing: it lists the rules in reading order"
    assert why(planted.root) == [f"{RULES}: {message}"]


@pytest.mark.parametrize("path", [RULES, PAGE])
def test_a_file_in_another_encoding_is_named_with_its_line(
    planted: Planted, path: str
) -> None:
    whole = planted.root / path
    lines = whole.read_bytes().count(b"\n")
    whole.write_bytes(whole.read_bytes() + b"# Caf\xe9\n")
    with pytest.raises(FaultsError) as refused:
        Project(planted.root).read(path)
    assert str(refused.value) == f"{path}:{lines + 1}: not UTF-8: save it as such"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_are_read_alike_however_they_end(planted: Planted, end: str) -> None:
    (planted.root / PAGE).write_bytes(f"# Title{end}text{end}".encode())
    assert planted.project.read(PAGE) == "# Title\ntext\n"


@pytest.mark.parametrize(
    ("chapter", "name", "line"),
    [
        ("cart", "", 2),
        ("cart", "add-item", 3),
        ("cart", "add", 4),
        ("cash", "add", 7),
        ("cash", "gone", 0),
        ("gone", "", 0),
        ("gone", "add", 0),
    ],
)
def test_a_rule_is_found_in_the_list_by_its_line(
    chapter: str, name: str, line: int
) -> None:
    assert line_of(LIST, chapter, name) == line
