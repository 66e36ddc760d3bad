import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import FrozenInstanceError
from typing import Any, TypedDict, cast

import psycopg
import pytest
from psycopg import sql

from proof.testing.basics import Observe
from proof.testing.record import Attack, Evidence
from snippets.security.sql_parameters import (
    Order,
    Search,
    containing,
    search_postgresql,
    search_sqlite,
)
from snippets.security.sql_parameters_avoid import (
    search_postgresql_in_steps,
    search_sqlite_in_steps,
    sort_by,
)
from snippets.security.sql_parameters_avoid import search_sqlite as avoid_search_sqlite

TABLES = """
CREATE TABLE customers (id integer PRIMARY KEY, shop integer, name text, city text);
CREATE TABLE staff (name text, token text);
INSERT INTO customers VALUES
    (1, 1, 'ada', 'Oslo'), (2, 1, 'bob', 'Bergen'), (3, 2, 'eve', 'Oslo');
INSERT INTO staff VALUES ('root', 's3cret');
"""
ANY_SHOP = "' OR '1'='1"
UNION = "' UNION SELECT token FROM staff --"
UPDATE = "'; UPDATE staff SET token = 'mine' --"
STAFF = "(SELECT token FROM staff)"
HOSTILE = [
    "'",
    "''",
    '"',
    "\\'",
    ANY_SHOP,
    UNION,
    UPDATE,
    "O'Brien",
    ":shop",
    "%(shop)s",
    "%s",
    "?",
    "{}",
    "--",
    "/*",
    "\u02bc",
]


def ascii_start(text: str) -> str:
    """Name a hostile text by how it starts."""
    return ascii(text[:9])


@pytest.fixture
def sqlite() -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        yield connection


@pytest.fixture
def psql(postgresql: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(postgresql) as connection:
        connection.execute(TABLES)
        yield connection
        connection.rollback()


class Shop:
    """A database with two shops, in either system."""

    def __init__(self, connection: sqlite3.Connection | psycopg.Connection) -> None:
        self.connection = connection

    def search(
        self,
        text: str = "",
        *,
        shop: int = 1,
        cities: Sequence[str] = ("Oslo", "Bergen"),
        order: Order = Order.NAME,
    ) -> list[str]:
        wanted = Search(shop=shop, text=text, cities=cities, order=order)
        if isinstance(self.connection, psycopg.Connection):
            return search_postgresql(self.connection, wanted)
        return search_sqlite(self.connection, wanted)

    def add(self, name: str, city: str = "Oslo") -> None:
        if isinstance(self.connection, psycopg.Connection):
            statement = (
                "INSERT INTO customers SELECT max(id) + 1, 1, %s, %s FROM customers"
            )
            self.connection.execute(statement, [name, city])
        else:
            statement = (
                "INSERT INTO customers SELECT max(id) + 1, 1, ?, ? FROM customers"
            )
            self.connection.execute(statement, [name, city])

    def token(self) -> str:
        return str(token(self.connection))


class Typed(TypedDict):
    text: str
    cities: Sequence[str]


def token(connection: sqlite3.Connection | psycopg.Connection) -> object:
    """Read what no search may show or change."""
    return connection.execute("SELECT token FROM staff").fetchall()[0][0]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def shops(request: pytest.FixtureRequest) -> Shop:
    name = "sqlite" if request.param == "SQLite" else "psql"
    return Shop(request.getfixturevalue(name))


def test_a_search_finds_the_customers_of_one_shop(shops: Shop) -> None:
    assert shops.search() == ["ada", "bob"]
    assert shops.search(shop=2) == ["eve"]
    assert shops.search("d") == ["ada"]


def test_a_hostile_text_is_found_as_the_text_that_it_is(shops: Shop) -> None:
    for text in HOSTILE:
        shops.add(f"<{text}>")
    found = {text: shops.search(f"<{text}>") for text in HOSTILE}
    assert found == {text: [f"<{text}>"] for text in HOSTILE}


def test_a_hostile_text_finds_and_changes_nothing_else(shops: Shop) -> None:
    assert [shops.search(text) for text in HOSTILE] == [[]] * len(HOSTILE)
    assert shops.token() == "s3cret"


def test_a_wildcard_in_the_text_stands_for_itself(shops: Shop) -> None:
    for name in ("50% off", "50 off", "a_a", "wow!", "!%"):
        shops.add(name)
    found = {text: shops.search(text) for text in ("%", "_", "!", "50%", "!%")}
    assert found == {
        "%": ["!%", "50% off"],
        "_": ["a_a"],
        "!": ["!%", "wow!"],
        "50%": ["50% off"],
        "!%": ["!%"],
    }


def test_upper_and_lower_case_are_told_apart_in_either_system(shops: Shop) -> None:
    shops.add("Ada")
    assert shops.search("A") == ["Ada"]
    assert shops.search("ad") == ["ada"]


def test_sqlites_like_ignores_the_case_of_ascii_letters_alone(
    sqlite: sqlite3.Connection,
) -> None:
    row = sqlite.execute("SELECT 'ADA' LIKE 'ada', 'É' LIKE 'é'").fetchone()
    assert row == (1, 0)


def test_sqlites_like_refuses_a_long_pattern_and_postgresqls_takes_it(
    sqlite: sqlite3.Connection, psql: psycopg.Connection
) -> None:
    taken = psql.execute("SELECT 'a' LIKE %s", ["%" * 60_000]).fetchall()
    assert taken == [(True,)]
    with pytest.raises(sqlite3.OperationalError, match="pattern too complex"):
        sqlite.execute("SELECT 'a' LIKE ?", ["%" * 60_000]).fetchall()


@pytest.mark.parametrize("letter", ["a", "%", "\U0001f600"])
def test_the_longest_text_and_list_are_searched(shops: Shop, letter: str) -> None:
    text = 200 * letter
    shops.add(text)
    assert shops.search(text, cities=50 * ["Oslo"]) == [text]


@pytest.mark.parametrize(
    "text", [201 * "a", 60_000 * "a", "a\0", "a\nb", "\ud800"], ids=ascii_start
)
def test_a_text_that_nobody_types_is_refused(text: str) -> None:
    for texts in ({"text": text, "cities": ()}, {"text": "", "cities": ("", text)}):
        typed = cast("Typed", texts)
        with pytest.raises(
            ValueError, match=r"^search for 200 printable characters at most$"
        ):
            Search(shop=1, order=Order.NAME, **typed)


def test_a_list_that_nobody_types_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^name 50 cities at most$"):
        Search(shop=1, text="", cities=51 * ("Oslo",), order=Order.NAME)


@pytest.mark.parametrize("shop", [-1, 0, 2**63 - 1, -(2**63)])
def test_a_shop_that_does_not_exist_has_no_customers(shops: Shop, shop: int) -> None:
    assert shops.search(shop=shop) == []


def test_a_number_of_more_than_64_bits_is_an_overflow_error_in_sqlite(
    sqlite: sqlite3.Connection,
) -> None:
    with pytest.raises(OverflowError):
        Shop(sqlite).search(shop=2**63)


def test_a_number_that_is_too_big_for_postgresql_is_its_error(
    psql: psycopg.Connection,
) -> None:
    with pytest.raises(psycopg.Error):
        Shop(psql).search(shop=10**200_000)


@pytest.mark.parametrize(
    ("cities", "found"),
    [
        (["Oslo"], ["ada"]),
        (("Bergen", "Oslo"), ["ada", "bob"]),
        ([], []),
        (["Oslo') OR ('1'='1"], []),
        (['Oslo","Bergen'], []),
        (["{Oslo,Bergen}"], []),
    ],
)
def test_a_list_of_any_length_is_one_value(
    shops: Shop, cities: Sequence[str], found: list[str]
) -> None:
    assert shops.search(cities=cities) == found


def test_a_list_is_sorted_by_the_column_that_was_named(shops: Shop) -> None:
    assert shops.search(order=Order("name")) == ["ada", "bob"]
    assert shops.search(order=Order("city")) == ["bob", "ada"]


def test_customers_of_one_city_are_sorted_by_name(shops: Shop) -> None:
    for name, city in [("cy", "Oslo"), ("ada", "Oslo"), ("ada", "Bergen")]:
        shops.add(name, city)
    assert shops.search(order=Order.CITY) == ["ada", "bob", "ada", "ada", "cy"]
    assert shops.search(order=Order.NAME) == ["ada", "ada", "ada", "bob", "cy"]


@pytest.mark.parametrize("typed", ["token", "name; DROP TABLE staff", "NAME", ""])
def test_a_column_that_is_not_on_the_list_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Order"):
        Order(typed)


@pytest.mark.parametrize("text", ["", "a", "%", "_", "!", "!%", "100%!_"])
def test_a_pattern_can_be_read_back(text: str) -> None:
    pattern = containing(text)
    assert pattern[0] == pattern[-1] == "%"
    characters = iter(pattern[1:-1])
    read = [next(characters) if one == "!" else one for one in characters]
    assert "".join(read) == text


def test_a_pattern_leaves_all_other_characters_alone() -> None:
    plain = "max's \\ {x} ?"
    assert containing(plain) == f"%{plain}%"


def test_what_is_searched_is_named_and_fixed() -> None:
    wanted = Search(shop=1, text="", cities=(), order=Order.NAME)
    unchecked: Any = Search
    with pytest.raises(TypeError, match="positional argument"):
        unchecked(2, "", (), Order.NAME)
    with pytest.raises(FrozenInstanceError):
        setattr(wanted, "shop", 2)  # noqa: B010 - the checkers refuse `=`


def test_postgresql_parses_the_statement_without_the_text(
    psql: psycopg.Connection, postgresql: str, evidence: Evidence
) -> None:
    wanted = Search(shop=1, text=ANY_SHOP, cities=["Oslo"], order=Order.NAME)
    search_postgresql(psql, wanted)
    bound = last_statement(psql, postgresql)
    search_postgresql_in_steps(psql, 1, ANY_SHOP)
    pasted = last_statement(psql, postgresql)
    assert ANY_SHOP not in bound
    assert "shop = $1 AND name LIKE $2 ESCAPE '!'\nAND city = ANY($3)" in bound
    assert ANY_SHOP in pasted
    evidence.add("What PostgreSQL parses: the recommended statement", bound)
    evidence.add("What PostgreSQL parses: the text is part of the statement", pasted)


def last_statement(connection: psycopg.Connection, url: str) -> str:
    """Ask the server, from another connection, what it was last asked to parse."""
    question = "SELECT query FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(url) as other:
        row = other.execute(question, [connection.info.backend_pid]).fetchone()
    assert row is not None
    return str(row[0]).strip()


def test_a_statement_with_bound_values_is_one_statement(
    sqlite: sqlite3.Connection, psql: psycopg.Connection
) -> None:
    with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
        psql.execute("SELECT %s; SELECT 2", [1])
    with pytest.raises(sqlite3.ProgrammingError, match="one statement at a time"):
        sqlite.execute("SELECT 1; SELECT 2")


def test_a_column_cannot_be_bound(
    sqlite: sqlite3.Connection, psql: psycopg.Connection
) -> None:
    by_city = ["city"]
    statement = "SELECT name FROM customers WHERE shop = 1 ORDER BY "
    lists = [
        sqlite.execute(statement + "?", by_city).fetchall(),
        psql.execute(statement + "%s", by_city).fetchall(),
    ]
    assert lists == [[("ada",), ("bob",)]] * 2  # sorted by a constant, which is: not


def test_an_empty_list_in_parentheses_is_no_sql_for_postgresql(
    psql: psycopg.Connection,
) -> None:
    with pytest.raises(psycopg.errors.SyntaxError):
        psql.execute("SELECT name FROM customers WHERE city IN ()")


def test_identifier_quotes_a_name_and_does_not_ask_whether_it_is_allowed(
    psql: psycopg.Connection,
) -> None:
    statement = sql.SQL("SELECT {} FROM staff")
    stolen = psql.execute(statement.format(sql.Identifier("token"))).fetchall()
    assert stolen == [("s3cret",)]
    with pytest.raises(psycopg.errors.UndefinedColumn):
        psql.execute(statement.format(sql.Identifier('name" FROM staff --')))


def test_each_of_them_works_in_the_demonstration(
    sqlite: sqlite3.Connection, psql: psycopg.Connection
) -> None:
    assert avoid_search_sqlite(sqlite, 1, "ada") == ["ada"]
    assert search_sqlite_in_steps(sqlite, 1, "d") == ["ada"]
    assert search_sqlite_in_steps(sqlite, 2, None) == ["eve"]
    assert search_postgresql_in_steps(psql, 1, "d") == ["ada"]
    assert search_postgresql_in_steps(psql, 2, None) == ["eve"]
    assert sort_by(sqlite, 1, "city") == ["bob", "ada"]


def test_a_quote_in_the_text_opens_every_shop(
    sqlite: sqlite3.Connection, attack: Attack, observe: Observe
) -> None:
    attack.sent(f"text={ANY_SHOP}")
    found = avoid_search_sqlite(sqlite, 1, ANY_SHOP)
    observe(found)
    attack.happened(f"the customers of both shops: {', '.join(found)}")
    assert found == ["ada", "bob", "eve"]
    assert Shop(sqlite).search(ANY_SHOP) == []
    attack.now("no name holds that text")


def test_an_apostrophe_alone_is_an_error_long_before_an_attack(
    sqlite: sqlite3.Connection,
) -> None:
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        avoid_search_sqlite(sqlite, 1, "O'Brien")


def test_a_statement_made_in_steps_leaks_a_table_and_nobody_reports_it(
    sqlite: sqlite3.Connection, observe: Observe
) -> None:
    found = search_sqlite_in_steps(sqlite, 1, f"nobody{UNION}")
    observe(found)
    assert found == ["s3cret"]


def test_a_semicolon_starts_a_second_statement_which_is_no_select(
    psql: psycopg.Connection, attack: Attack, observe: Observe
) -> None:
    attack.sent(f"text={UPDATE}")
    search_postgresql_in_steps(psql, 1, UPDATE)
    forged = token(psql)
    assert forged == "mine"
    observe(f"the token of root is {forged!r}")
    attack.happened(f"the token of root is {forged!r}")
    psql.execute("UPDATE staff SET token = 's3cret'")
    assert Shop(psql).search(UPDATE) == []
    assert token(psql) == "s3cret"
    attack.now(f"no name holds that text, and the token is {token(psql)!r}")


def test_the_order_of_two_names_spells_out_a_secret(
    sqlite: sqlite3.Connection, observe: Observe
) -> None:
    stolen, questions = "", 0
    for length in range(1, 1 + len("s3cret")):
        for character in "0123456789abcdefghijklmnopqrstuvwxyz":
            guess, questions = stolen + character, questions + 1
            start = f"substr({STAFF}, 1, {length})"
            order = f"CASE {start} WHEN '{guess}' THEN city ELSE name END"
            if sort_by(sqlite, 1, order) == ["bob", "ada"]:
                stolen = guess
                break
    observe(f"{stolen!r}, after {questions} searches")
    assert (stolen, questions) == ("s3cret", 119)
