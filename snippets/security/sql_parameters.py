"""Find a shop's customers by what somebody typed, in SQLite and in PostgreSQL."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import LiteralString

import psycopg

LONGEST = 200  # characters of a text
MOST_CITIES = 50


class Order(StrEnum):
    """How a client may have the customers sorted."""

    NAME = "name"
    CITY = "city"


ORDER_BY: Mapping[Order, LiteralString] = {
    Order.NAME: "ORDER BY name",
    Order.CITY: "ORDER BY city, name",
}

SQLITE: LiteralString = """
SELECT name FROM customers
WHERE shop = :shop AND instr(name, :text) > 0
AND city IN (SELECT value FROM json_each(:cities))
"""

POSTGRESQL: LiteralString = """
SELECT name FROM customers
WHERE shop = %(shop)s AND name LIKE %(pattern)s ESCAPE '!'
AND city = ANY(%(cities)s)
"""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a client looks for; all but the shop is as it was typed.

    Attributes:
        shop: The shop that the client is logged in to.
        text: What the name holds, character by character.
        cities: Where the customers live.
        order: How they are sorted; make it by ``Order(typed)``.

    Raises:
        ValueError: If there are more than 50 cities, or a text is longer than 200
            characters or has one that does not print, such as a zero byte.
    """

    shop: int
    text: str
    cities: Sequence[str]
    order: Order

    def __post_init__(self) -> None:
        """Refuse what no customer types and a database may stumble over."""
        if len(self.cities) > MOST_CITIES:
            raise ValueError(f"name {MOST_CITIES} cities at most")
        for text in (self.text, *self.cities):
            if len(text) > LONGEST or not text.isprintable():
                raise ValueError(f"search for {LONGEST} printable characters at most")


def search_sqlite(connection: sqlite3.Connection, wanted: Search) -> list[str]:
    """Find customers in SQLite.

    Args:
        connection: Where the customers are.
        wanted: What to look for.

    Returns:
        The names found, sorted as wanted.

    Raises:
        OverflowError: If the shop's number has more than 64 bits.
        sqlite3.Error: If the database fails.
    """
    # --8<-- [start:answer]
    # sqlite3 takes any str. The annotation makes pyright insist on a text of ours.
    statement: LiteralString = SQLITE + ORDER_BY[wanted.order]
    values = {
        "shop": wanted.shop,
        "text": wanted.text,
        "cities": json.dumps(list(wanted.cities)),  # a list as one value
    }
    return [name for (name,) in connection.execute(statement, values)]
    # --8<-- [end:answer]


def containing(text: str) -> str:
    """Make a pattern for ``LIKE … ESCAPE '!'`` that matches a text anywhere.

    Args:
        text: The text, in which nothing is a wildcard.

    Returns:
        The pattern.

    Examples:
        >>> containing("100%!")
        '%100!%!!%'
    """
    for special in "!%_":  # the escape itself first
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def search_postgresql(connection: psycopg.Connection, wanted: Search) -> list[str]:
    """Find customers in PostgreSQL.

    Args:
        connection: Where the customers are.
        wanted: What to look for.

    Returns:
        The names found, sorted as wanted.

    Raises:
        psycopg.Error: If the database fails, or does not take the shop's number.
    """
    values = {
        "shop": wanted.shop,
        "pattern": containing(wanted.text),
        "cities": list(wanted.cities),
    }
    found = connection.execute(POSTGRESQL + ORDER_BY[wanted.order], values)
    return [name for (name,) in found]
