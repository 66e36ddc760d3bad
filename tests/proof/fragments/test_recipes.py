"""A recipe is a page without a rule: found by its name, and proven as strictly."""

import io
import json
from collections.abc import Sequence
from zipfile import ZipFile

import pytest

from proof import serve
from proof.children import Children
from proof.exports.export import export
from proof.fragments.copying import bar
from proof.fragments.project_fragments import Fragments
from proof.fragments.recorded import recorded_faults
from proof.ground.digests import sha256
from proof.ledger.records import Executed, Ledger, Unit
from proof.serve import follow
from proof.site.preview import Listeners
from proof.sources.includes import names
from proof.sources.lint import lint
from proof.sources.project import Subject
from proof.verdicts.execute import run
from proof.verdicts.executed import judge
from proof.verdicts.proven import unproven
from proof.verdicts.run import Run
from proof.verdicts.units import works
from tests.proof.conftest import RULES, SNIPPET, Planted
from tests.proof.fakes import clean_environment
from tests.proof.site.test_build import ledger

PAGE = "docs/recipes/tell-total.md"
MODULE = "snippets/recipes/tell_total.py"
TESTS = "tests/recipes/test_tell_total.py"
TEXT = """# Tell the total

--8<-- "recipes/tell-total/do.md"

--8<-- "recipes/tell-total/proof.md"
"""
CODE = '''"""Tell what a cart costs."""


def total(prices: list[int]) -> int:
    """Add up prices.

    Example:
        >>> total([1, 2])
        3
    """
    if not prices:
        return 0
    return sum(prices)
'''
TEST = """from snippets.recipes.tell_total import total


def test_prices_add_up() -> None:
    assert total([1, 2]) == 3


def test_an_empty_cart_is_free() -> None:
    assert total([]) == 0
"""


@pytest.fixture
def recipe(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Lay out a project with a recipe, in order."""
    clean_environment(monkeypatch)
    planted.write(PAGE, TEXT)
    planted.write(MODULE, CODE)
    planted.write(TESTS, TEST)
    return planted


def found(planted: Planted) -> list[str]:
    return [str(fault) for fault in lint(planted.project)]


def proven(planted: Planted) -> Ledger:
    """Give a ledger in which the rule and the recipe are proven."""
    known = ledger(planted)
    digest = sha256(planted.root, MODULE)
    unit = Unit(
        key="",
        sha256=sha256(planted.root, TESTS),
        tests=[],
        examples=1,
        snippets={MODULE: Executed(sha256=digest, statements=4, branches=2)},
    )
    tools = {
        name: verdict.model_copy(update={"files": {**verdict.files, MODULE: digest}})
        for name, verdict in known.tools.items()
    }
    units = {**known.units, TESTS: unit}
    return known.model_copy(update={"tools": tools, "units": units})


def test_a_recipe_is_a_page_a_module_and_a_test_file_of_one_name(
    recipe: Planted,
) -> None:
    assert found(recipe) == []
    (only,) = recipe.project.recipes
    assert (only.id, only.page) == ("recipes-tell-total", PAGE)
    assert (f"{only.module}.py", only.tests) == (MODULE, TESTS)


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        (MODULE, f"{MODULE}: missing: recipes-tell-total has no snippet"),
        (TESTS, f"{TESTS}: missing: recipes-tell-total has no test file"),
    ],
)
def test_a_recipe_without_one_of_its_files_is_refused(
    recipe: Planted, gone: str, fault: str
) -> None:
    recipe.remove(gone)
    assert fault in found(recipe)


def test_code_of_recipes_that_no_page_shows_is_refused(recipe: Planted) -> None:
    recipe.remove(PAGE)
    assert found(recipe) == [
        f"{path}: belongs to no page of docs/recipes/" for path in (MODULE, TESTS)
    ]


@pytest.mark.parametrize("name", ["do", "proof"])
def test_a_recipe_shows_its_module_and_its_proof(recipe: Planted, name: str) -> None:
    include = f'--8<-- "recipes/tell-total/{name}.md"'
    recipe.replace(PAGE, include, "")
    assert found(recipe) == [f"{PAGE}: does not include {include}"]


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        (
            "docs/recipes/Tell_All.md",
            "# All\n",
            "call it by words in small letters joined by hyphens",
        ),
        (
            MODULE,
            "from snippets.cart.add_item import add_item\n",
            "imports snippets.cart.add_item.add_item: a snippet is copied alone",
        ),
        (
            TESTS,
            "from snippets.cart.add_item import add_item\n",
            "a test imports its own rule's snippets",
        ),
        (
            MODULE,
            "# --8<-- [start:do]\nA = 1\n# --8<-- [end:do]\n",
            "a fragment is called 'do' already: rename the region",
        ),
        (
            MODULE,
            "A = 1  # pragma: no cover\n",
            "every line is executed: remove the pragma and test the line",
        ),
        (
            RULES,
            '[recipes]\nb = { strength = "must", title = "B" }\n',
            "none of assets, proof, recipes, reference, site",
        ),
    ],
)
def test_a_fault_in_a_recipe_is_named(
    recipe: Planted, path: str, text: str, fault: str
) -> None:
    recipe.write(path, text)
    assert [each for each in found(recipe) if each.startswith(path) and fault in each]


def test_every_line_and_branch_of_a_recipe_must_run(recipe: Planted) -> None:
    recipe.replace(TESTS, "total([]) == 0", "total([0]) == 0")
    todo = [each for each in works(recipe.project) if each.tests == TESTS]
    with Children() as children:
        result = run(recipe.project, children, "tests", todo)
    (work,) = todo
    unit, faults = judge(recipe.project, work, result)
    at = recipe.line(MODULE, "return 0")
    said = "no test executed this line: test it or remove it"
    assert [str(fault) for fault in faults] == [f"{MODULE}:{at}: {said}"]
    assert unit.examples == 1


def test_a_change_of_a_recipe_or_of_what_lies_beside_it_makes_its_proof_stale(
    recipe: Planted,
) -> None:
    def key() -> str:
        return {each.tests: each.key for each in works(recipe.project)}[TESTS]

    first = key()
    recipe.append(MODULE, "\nVAT = 19\n")
    second = key()
    recipe.write("snippets/recipes/tell-total.yaml", "a: 1\n")
    assert len({first, second, key()}) == 3


def test_an_unproven_recipe_shows_no_code_and_is_not_published(
    recipe: Planted,
) -> None:
    known = proven(recipe)
    recipe.append(MODULE, "\nVAT = 19\n")
    why = f"{MODULE} was changed after it was proven"
    assert unproven(recipe.project, known) == {"recipes-tell-total": why}
    made = Fragments(recipe.project, known)
    assert made.unproven == {"recipes-tell-total": why}
    assert "VAT" not in "".join(made.texts.values())
    assert "not proven since the last edit" in made.texts["recipes/tell-total/do.md"]
    site = recipe.root / "out"
    export(recipe.project, known, made, site)
    assert not (site / "recipes/tell-total/recipes-tell-total.py").exists()


def test_a_proven_recipe_has_code_to_copy_but_no_weight_and_no_counterexample(
    recipe: Planted,
) -> None:
    made = Fragments(recipe.project, proven(recipe))
    do = made.texts["recipes/tell-total/do.md"]
    assert do.startswith(bar("do", "recipes-tell-total.py", CODE))
    assert f"```python\n{CODE.strip()}\n```" in do
    assert "Counterexample" not in made.texts["recipes/tell-total/proof.md"]
    assert "Counterexample" in made.texts["cart/add-item/proof.md"]
    assert "recipes/tell-total/rule.md" not in made.texts
    assert {*made.texts} <= {*names(recipe.project)}
    assert [*recorded_faults(recipe.project, made)] == []


def test_a_recipe_is_in_the_archive_and_among_no_rules(recipe: Planted) -> None:
    site = recipe.root / "out"
    known = proven(recipe)
    made = Fragments(recipe.project, known)
    export(recipe.project, known, made, site)
    folder = site / "recipes/tell-total"
    assert (folder / "recipes-tell-total.py").read_text("utf-8") == CODE
    assert (folder / "recipes-tell-total-test.py").read_text("utf-8") == TEST
    with ZipFile(io.BytesIO((site / "snippets.zip").read_bytes())) as archive:
        assert {SNIPPET, MODULE, TESTS} <= {*archive.namelist()}
    rules = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    assert [each["id"] for each in rules] == ["cart-add-item"]
    assert "recipes" not in made.texts["all-rules.md"]
    assert "recipes" not in (site / "desk.json").read_text("utf-8")


@pytest.mark.parametrize("path", [PAGE, MODULE, TESTS])
def test_a_recipe_that_is_served_is_proven_when_it_is_saved(
    recipe: Planted, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    proved: list[str] = []

    def note(_run: Run, subjects: Sequence[Subject]) -> None:
        proved.extend(each.id for each in subjects)

    def leave(_run: Run) -> None: ...

    monkeypatch.setattr(serve, "prove_some", note)
    monkeypatch.setattr(serve, "rebuild", leave)
    with Children() as children:
        follow(recipe.root, children, Listeners(), {path})
    assert proved == ["recipes-tell-total"]
