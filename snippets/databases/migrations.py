"""Turn the total of an order into cents while old and new code are at work.

Deploy in this order: ``expand``, ``migrate``, the new code, ``contract``. Each is the
``upgrade`` of a revision of its own, and the one with ``undo_`` its ``downgrade``.
"""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Numeric, column, func, select, table, update
from sqlalchemy.sql import ColumnElement

BATCH = 5_000
PATIENCE = "SET LOCAL lock_timeout = '2s'"  # others queue behind a migration that waits

ORDERS = table("orders", column("id"), column("total"), column("cents"))

FOLLOW = """
CREATE FUNCTION orders_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.total IS NULL OR new.cents IS DISTINCT FROM old.cents THEN
        new.total := new.cents / 100.0;
    ELSE
        new.cents := new.total * 100;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER orders_follow BEFORE INSERT OR UPDATE ON orders
FOR EACH ROW EXECUTE FUNCTION orders_follow()
"""


def expand() -> None:
    """Add the new column, and let each of the two follow the other."""
    _add(Column("cents", BigInteger()))


def undo_expand() -> None:
    """Drop the new column, when the new code is gone."""
    _drop("cents")


def migrate() -> None:
    """Fill the new column. If it fails, run it again."""
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


def _fill(name: str, value: ColumnElement[Any]) -> None:
    """Fill a column in short transactions, and then forbid to leave it out."""
    known = f"{name}_known"
    op.execute(PATIENCE)
    op.drop_constraint(known, "orders", if_exists=True)  # of a run that failed
    op.create_check_constraint(
        known, "orders", f"{name} IS NOT NULL", postgresql_not_valid=True
    )
    with op.get_context().autocommit_block():
        done = 0
        while last := _last_of_batch(done):
            op.execute(
                update(ORDERS)
                .where(ORDERS.c.id.between(done + 1, last), ORDERS.c[name].is_(None))
                .values({name: value})
            )
            done = last
        op.execute(f"ALTER TABLE orders VALIDATE CONSTRAINT {known}")
    op.execute(PATIENCE)
    op.alter_column("orders", name, nullable=False)  # no scan: the check proves it
    op.drop_constraint(known, "orders")


def _last_of_batch(done: int) -> int | None:
    """Find up to which id the next batch goes."""
    ids = select(ORDERS.c.id).where(ORDERS.c.id > done).order_by(ORDERS.c.id)
    last = select(func.max(ids.limit(BATCH).subquery().c.id))
    found: int | None = op.get_bind().scalar(last)
    return found


def _drop(name: str) -> None:
    """Drop a column and what kept it up to date."""
    op.execute(PATIENCE)
    op.execute("DROP TRIGGER orders_follow ON orders")
    op.execute("DROP FUNCTION orders_follow()")
    op.drop_column("orders", name)
