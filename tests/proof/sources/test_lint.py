"""All faults of the sources are listed at once, each with its file and line."""

from dataclasses import dataclass

import pytest

from proof.sources.lint import lint
from tests.proof.conftest import (
    AVOID,
    CHAPTER,
    FILES,
    PAGE,
    REFERENCE,
    RULES,
    SNIPPET,
    TESTS,
    TITLE,
    Planted,
)

SECTIONS = "Do, Avoid, Why, When not, Before 3.13, Proof, References"
ORDER = f"the sections stand in this order, each once: {SECTIONS}"
IN_DOCSTRING = "nobody runs a block in a docstring: write a `>>>` session"
PRAGMA = "every line is executed: remove the pragma and test the line"
TYPES = "snippets/cart/add_item_types.py"
NAME_RULE = (
    "write words in small letters joined by hyphens, not ending in `-avoid` or `-types`"
)
CHAPTER_RULE = (
    "a chapter is one word in small letters, "
    "and none of assets, proof, recipes, reference, site"
)
ABOVE = "write `# expect: ` on a line of its own, above the line it means"
GONE = (
    "is gone, but links to it are out in reviews: put it back where it stood "
    "(a rule may be turned round, its id stays)"
)
OTHER = {  # a second rule, whole
    "docs/cart/pay.md": FILES[PAGE].replace("add-item", "pay").replace(TITLE, "Pay"),
    "snippets/cart/pay.py": FILES[SNIPPET],
    "snippets/cart/pay_avoid.py": FILES[AVOID],
    "tests/cart/test_pay.py": FILES[TESTS].replace("add_item", "pay"),
}


@dataclass(frozen=True)
class Plant:
    """A text in a file that becomes another, and what is said of it.

    Attributes:
        path: The file.
        old: What is replaced.
        new: What it becomes.
        message: What is said.
        below: How many lines below the plant; ``None`` where it is about the file.
    """

    path: str
    old: str
    new: str
    message: str
    below: int | None = 0


def found(planted: Planted) -> list[str]:
    return [str(fault) for fault in lint(planted.project)]


def test_a_project_in_order_has_no_fault(planted: Planted) -> None:
    planted.commit()
    assert found(planted) == []


PLANTS = {
    "an expectation without a place": Plant(
        AVOID,
        "    # expect: test[a_shared_default_is_everybodys_cart]\n",
        "    # expect: ruff[B006 ]\n",
        "can't read 'ruff[B006 ]': write tool[code] "
        "or tool[code] x2, tools being ruff, mypy, pyright, test",
    ),
    "a tool that is none": Plant(
        AVOID,
        "ruff[B006]",
        "flake8[B006]",
        "can't read 'flake8[B006]': write "
        "tool[code] or tool[code] x2, tools being ruff, mypy, pyright, test",
    ),
    "an expectation at the end of a line": Plant(
        AVOID, "    return cart", "    return cart  # expect: ruff[B006]", ABOVE
    ),
    "expects": Plant(AVOID, "# expect: ruff", "# expects: ruff", ABOVE),
    "Expect": Plant(AVOID, "# expect: ruff", "# Expect: ruff", ABOVE),
    "no space": Plant(AVOID, "# expect: ruff", "#expect: ruff", ABOVE),
    "an expectation of nothing": Plant(
        AVOID, "# expect: ruff[B006]", "# expect:", "names nothing: write tool[code]"
    ),
    "an expectation at the end": Plant(
        AVOID,
        "    return cart\n",
        "    return cart\n# expect: ruff[B006]\n",
        "no line follows this expectation",
        below=1,
    ),
    "an expectation in a snippet": Plant(
        SNIPPET,
        "    cart.append",
        "    # expect: ruff[B006]\n    cart.append",
        "only a counterexample (…_avoid.py) carries expectations",
    ),
    "a region without an end": Plant(
        SNIPPET,
        "    if cart",
        "    # --8<-- [start:new]\n    if cart",
        "region 'new' has no end: add `# --8<-- [end:new]`",
    ),
    "a region without a start": Plant(
        SNIPPET,
        "    if cart",
        "    # --8<-- [end:new]\n    if cart",
        "region 'new' ends without a start",
    ),
    "a region twice": Plant(
        SNIPPET,
        "    return cart",
        "    # --8<-- [start:new]\n    # a\n    # --8<-- [end:new]\n"
        "    # --8<-- [start:new]\n    return cart",
        "region 'new' starts twice",
        below=3,
    ),
    "a region within itself": Plant(
        SNIPPET,
        "    return cart",
        "    # --8<-- [start:new]\n    # --8<-- [start:new]\n    return cart\n"
        "    # --8<-- [end:new]",
        "region 'new' starts twice",
        below=1,
    ),
    "a region of nothing": Plant(
        SNIPPET,
        "    return cart",
        "    # --8<-- [start:new]\n    # --8<-- [end:new]\n    return cart",
        "region 'new' holds nothing",
        below=1,
    ),
    "a marker in another form": Plant(
        SNIPPET,
        "    if cart",
        "    #--8<-- [start:new]\n    if cart",
        "not a region's marker: write `# --8<-- [start:name]` on its own",
    ),
    "a region called as a fragment": Plant(
        SNIPPET,
        "    return cart",
        "    # --8<-- [start:proof]\n    return cart\n    # --8<-- [end:proof]",
        "a fragment is called 'proof' already: rename the region",
    ),
    "a pragma": Plant(
        SNIPPET, "    return cart", "    return cart  # pragma: no cover", PRAGMA
    ),
    "a pragma for a branch": Plant(
        SNIPPET, "is None:", "is None:  # pragma: no branch", PRAGMA
    ),
    "a pragma as coverage reads it too": Plant(
        SNIPPET, "    return cart", "    return cart  #PRAGMA NOCOVER", PRAGMA
    ),
    "a pragma in a counterexample": Plant(
        AVOID, "    return cart", "    return cart  # pragma: no cover", PRAGMA
    ),
    "an ignore without a reason": Plant(
        SNIPPET,
        "    return cart",
        "    return cart  # noqa: RET504",
        "say behind this ignore why it must be",
    ),
    "a fence in a docstring": Plant(
        SNIPPET,
        "    Args:",
        "    ```python\n\n    Args:",
        IN_DOCSTRING,
    ),
    "tildes in a docstring": Plant(SNIPPET, "The cart.", "~~~ The cart.", IN_DOCSTRING),
    "a fence on a docstring's first line": Plant(
        SNIPPET, '"""Put', '"""```py Put', IN_DOCSTRING
    ),
    "raw HTML in a docstring": Plant(
        SNIPPET, "The cart.", "The cart <PRE>a</PRE>.", IN_DOCSTRING
    ),
    "a session that is not Python": Plant(
        SNIPPET,
        '>>> add_item("tea")',
        '>>> add_item("tea"',
        "not Python: '(' was never closed",
    ),
    "a snippet that is not Python": Plant(
        SNIPPET, "    return cart", "    return = cart", "not Python: invalid syntax"
    ),
    "a test that is not Python": Plant(
        TESTS, "def test_a_cart", "de test_a_cart", "not Python: invalid syntax"
    ),
    "a snippet that imports a snippet": Plant(
        SNIPPET,
        "\n\n\ndef",
        "\n\nfrom snippets.cart.pay import pay\n\n\ndef",
        "imports snippets.cart.pay.pay: a snippet is copied alone",
        below=2,
    ),
    "a snippet that imports its neighbour": Plant(
        SNIPPET,
        "\n\n\ndef",
        "\n\nfrom .pay import pay\n\n\ndef",
        "imports snippets.cart.pay.pay: a snippet is copied alone",
        below=2,
    ),
    "a snippet that imports its neighbour's module": Plant(
        SNIPPET,
        "\n\n\ndef",
        "\n\nfrom . import pay\n\n\ndef",
        "imports snippets.cart.pay: a snippet is copied alone",
        below=2,
    ),
    "a snippet that imports the machinery": Plant(
        SNIPPET,
        "\n\n\ndef",
        "\n\nimport proof.testing\n\n\ndef",
        "imports proof.testing: a snippet is copied alone",
        below=2,
    ),
    "a reveal beside its line": Plant(
        SNIPPET,
        "    cart.append(item)",
        "    cart.append(item)  # reveals: list[str]",
        "write `# reveals: TYPE` on a line of its own, above reveal_type",
    ),
    "a reveal without a type": Plant(
        SNIPPET,
        "    cart.append(item)",
        "    # mypy reveals:\n    cart.append(item)",
        "write `# reveals: TYPE` on a line of its own, above reveal_type",
    ),
    "a counterexample that imports its snippet": Plant(
        AVOID,
        "\n\n\n#",
        "\n\nimport snippets.cart.add_item\n\n\n#",
        "imports snippets.cart.add_item: a snippet is copied alone",
        below=2,
    ),
    "a test that imports another rule's snippet": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        "\nfrom snippets.cart import pay\n\n\ndef test_a_cart",
        "imports snippets.cart.pay: a test imports its own rule's snippets",
        below=1,
    ),
    "a test that names another rule's snippet": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        '\nPAY = "snippets.cart.pay:app"\n\n\ndef test_a_cart',
        "imports snippets.cart.pay:app: a test imports its own rule's snippets",
        below=1,
    ),
    "a test that names another rule's file": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        '\nPAY = "snippets/cart/pay.py"\n\n\ndef test_a_cart',
        "imports snippets.cart.pay.py: a test imports its own rule's snippets",
        below=1,
    ),
    "a test that imports a snippet whose name begins as its own": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        "\nimport snippets.cart.add_items\n\n\ndef test_a_cart",
        "imports snippets.cart.add_items: a test imports its own rule's snippets",
        below=1,
    ),
    "a test that imports another test": Plant(
        TESTS,
        "\n\n\ndef test_a_cart",
        "\nimport tests.cart.test_pay\n\n\ndef test_a_cart",
        "imports tests.cart.test_pay: what tests share stands in a conftest.py",
        below=1,
    ),
    "another title": Plant(
        PAGE,
        f"# {TITLE}",
        "# Start carts",
        f"the title is not that of docs/rules.toml: '{TITLE}'",
    ),
    "no title": Plant(
        PAGE,
        f"# {TITLE}",
        "Text",
        f"the title is not that of docs/rules.toml: '{TITLE}'",
    ),
    "an unknown section": Plant(
        PAGE,
        "## References",
        "## References\n\n## See also",
        f"no section is called 'See also': {SECTIONS}",
        below=2,
    ),
    "sections in another order": Plant(
        PAGE,
        "## Why\n\nDefaults are evaluated with `def`.\n\n## Proof",
        "## Proof\n\n## Why",
        ORDER,
    ),
    "a section twice": Plant(PAGE, "## References", "## Why\n\n## References", ORDER),
    "a section less": Plant(PAGE, "## Why", "Why:", "has no section 'Why'", below=None),
    "no chips": Plant(
        PAGE,
        '--8<-- "cart/add-item/rule.md"',
        "",
        'does not include --8<-- "cart/add-item/rule.md"',
        below=None,
    ),
    "no code": Plant(
        PAGE,
        '--8<-- "cart/add-item/do.md"',
        "",
        'does not include --8<-- "cart/add-item/do.md"',
        below=None,
    ),
    "no counterexample": Plant(
        PAGE,
        '--8<-- "cart/add-item/avoid.md"',
        "",
        'does not include --8<-- "cart/add-item/avoid.md"',
        below=None,
    ),
    "no proof": Plant(
        PAGE,
        '--8<-- "cart/add-item/proof.md"',
        "",
        'does not include --8<-- "cart/add-item/proof.md"',
        below=None,
    ),
    "a missing fragment": Plant(
        CHAPTER,
        "cart/rules.md",
        "cart/rule.md",
        "there is no fragment 'cart/rule.md'; there are: "
        "cart/reference.md, cart/rules.md",
    ),
    "a missing folder of fragments": Plant(
        CHAPTER,
        '"cart/rules.md"',
        '"cash/rules.md"',
        "there is no fragment 'cash/rules.md'; there are: none in 'cash'",
    ),
    "an included file": Plant(
        CHAPTER,
        '"cart/rules.md"',
        '"snippets/cart/add_item.py"',
        "there is no fragment 'snippets/cart/add_item.py'; there are: "
        "none in 'snippets/cart'",
    ),
    "a part of a fragment": Plant(
        CHAPTER,
        '"cart/rules.md"',
        '"cart/rules.md:2:3"',
        "there is no fragment 'cart/rules.md:2:3'; there are: "
        "cart/reference.md, cart/rules.md",
    ),
    "an include over several lines": Plant(
        CHAPTER,
        '--8<-- "cart/rules.md"',
        "--8<--\ncart/rules.md",
        "there is no fragment ''; there are: all-rules.md, changes.md, "
        "configuration-by-chapter.md, configuration.md, figures.md, machine.md, "
        "rules-json.md",
    ),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_fault_is_named_with_its_file_and_line_and_nothing_else(
    planted: Planted, plant: Plant
) -> None:
    at = planted.replace(plant.path, plant.old, plant.new)
    place = plant.path if plant.below is None else f"{plant.path}:{at + plant.below}"
    assert set(found(planted)) == {f"{place}: {plant.message}"}


def test_all_faults_are_listed_at_once_in_order_of_file_and_line(
    planted: Planted,
) -> None:
    names = ["a tool that is none", "a pragma", "a missing fragment", "another title"]
    for plant in (PLANTS[name] for name in names):
        planted.replace(plant.path, plant.old, plant.new)
    planted.replace(SNIPPET, "is None:", "is None:  # pragma: no branch")
    places = [fault.rpartition(": ")[0].split(": ")[0] for fault in found(planted)]
    assert places == [
        f"{PAGE}:1",
        f"{CHAPTER}:3",
        f"{SNIPPET}:18",
        f"{SNIPPET}:21",
        f"{AVOID}:4",
    ]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (PAGE, "add-item has no page"),
        (TESTS, "add-item has no test file"),
        (CHAPTER, "add-item has no chapter's page"),
        (REFERENCE, "add-item has no reference page"),
        (SNIPPET, "add-item has no snippet"),
    ],
)
def test_a_rule_without_one_of_its_files_is_refused(
    planted: Planted, path: str, what: str
) -> None:
    planted.remove(path)
    assert found(planted) == [f"{path}: missing: cart-{what}"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("docs/cart/pay.md", "a page without a rule: add it to docs/rules.toml"),
        ("docs/cash/index.md", "a page without a rule: add it to docs/rules.toml"),
        ("docs/reference/cash.md", "a page without a rule: add it to docs/rules.toml"),
        ("snippets/cart/pay.py", "belongs to no rule of docs/rules.toml"),
        ("snippets/cart/pay_avoid.py", "belongs to no rule of docs/rules.toml"),
        ("snippets/cart/__init__.py", "belongs to no rule of docs/rules.toml"),
        ("snippets/conftest.py", "belongs to no rule of docs/rules.toml"),
        ("tests/cart/test_pay.py", "belongs to no rule of docs/rules.toml"),
        ("tests/cart/helpers.py", "belongs to no rule of docs/rules.toml"),
        ("tests/__init__.py", "remove it: tests are found without it"),
        ("tests/proof/__init__.py", "remove it: tests are found without it"),
        ("docs/cart/pay.py", "would be published as it is; here only .md is"),
        ("docs/cart/pay.markdown", "would be published as it is; here only .md is"),
        (
            "docs/assets/pay.py",
            (
                "would be published as it is; here only .css, .ico, .js, .json, .png, "
                ".svg, .txt, .webp, .woff2 is"
            ),
        ),
    ],
)
def test_a_file_without_a_rule_is_refused(
    planted: Planted, path: str, message: str
) -> None:
    planted.write(path, "")
    assert found(planted) == [f"{path}: {message}"]


@pytest.mark.parametrize(
    "path",
    [
        "tests/conftest.py",
        "tests/cart/conftest.py",
        "tests/proof/sources/test_lint.py",
        "tests/site/test_pages.py",
        "tests/test_pages.py",
        "docs/walkthrough.md",
        "docs/assets/js/pay.js",
    ],
)
def test_a_file_of_the_project_itself_needs_no_rule(
    planted: Planted, path: str
) -> None:
    planted.write(path, "")
    assert found(planted) == []


def test_a_test_of_the_machinery_uses_no_snippet(planted: Planted) -> None:
    planted.write("tests/proof/test_cart.py", "from snippets.cart import add_item\n")
    planted.write("tests/site/test_cart.py", "from snippets.cart import add_item\n")
    message = "imports snippets.cart.add_item: only a rule's own test uses its snippets"
    assert found(planted) == [f"tests/proof/test_cart.py:1: {message}"]


@pytest.mark.parametrize(
    "line",
    [
        "from snippets.cart import add_item",
        "from ...snippets.cart.add_item import add_item",
        'CART = "snippets.cart.add_item_avoid"',
        'CART = "snippets/cart/add_item.py"',
        "from tests.cart.conftest import cart",
        "from proof.testing.basics import Observe",
        "import snippets_of_others",
    ],
)
def test_a_test_may_use_its_own_rule_and_what_all_tests_share(
    planted: Planted, line: str
) -> None:
    planted.append(TESTS, f"{line}\n")
    assert found(planted) == []


def test_a_rule_of_several_files_is_a_package(planted: Planted) -> None:
    planted.write("snippets/cart/add_item/__init__.py", "from .carts import add_item\n")
    planted.write("snippets/cart/add_item/carts.py", planted.read(SNIPPET))
    planted.remove(SNIPPET)
    assert found(planted) == []


def test_types_are_shown_by_a_module_that_uses_the_rules_own_snippet(
    planted: Planted,
) -> None:
    planted.write(TYPES, "from snippets.cart.add_item import add_item\n")
    planted.append(TESTS, "import snippets.cart.add_item_types\n")
    include = '--8<-- "cart/add-item/types.md"'
    assert found(planted) == [f"{PAGE}: does not include {include}"]
    planted.replace(PAGE, "## Avoid", f"{include}\n\n## Avoid")
    assert found(planted) == []


def test_a_module_of_types_uses_no_other_rules_snippet(planted: Planted) -> None:
    planted.replace(PAGE, "## Avoid", '--8<-- "cart/add-item/types.md"\n\n## Avoid')
    planted.write(TYPES, "from snippets.cart.add_item_avoid import add_item_for_all\n")
    message = "imports snippets.cart.add_item_avoid.add_item_for_all"
    assert found(planted) == [f"{TYPES}:1: {message}: a snippet is copied alone"]


def test_the_modules_of_a_package_share_their_names_of_regions(
    planted: Planted,
) -> None:
    region = "# --8<-- [start:cart]\nCART = 1\n# --8<-- [end:cart]\n"
    planted.append(SNIPPET, region)
    planted.write("snippets/cart/add_item/more.py", region)
    message = "a fragment is called 'cart' already: rename the region"
    assert found(planted) == [f"snippets/cart/add_item/more.py:1: {message}"]


def test_a_package_imports_nothing_whose_name_only_begins_as_its_own(
    planted: Planted,
) -> None:
    path = "snippets/cart/add_item/more.py"
    planted.write(path, "from snippets.cart.add_item_avoid import add_item_for_all\n")
    (fault,) = found(planted)
    assert fault.startswith(f"{path}:1: imports snippets.cart.add_item_avoid.add_item")


def test_a_region_shown_instead_of_the_module_needs_the_whole_one_click_away(
    planted: Planted,
) -> None:
    planted.replace(
        SNIPPET,
        "    return cart",
        "    # --8<-- [start:end]\n    return cart\n    # --8<-- [end:end]",
    )
    planted.replace(
        PAGE, '--8<-- "cart/add-item/do.md"', '--8<-- "cart/add-item/end.md"'
    )
    assert found(planted) == [f'{PAGE}: does not include --8<-- "cart/add-item/do.md"']
    planted.append(PAGE, '\n--8<-- "cart/add-item/whole.md"\n')
    assert found(planted) == []


def test_a_page_without_a_counterexample_includes_none(planted: Planted) -> None:
    planted.remove(AVOID)
    planted.replace(PAGE, '## Avoid\n\n--8<-- "cart/add-item/avoid.md"\n\n', "")
    assert found(planted) == []


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("[cart]\nAdd = {}", 2, f"'Add': {NAME_RULE}"),
        ("[cart]\nadd_item = {}", 2, f"'add_item': {NAME_RULE}"),
        ("[cart]\nadd--item = {}", 2, f"'add--item': {NAME_RULE}"),
        ("[cart]\nadd-avoid = {}", 2, f"'add-avoid': {NAME_RULE}"),
        ("[cart]\nadd-types = {}", 2, f"'add-types': {NAME_RULE}"),
        ("[cart]\n3d = {}", 2, f"'3d': {NAME_RULE}"),
        ("[my-cart]\nadd = {}", 1, f"'my-cart': {CHAPTER_RULE}"),
        ("[Cart]\nadd = {}", 1, f"'Cart': {CHAPTER_RULE}"),
        ("[proof]\nadd = {}", 1, f"'proof': {CHAPTER_RULE}"),
        ("[reference]\nadd = {}", 1, f"'reference': {CHAPTER_RULE}"),
    ],
)
def test_an_id_in_another_form_is_refused(
    planted: Planted, table: str, line: int, message: str
) -> None:
    entry = table.replace("{}", '{ strength = "must", title = "Pay" }')
    planted.write(RULES, f"{entry}\n")
    assert f"{RULES}:{line}: {message}" in found(planted)


def with_another_rule(planted: Planted) -> None:
    for path, text in OTHER.items():
        planted.write(path, text)
    planted.append(RULES, 'pay = { strength = "must", title = "Pay" }\n')


def without_another_rule(planted: Planted) -> None:
    for path in OTHER:
        planted.remove(path)
    planted.write(RULES, FILES[RULES])


def test_an_id_that_was_ever_committed_must_stay(planted: Planted) -> None:
    with_another_rule(planted)
    planted.commit()
    assert found(planted) == []
    without_another_rule(planted)
    assert found(planted) == [f"{RULES}: cart-pay {GONE}"]
    planted.commit()
    assert found(planted) == [f"{RULES}: cart-pay {GONE}"]
    planted.append("README.md", "Later.\n")
    planted.commit()
    assert found(planted) == [f"{RULES}: cart-pay {GONE}"]


def test_an_id_that_was_renamed_is_gone(planted: Planted) -> None:
    planted.commit()
    planted.replace(RULES, "add-item", "add-an-item")
    assert f"{RULES}: cart-add-item {GONE}" in found(planted)


def test_the_list_is_read_in_any_form_and_under_any_configuration_of_git(
    planted: Planted,
) -> None:
    planted.write(RULES, f'[cart.add-item]\nstrength = "must"\ntitle = "{TITLE}"\n')
    planted.commit()
    planted.remove(RULES)
    planted.commit()
    planted.write(RULES, "not TOML")
    planted.commit()
    planted.git("config", "color.ui", "always")
    planted.git("config", "diff.noprefix", "true")
    planted.write(RULES, FILES[RULES].replace("add-item", "pay"))
    assert f"{RULES}: cart-add-item {GONE}" in found(planted)


def test_an_id_that_is_not_yet_committed_may_go(planted: Planted) -> None:
    planted.commit()
    with_another_rule(planted)
    assert found(planted) == []
    without_another_rule(planted)
    assert found(planted) == []


def test_the_command_lists_all_faults_and_where_they_are(planted: Planted) -> None:
    planted.replace(CHAPTER, "rules.md", "rule.md")
    planted.replace(SNIPPET, "    return cart", "    return cart  # pragma: no cover")
    done = planted.proof("check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "\nNot proven: 2 to mend.\n\n"
        f"{CHAPTER}:3: there is no fragment 'cart/rule.md'; there are: "
        "cart/reference.md, cart/rules.md\n"
        f"{SNIPPET}:21: {PRAGMA}\n"
    )
