"""Let Python work out the delivery fee, and whatever else the shop typed in."""

from collections.abc import Callable, Mapping
from typing import Any


class FormulaError(ValueError):
    pass


# --8<-- [start:answer]
def evaluate_without_builtins(formula: str, names: Mapping[str, float]) -> float:
    # expect: ruff[S307]
    # expect: test[an_empty_builtins_is_refilled_from_any_object_at_hand]
    fee: float = eval(formula, {"__builtins__": {}}, dict(names))
    return fee
    # --8<-- [end:answer]


def evaluate_without_underscores(formula: str, names: Mapping[str, float]) -> float:
    if "__" in formula:
        raise FormulaError(formula)
    # expect: ruff[S307]
    # expect: test[the_parser_makes_the_underscores_that_the_check_did_not_find]
    fee: float = eval(formula, {"__builtins__": {}}, dict(names))
    return fee


def compile_formula(formula: str, *names: str) -> Callable[..., float]:
    module: dict[str, Any] = {}
    # expect: ruff[S102]
    # expect: test[a_line_break_ends_the_function_and_the_rest_runs_at_once]
    exec(f"def fee({', '.join(names)}): return {formula}", module)
    fee: Callable[..., float] = module["fee"]
    return fee
