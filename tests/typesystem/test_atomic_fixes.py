import ast
import csv
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import override

import pytest
from mypy import api

from proof.testing.basics import Observe, untyped
from proof.testing.record import Evidence
from snippets.typesystem import atomic_fixes
from snippets.typesystem.atomic_fixes import Article, find, orders, read_stock, take

BEFORE = "snippets.typesystem.atomic_fixes_avoid"
AFTER = atomic_fixes.__name__
STOCK = (
    "sku,stock,minimum,supplier",
    "A1,3,5,Ada",
    "B2,7,7,Bob",
    "C3,0,10,Ada",
    "D4,1,2,Bob",
)

NAMED = "'?' if article.supplier is None else article.supplier.upper()"

# One fix after the other, each with what it replaces in the module as it was.
FIXES: Mapping[str, tuple[str, str]] = {
    "read_stock returns dict[str, Article]": (
        "-> dict:",
        "-> dict[str, Article]:",
    ),
    "find takes dict[str, Article]": (
        "(articles: dict,",
        "(articles: dict[str, Article],",
    ),
    "find returns Article | None": (
        "sku: str) -> Article:",
        "sku: str) -> Article | None:",
    ),
    "take refuses None": (
        "    if not 0 <",
        "    if article is None:\n        raise LookupError(sku)\n    if not 0 <",
    ),
    "supplier is str | None": (
        "supplier: str = None",
        "supplier: str | None = None",
    ),
    "orders looks at None": (
        "= article.supplier.upper()",
        f"= {NAMED}",
    ),
    "wanted is annotated": (
        "wanted = ",
        "wanted: defaultdict[str, dict[str, int]] = ",
    ),
}

SILENCED = ("articles.get(sku)", "articles.get(sku)  # type: ignore[return-value]")

MAY_BE_NONE = "def label(name: str | None) -> str:"
FIXED = "def label(name: str) -> str:"
EXACT = "  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]"
BARE = "  # type: ignore  # pyright: ignore"
FOREIGN = "  # type: ignore[name-defined]"

# A line with its ignore, and what becomes of it.
RATCHET: Mapping[str, Sequence[str]] = {
    "needed": (MAY_BE_NONE, "    return name.upper()" + EXACT),
    "fixed": (FIXED, "    return name.upper()" + EXACT),
    "exact": (MAY_BE_NONE, "    return name.count('a')" + EXACT),
    "bare": (MAY_BE_NONE, "    return name.count('a')" + BARE),
    "foreign": (MAY_BE_NONE, "    return name.count('a')" + FOREIGN),
}


@dataclass
class Reported:
    """What a checker reports in each file, and by which codes."""

    printed: Sequence[tuple[str, str]]

    def messages(self, file: str) -> list[str]:
        return [message for name, message in self.printed if name == file]

    def codes(self, file: str) -> list[str]:
        return [each.rpartition("[")[2][:-1] for each in self.messages(file)]


@pytest.fixture(params=[BEFORE, AFTER], ids=["before", "after"])
def shop(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(request.param)


def source(module: str) -> str:
    return Path(untyped(module).__file__).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out the module after each fix, and the lines with their ignores."""
    texts = {"step0": source(BEFORE)}
    for at, (was, becomes) in enumerate(FIXES.values()):
        assert was in texts[f"step{at}"]
        texts[f"step{at + 1}"] = texts[f"step{at}"].replace(was, becomes)
    texts["silenced"] = texts["step2"].replace(*SILENCED)
    texts |= {name: "\n".join(lines) + "\n" for name, lines in RATCHET.items()}
    folder = tmp_path_factory.mktemp("files")
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "obeying").mkdir()
    (folder / "obeying" / "obeyed.py").write_text(texts["foreign"], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mypy(files: Path) -> Reported:
    options = [
        "--config-file=",
        f"--cache-dir={files / 'cache'}",
        "--strict",
        "--enable-error-code=ignore-without-code",
    ]
    printed, broken, _ = api.run(
        [*options, *(str(each) for each in files.glob("*.py"))]
    )
    assert not broken
    told = re.findall(r"^(?:.*/)?(\w+)\.py:\d+: error: (.*)$", printed, re.MULTILINE)
    return Reported(told)


@pytest.fixture(scope="module")
def pyright(files: Path) -> Reported:
    config = {
        "include": ["obeying", *(f"{name}.py" for name in RATCHET)],
        "executionEnvironments": [
            {"root": "obeying", "enableTypeIgnoreComments": True}
        ],
        "pythonVersion": "3.13",
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": True,
    }
    (files / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(files)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    return Reported(
        [
            (
                Path(each["file"]).stem,
                f"{each['message'].splitlines()[0]}  [{each['rule']}]",
            )
            for each in json.loads(done.stdout)["generalDiagnostics"]
        ]
    )


class Untype(ast.NodeTransformer):
    """Take out of a module what is there for checkers and readers only."""

    @override
    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Expr(node.target)
        return ast.Assign([node.target], node.value)

    @override
    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.undocumented(node)

    @override
    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self.undocumented(node)

    @override
    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self.undocumented(node)

    def undocumented(
        self, node: ast.FunctionDef | ast.ClassDef | ast.Module
    ) -> ast.AST:
        if ast.get_docstring(node) is not None:
            del node.body[0]
        return self.generic_visit(node)


def untyped_source(module: str) -> list[str]:
    tree = Untype().visit(ast.parse(source(module)))
    return ast.unparse(ast.fix_missing_locations(tree)).splitlines()


def test_stock_is_read_by_number(shop: ModuleType) -> None:
    articles = shop.read_stock(iter(STOCK[:3]))
    assert articles == {
        "A1": shop.Article("A1", 3, 5, "Ada"),
        "B2": shop.Article("B2", 7, 7, "Bob"),
    }


def test_an_empty_supplier_is_none(shop: ModuleType) -> None:
    (article,) = shop.read_stock([STOCK[0], "E5,1,2,"]).values()
    assert article == shop.Article("E5", 1, 2)
    assert article.supplier is None


def test_an_article_has_no_other_attributes(shop: ModuleType) -> None:
    assert not hasattr(shop.Article("A1", 3, 5), "__dict__")


def test_an_article_is_found_or_not(shop: ModuleType) -> None:
    articles = shop.read_stock(STOCK)
    assert shop.find(articles, "B2").supplier == "Bob"
    assert shop.find(articles, "Z9") is None


def test_what_is_taken_is_gone(shop: ModuleType) -> None:
    articles = shop.read_stock(STOCK)
    assert shop.take(articles, "B2", 2) == 5
    assert articles["B2"].stock == 5


@pytest.mark.parametrize("count", [1, 7])
def test_all_that_is_there_can_be_taken(shop: ModuleType, count: int) -> None:
    assert shop.take(shop.read_stock(STOCK), "B2", count) == 7 - count


@pytest.mark.parametrize("count", [0, -1, -100, 8, 10**400])
def test_neither_more_than_there_is_nor_less_than_one_is_taken(
    shop: ModuleType, count: int
) -> None:
    articles = shop.read_stock(STOCK)
    with pytest.raises(ValueError, match="can't take") as refused:
        shop.take(articles, "B2", count)
    assert str(refused.value) == f"can't take {count} of 7"
    assert articles["B2"].stock == 7


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["sku,stock,minimum", "A1,1,2"], KeyError),
        (["stock,minimum,supplier", "1,2,Ada"], KeyError),
        ([STOCK[0], "A1"], ValueError),
        ([STOCK[0], "A1,1.5,2,Ada"], ValueError),
        ([STOCK[0], "A1,1,many,Ada"], ValueError),
        ([STOCK[0], f"A1,{'9' * 5000},2,Ada"], ValueError),
        ([STOCK[0], "A" * 200_000], csv.Error),
    ],
)
def test_a_list_that_is_no_stock_is_refused(
    shop: ModuleType, lines: Sequence[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        shop.read_stock(lines)


@pytest.mark.parametrize("lines", [[], [""], STOCK[:1], [STOCK[0], ""]])
def test_a_list_without_articles_is_an_empty_stock(
    shop: ModuleType, lines: Sequence[str]
) -> None:
    assert shop.read_stock(lines) == {}


def test_the_last_line_of_a_number_counts(shop: ModuleType) -> None:
    articles = shop.read_stock([*STOCK[:2], "A1,9,5,Bob"])
    assert articles == {"A1": shop.Article("A1", 9, 5, "Bob")}


def test_what_is_below_its_minimum_is_ordered(shop: ModuleType) -> None:
    ordered = shop.orders(shop.read_stock(STOCK))
    assert ordered == {"ADA": {"A1": 2, "C3": 10}, "BOB": {"D4": 1}}
    assert type(ordered) is dict


def test_after_the_fix_an_unknown_number_is_named() -> None:
    with pytest.raises(LookupError) as unknown:
        take(MappingProxyType(read_stock(iter(STOCK))), "Z9", 1)
    assert str(unknown.value) == "no article 'Z9'"


def test_after_the_fix_what_nobody_supplies_is_listed_apart() -> None:
    stock = {"E5": Article("E5", 1, 2), "A1": Article("A1", 3, 5, "Ada")}
    articles = MappingProxyType(stock)
    assert find(articles, "E5") == Article("E5", 1, 2)
    assert orders(articles) == {"?": {"E5": 1}, "ADA": {"A1": 2}}


def test_five_errors_are_in_no_list_until_another_is_fixed(
    mypy: Reported, evidence: Evidence
) -> None:
    left: list[int] = []
    told: list[str] = []
    new: list[str] = []
    earlier = mypy.codes("step0")
    for at, fix in enumerate(["as it was", *FIXES]):
        messages, codes = mypy.messages(f"step{at}"), mypy.codes(f"step{at}")
        found = [
            message
            for message, code in zip(messages, codes, strict=True)
            if code not in earlier
        ]
        told += [f"{len(messages)} left: {fix}", *(f"   new: {each}" for each in found)]
        new += found
        left.append(len(messages))
        earlier = codes
    evidence.add("mypy --strict, one fix after the other", "\n".join(told))
    assert left == [6, 5, 4, 7, 3, 2, 1, 0]
    in_take = 'Item "None" of "Article | None" has no attribute "stock"  [union-attr]'
    in_orders = 'Item "None" of "str | None" has no attribute "upper"  [union-attr]'
    assert new == [in_take] * 4 + [in_orders]


def test_the_change_of_types_changes_two_statements(evidence: Evidence) -> None:
    changed = [
        line
        for line in unified_diff(
            untyped_source(BEFORE), untyped_source(AFTER), n=0, lineterm=""
        )
        if not line.startswith(("---", "+++", "@@"))
    ]
    evidence.add(
        "The diff of both modules without their annotations", "\n".join(changed)
    )
    assert changed == [
        "-from collections.abc import Iterable",
        "+from collections.abc import Iterable, Mapping",
        "+    if article is None:",
        "+        raise LookupError(f'no article {sku!r}')",
        "-            supplier = article.supplier.upper()",
        f"+            supplier = {NAMED}",
    ]


def test_an_ignore_that_is_needed_is_silent(mypy: Reported, pyright: Reported) -> None:
    assert mypy.messages("needed") == pyright.messages("needed") == []


def test_an_ignore_that_is_needed_no_more_is_an_error(
    mypy: Reported, pyright: Reported, evidence: Evidence
) -> None:
    told = {
        "mypy": mypy.messages("fixed"),
        "pyright": pyright.messages("fixed"),
    }
    evidence.add(
        "name is a str by now, and both ignores are still there",
        "\n".join(f"{name}: {each}" for name in told for each in told[name]),
    )
    assert mypy.codes("fixed") == ["unused-ignore"]
    assert pyright.codes("fixed") == ["reportUnnecessaryTypeIgnoreComment"]


def test_an_exact_ignore_lets_the_next_error_of_its_line_be_reported(
    mypy: Reported, pyright: Reported
) -> None:
    assert mypy.codes("exact") == ["return-value"]
    assert pyright.codes("exact") == ["reportReturnType"]


def test_a_bare_ignore_hides_it_and_is_itself_refused_where_codes_are_demanded(
    mypy: Reported, pyright: Reported
) -> None:
    assert mypy.codes("bare") == ["ignore-without-code"]
    assert pyright.messages("bare") == []


def test_pyright_takes_mypys_exact_ignore_for_a_bare_one_unless_told_otherwise(
    mypy: Reported, pyright: Reported
) -> None:
    assert set(mypy.codes("foreign")) == {"union-attr", "return-value", "unused-ignore"}
    assert pyright.messages("obeyed") == []
    assert pyright.codes("foreign") == [
        "reportReturnType",
        "reportOptionalMemberAccess",
    ]


def test_an_ignore_here_would_hide_the_failure_for_good(
    mypy: Reported, observe: Observe
) -> None:
    found: object = untyped(BEFORE).find({}, "Z9")
    assert found is None
    assert "return-value" in mypy.codes("step2")
    silenced = mypy.codes("silenced")
    assert silenced == ["assignment", "arg-type", "var-annotated"]
    observe("with ignore[return-value]: not a word about `take`")


def test_an_unknown_number_fails_on_a_line_that_nobody_reports(
    observe: Observe,
) -> None:
    before = untyped(BEFORE)
    with pytest.raises(AttributeError) as failure:
        before.take(before.read_stock(STOCK), "Z9", 1)
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'stock'"


def test_an_article_without_supplier_stops_every_order(observe: Observe) -> None:
    before = untyped(BEFORE)
    articles = before.read_stock([*STOCK, "E5,1,2,"])
    with pytest.raises(AttributeError) as failure:
        before.orders(articles)
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'upper'"
