"""What a column is to the checkers: of the class, of an instance, of a row."""

from collections.abc import Sequence
from datetime import date
from typing import assert_type, reveal_type

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from snippets.typesystem.orm_columns import Shipment


def of_the_class() -> None:
    """Look up a column where a query is built: it is SQL."""
    # reveals: InstrumentedAttribute[date | None]
    reveal_type(Shipment.delivered_on)
    # reveals: ColumnElement[bool]
    reveal_type(Shipment.due < date(2025, 3, 3))


def of_an_instance(shipment: Shipment) -> str:
    """Look up the same name where a value is wanted."""
    assert_type(shipment.grams, int)
    # reveals: date | None
    arrived = reveal_type(shipment.delivered_on)
    return "on its way" if arrived is None else arrived.isoformat()


def of_a_row(session: Session) -> Sequence[Row[date, int]]:
    """Ask for columns: a row is a tuple of their types."""
    by_day = select(Shipment.due, func.sum(Shipment.grams)).group_by(Shipment.due)
    # reveals: Select[date, int]
    reveal_type(by_day)
    return session.execute(by_day).all()


def after_an_assignment(shipment: Shipment, day: date) -> date | None:
    """Assign a value, and ask for it by the same name again."""
    shipment.delivered_on = day
    # mypy reveals: date
    # pyright reveals: date | None
    return reveal_type(shipment.delivered_on)


def before_the_database_has_answered(session: Session) -> tuple[int, date]:
    """Read what is still, or for want of rows, ``None``."""
    shipment = Shipment(tracking="T1", grams=500, due=date(2025, 3, 3))
    latest = session.scalars(select(func.max(Shipment.due))).one()
    # reveals: tuple[int, date]
    return reveal_type((shipment.id, latest))
