"""Work out the delivery fee from the formula that a shop typed in."""

import ast
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, localcontext

LONGEST = 200  # characters, which also bounds depth and time
DIGITS = 28  # whatever the caller's own context says

BINARY: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: Decimal.__add__,
    ast.Sub: Decimal.__sub__,
    ast.Mult: Decimal.__mul__,
    ast.Div: Decimal.__truediv__,
}


class FormulaError(ValueError):
    """A formula does not say how to get a number."""


def evaluate(formula: str, names: Mapping[str, Decimal]) -> Decimal:
    """Work a formula out.

    Args:
        formula: Numbers, names, parentheses and ``+ - * /``.
        names: The value of each name that may stand in the formula.

    Returns:
        The value of the formula, to 28 digits.

    Raises:
        FormulaError: If the formula is too long, says anything else, or has no finite
            value.

    Examples:
        >>> from decimal import Decimal
        >>> evaluate("4.90 + 0.35 * (kg - 2)", {"kg": Decimal(12)})
        Decimal('8.40')
    """
    if len(formula) > LONGEST:
        raise FormulaError(f"a formula of {len(formula)} characters is too long")
    # --8<-- [start:answer]
    try:
        with localcontext(Context(prec=DIGITS)):
            tree = ast.parse(formula, mode="eval")  # reads, and runs nothing
            value = _value(tree.body, names, formula)
    except (SyntaxError, UnicodeError, ArithmeticError, RecursionError) as error:
        raise FormulaError(f"{type(error).__name__} in the formula") from error
    # --8<-- [end:answer]
    if not value.is_finite():
        raise FormulaError(f"the formula is {value}")
    return value


def _value(node: ast.expr, names: Mapping[str, Decimal], formula: str) -> Decimal:
    """Work a part of the formula out, if it is of a kind that is listed here."""
    part = str(ast.get_source_segment(formula, node))
    match node:
        case ast.Constant(value=int() | float()):
            # The digits as typed, not the float; the + rounds into the context's
            # range, as Decimal("1e9999999999") alone would do for hours in an int().
            return +Decimal(part)
        case ast.Name(name) if name in names:
            return names[name]
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, names, formula)
        case ast.BinOp(left, op, right) if type(op) in BINARY:
            apply = BINARY[type(op)]
            return apply(_value(left, names, formula), _value(right, names, formula))
        case _:
            raise FormulaError(f"not allowed in a formula: {part}")
