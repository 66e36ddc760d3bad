"""Read payments from an SQLite file that other programs write, and believe it."""

import sqlite3
from dataclasses import dataclass
from typing import Any, reveal_type

QUERY = "SELECT number, cents FROM payment ORDER BY number"


@dataclass(frozen=True)
class Payment:
    order: str
    cents: int


# --8<-- [start:answer]
# expect: ruff[ANN401]
def fetch(connection: sqlite3.Connection) -> Any:
    return connection.execute(QUERY).fetchall()


def payments(connection: sqlite3.Connection) -> list[Payment]:
    # reveals: Any
    rows = reveal_type(fetch(connection))
    # expect: test[text_in_a_column_of_integers_passes_for_cents]
    return [Payment(row[0], row[1]) for row in rows]


# --8<-- [end:answer]


# expect: mypy[type-arg]
# expect: pyright[reportMissingTypeArgument] pyright[reportUnknownParameterType]
def count_bare(rows: list) -> int:
    # expect: pyright[reportUnknownArgumentType]
    # expect: test[a_bare_list_that_both_checkers_refuse_runs]
    return len(rows)


def total_silenced(rows: list[dict[str, Any]]) -> int:
    # expect: test[a_misspelt_key_is_found_at_run_time]
    return sum(row["cent"] for row in rows)
