"""Where ``Any`` comes from that nobody wrote, and where it ends."""

import json
import re
import sqlite3
import tomllib
from typing import Any, assert_type, reveal_type

from snippets.typesystem.documented_any import Payment, payments


def from_the_standard_library(connection: sqlite3.Connection) -> None:
    """Call what can't know the type of its result."""
    # reveals: Any
    reveal_type(json.loads("[990]"))
    # reveals: dict[str, Any]
    reveal_type(tomllib.loads("cents = 990"))
    # reveals: list[Any]
    reveal_type(connection.execute("SELECT 990").fetchall())


def that_spreads(connection: sqlite3.Connection) -> None:
    """Index it, call it, add to it: nothing is checked, all of it is ``Any``."""
    row = connection.execute("SELECT 990").fetchone()
    # reveals: Any
    reveal_type(row[0].bit_length() + 1)


def that_chooses_no_overload(**options: Any) -> None:  # noqa: ANN401 - it is shown
    """Pass it to an overloaded function."""
    connection = sqlite3.connect(":memory:", **options)
    # mypy reveals: Any
    # pyright reveals: Connection
    reveal_type(connection).close()


def that_ends(connection: sqlite3.Connection, text: str) -> None:
    """Receive it as ``object``, in one annotation, and ask."""
    settings: dict[str, object] = tomllib.loads("cents = 990")
    # reveals: object
    reveal_type(settings["cents"])
    amount: object = json.loads(text)
    # reveals: object
    reveal_type(amount)
    if isinstance(amount, int):
        # reveals: int
        reveal_type(amount)
    assert_type(payments(connection), list[Payment])


def that_stands_for_none(found: re.Match[str]) -> None:
    """Meet the ``Any`` that spares you a check which you may need."""
    # reveals: str | Any
    reveal_type(found[2])
