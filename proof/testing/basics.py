"""What a rule's test may use besides pytest."""

import importlib
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

NOT_PROVEN_HERE = "not proven here: "
Observe = Callable[[object], None]
"""The ``observe`` fixture: keeps a value for the page, at the line that a test is
expected at. An exception is shown as type and message, a string as it is, anything
else by its repr."""


# Any: the module's types are wrong or missing on purpose.
def untyped(module: str) -> Any:  # noqa: ANN401 - see above
    """Import a counterexample whose types would spoil a strictly typed test.

    Args:
        module: The module's dotted name, such as ``snippets.pitfalls.money_avoid``.

    Returns:
        The module, its attributes unchecked.
    """
    return importlib.import_module(module)


def lacking(part: str) -> NoReturn:
    """End a test that needs what this machine doesn't have.

    `make test` lists the part and stays green; `make site` refuses the rule's page.

    Args:
        part: What is missing, as its package or program is called.
    """
    pytest.skip(f"{NOT_PROVEN_HERE}{part}")


def as_text(value: object) -> str:
    """Write a value as a page shows it.

    Args:
        value: What a test saw.

    Returns:
        A string as it is, an exception as type and message, anything else by its repr.
    """
    match value:
        case str():
            return str.__str__(value)  # of a subclass: no worker can send that on
        case BaseException():
            return f"{type(value).__name__}: {value}"
        case _:
            return repr(value)
