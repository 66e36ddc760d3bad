"""Follow shipments, each column declared once for the database and the checkers."""

from datetime import date

from sqlalchemy import String, func, select, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
)


# eq=False, which tables inherit: a row is equal to itself alone, and can be hashed
class Base(MappedAsDataclass, DeclarativeBase, eq=False):
    """What the tables share: columns are also the arguments of the constructor."""


class Shipment(Base, kw_only=True):
    """A shipment.

    Attributes:
        id: Given by the database when the row is written.
        tracking: What the customer knows it by.
        grams: Its weight.
        due: When it has to arrive.
        delivered_on: When it did; ``None`` while it is on its way.
    """

    __tablename__ = "shipment"

    # --8<-- [start:answer]
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    tracking: Mapped[str] = mapped_column(String(40), unique=True)
    grams: Mapped[int]
    due: Mapped[date]
    delivered_on: Mapped[date | None] = mapped_column(default=None)


def postpone(shipment: Shipment, due: date) -> None:
    """Agree on another day; the caller's transaction writes it."""
    shipment.due = due
    # --8<-- [end:answer]


def deliver(session: Session, tracking: str, day: date) -> Shipment | None:
    """Note that a shipment has arrived; the first day that was told counts.

    One statement asks and writes, so that of two sessions one finds it delivered.

    Args:
        session: The session, whose transaction the caller ends.
        tracking: What the customer knows it by.
        day: When it arrived.

    Returns:
        The shipment; ``None`` if there is none of that name on its way.

    Raises:
        SQLAlchemyError: If the database can't be asked, or is locked.
        UnicodeEncodeError: If the name holds half of a surrogate pair.
    """
    on_its_way = update(Shipment).where(
        Shipment.tracking == tracking, Shipment.delivered_on.is_(None)
    )
    delivered = on_its_way.values(delivered_on=day).returning(Shipment)
    return session.scalars(delivered).one_or_none()


def days_late(shipment: Shipment, today: date) -> int:
    """Count the days by which a shipment is late.

    Args:
        shipment: The shipment.
        today: Until when it may still be on its way.

    Returns:
        The days after it was due; 0 if it is in time.

    Examples:
        >>> from datetime import date
        >>> shipment = Shipment(tracking="T1", grams=500, due=date(2025, 3, 3))
        >>> days_late(shipment, today=date(2025, 3, 9))
        6
        >>> shipment.delivered_on = date(2025, 3, 5)
        >>> days_late(shipment, today=date(2025, 3, 9))
        2
    """
    arrived = shipment.delivered_on
    until = today if arrived is None else arrived
    return max((until - shipment.due).days, 0)


def grams_due(session: Session) -> dict[date, int]:
    """Add up what has to arrive on each day and has not.

    Args:
        session: The session to read with.

    Returns:
        The grams by day; a day without a shipment is not there.

    Raises:
        SQLAlchemyError: If the database can't be asked.
    """
    open_weight = (
        select(Shipment.due, func.sum(Shipment.grams))
        .where(Shipment.delivered_on.is_(None))
        .group_by(Shipment.due)
    )
    return dict(session.execute(open_weight).all())
