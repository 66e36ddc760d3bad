"""Find a shop's customers, and run what somebody typed."""

import sqlite3

import psycopg


# --8<-- [start:answer]
def search_sqlite(connection: sqlite3.Connection, shop: int, text: str) -> list[str]:
    # expect: ruff[S608]
    # expect: test[a_quote_in_the_text_opens_every_shop]
    statement = f"SELECT name FROM customers WHERE shop = {shop} AND name = '{text}'"
    return [name for (name,) in connection.execute(statement)]
    # --8<-- [end:answer]


def search_sqlite_in_steps(
    connection: sqlite3.Connection, shop: int, text: str | None
) -> list[str]:
    statement = "SELECT name FROM customers WHERE shop = :shop"
    if text is not None:
        # expect: test[a_statement_made_in_steps_leaks_a_table_and_nobody_reports_it]
        statement += f" AND name LIKE '%{text}%'"
    return [name for (name,) in connection.execute(statement, {"shop": shop})]


def search_postgresql_in_steps(
    connection: psycopg.Connection, shop: int, text: str | None
) -> list[str]:
    statement = "SELECT name FROM customers"
    statement += f" WHERE shop = {shop}"
    if text is not None:
        statement += f" AND name LIKE '%{text}%'"
    # expect: pyright[reportArgumentType] pyright[reportCallIssue]
    # expect: pyright[reportUnknownVariableType]
    # expect: test[a_semicolon_starts_a_second_statement_which_is_no_select]
    return [name for (name,) in connection.execute(statement)]


def sort_by(connection: sqlite3.Connection, shop: int, order: str) -> list[str]:
    # expect: ruff[S608]
    # expect: test[the_order_of_two_names_spells_out_a_secret]
    statement = f"SELECT name FROM customers WHERE shop = :shop ORDER BY {order}"
    return [name for (name,) in connection.execute(statement, {"shop": shop})]
