"""A new rule begins with all its files, in their places, and listed."""

import runpy

import pytest

from proof.faults import FaultsError
from proof.sources.lint import lint
from proof.sources.new import lay_out
from tests.proof.conftest import FILES, RULES, Planted

PAID = 'pay-by-card = { strength = "should", title = "Say what to do" }\n'
OF_A_RULE = [
    "docs/cart/pay-by-card.md",
    RULES,
    "snippets/cart/pay_by_card.py",
    "snippets/cart/pay_by_card_avoid.py",
    "tests/cart/test_pay_by_card.py",
]


TO_FILL = ["demands nothing", "test_name_what_holds asks nothing"]


def why(planted: Planted, rule: str) -> list[str]:
    before = planted.project.files("**/*")
    with pytest.raises(FaultsError) as refused:
        lay_out(planted.project, rule)
    assert planted.project.files("**/*") == before
    return [str(fault) for fault in refused.value.faults]


def test_a_new_rule_has_all_its_files_and_its_sources_are_in_order(
    planted: Planted,
) -> None:
    assert lay_out(planted.project, "cart-pay-by-card") == OF_A_RULE
    assert planted.read(RULES) == FILES[RULES] + PAID
    assert [each.message.split(":")[0] for each in lint(planted.project)] == TO_FILL


def test_a_new_chapter_begins_with_its_page_and_its_reference(
    planted: Planted,
) -> None:
    written = lay_out(planted.project, "cash-count")
    assert {"docs/cash/index.md", "docs/reference/cash.md"} < set(written)
    assert planted.project.chapters == ["cart", "cash"]
    assert [each.message.split(":")[0] for each in lint(planted.project)] == TO_FILL


def test_a_new_rule_stands_at_the_end_of_its_chapter(planted: Planted) -> None:
    lay_out(planted.project, "cash-count")
    planted.replace(RULES, "[cart]", "[cart] # what is bought")
    lay_out(planted.project, "cart-pay-by-card")
    assert [rule.id for rule in planted.project.rules] == [
        "cart-add-item",
        "cart-pay-by-card",
        "cash-count",
    ]


def test_the_test_of_a_new_rule_fails_until_it_is_written(planted: Planted) -> None:
    lay_out(planted.project, "cart-pay-by-card")
    module = runpy.run_path(str(planted.root / "tests/cart/test_pay_by_card.py"))
    with pytest.raises(NotImplementedError):
        module["test_name_what_holds"]()


@pytest.mark.parametrize(
    "rule",
    ["", "cart", "cart-", "-pay", "Cart-pay", "cart-Pay", "cart-pay--card", "cart-pay-",
     "cart-3d", "cart-päy", "cart-pay_card", "cart/pay", "../cart-pay", "proof-pay",
     "reference-pay", "cart-pay-avoid"],
)  # fmt: skip
def test_what_is_no_id_is_refused(planted: Planted, rule: str) -> None:
    message = "is no id: write CHAPTER-NAME, as in pitfalls-money"
    assert why(planted, rule) == [f"{RULES}: {rule!r} {message}"]


def test_an_id_is_given_once(planted: Planted) -> None:
    assert why(planted, "cart-add-item") == [f"{RULES}: cart-add-item exists already"]


def test_no_file_is_written_over(planted: Planted) -> None:
    planted.write("docs/cart/pay.md", "")
    planted.write("tests/cart/test_pay.py", "")
    assert why(planted, "cart-pay") == [
        "docs/cart/pay.md: exists already (cart-pay)",
        "tests/cart/test_pay.py: exists already (cart-pay)",
    ]


def test_the_command_names_the_files_and_what_is_next(planted: Planted) -> None:
    done = planted.proof("new", "cart-pay-by-card")
    listed = "".join(f"  {path}\n" for path in OF_A_RULE)
    assert done.stdout == f"{listed}Fill them, then run `make test`.\n"
    assert (done.returncode, done.stderr) == (0, "")
