"""Turn the total of an order into cents while old and new code are at work.

Deploy in this order: ``expand``, ``migrate``, the new code, ``contract``. Each is the
``upgrade`` of a revision of its own, and the one with ``undo_`` its ``downgrade``. The
limit for locks that each sets holds until Alembic closes its connection.
"""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Numeric, column, func, select, table, update
from sqlalchemy.sql import ColumnElement

BATCH = 5_000
PATIENCE = "SET lock_timeout = '2s'"  # others queue behind a migration that waits

ORDERS = table("orders", column("id"), column("total"), column("cents"))

# --8<-- [start:answer]
FOLLOW = """
CREATE FUNCTION orders_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF new.total IS NULL OR new.cents IS DISTINCT FROM old.cents THEN
        new.total := new.cents / 100.0;
    END IF;
    new.cents := new.total * 100;
    RETURN new;
END $$
"""
# --8<-- [end:answer]


def expand() -> None:
    """Add the new column, and let each of the two follow the other."""
    _add(Column("cents", BigInteger()))


def undo_expand() -> None:
    """Drop the new column, when the new code is gone."""
    _drop("cents")


def migrate() -> None:
    """Fill the new column. If it fails, run it again: it goes on with what is empty."""
    _fill("cents", ORDERS.c.total * 100)


def undo_migrate() -> None:
    """Fill the old column, before the old code comes back."""
    _fill("total", ORDERS.c.cents / 100.0)


def contract() -> None:
    """Drop the old column, when the old code is gone."""
    _drop("total")


def undo_contract() -> None:
    """Add the old column, and let each of the two follow the other."""
    _add(Column("total", Numeric(12, 2)))


def _add(new: Column[Any]) -> None:
    """Add a column that a trigger keeps up to date; no row is read or rewritten."""
    op.execute(PATIENCE)
    op.add_column("orders", new)
    op.execute(FOLLOW)
    op.execute(
        "CREATE TRIGGER orders_follow BEFORE INSERT OR UPDATE ON orders"
        " FOR EACH ROW EXECUTE FUNCTION orders_follow()"
    )


def _fill(name: str, value: ColumnElement[Any]) -> None:
    """Fill a column in short transactions, and then forbid to leave it out."""
    known, empty = f"{name}_known", ORDERS.c[name].is_(None)
    op.execute(PATIENCE)
    op.drop_constraint(known, "orders", if_exists=True)  # of a run that failed
    op.create_check_constraint(
        known, "orders", f"{name} IS NOT NULL", postgresql_not_valid=True
    )
    with op.get_context().autocommit_block():
        rest: ColumnElement[bool] = empty
        while (last := _last_of_batch(rest)) is not None:
            batch = update(ORDERS).where(rest, ORDERS.c.id <= last)
            op.execute(batch.values({name: value}))
            rest = empty & (ORDERS.c.id > last)
        op.execute(f"ALTER TABLE orders VALIDATE CONSTRAINT {known}")
    op.alter_column("orders", name, nullable=False)  # no scan: the check proves it
    op.drop_constraint(known, "orders")


def _last_of_batch(rest: ColumnElement[bool]) -> int | None:
    """Find up to which id the next batch goes, if any row is left to fill."""
    ids = select(ORDERS.c.id).where(rest).order_by(ORDERS.c.id).limit(BATCH).subquery()
    found: int | None = op.get_bind().scalar(select(func.max(ids.c.id)))
    return found


def _drop(name: str) -> None:
    """Drop a column and what kept it up to date."""
    op.execute(PATIENCE)
    op.execute("DROP FUNCTION orders_follow() CASCADE")  # with its trigger
    op.drop_column("orders", name)
