"""Write the packing slips of new orders from two statements."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)


class Base(DeclarativeBase):
    """What all tables share."""


class Customer(Base):
    """Who orders."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Order(Base):
    """An order; a query says which of its relations it loads."""

    __tablename__ = "orders"

    number: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    status: Mapped[str] = mapped_column(default="new")

    customer: Mapped[Customer] = relationship(lazy="raise")
    lines: Mapped[list["Line"]] = relationship(lazy="raise", order_by="Line.position")
    notes: Mapped[list["Note"]] = relationship(lazy="raise")


class Line(Base):
    """An article of an order."""

    __tablename__ = "order_lines"

    number: Mapped[int] = mapped_column(ForeignKey(Order.number), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[str]
    quantity: Mapped[int]


class Note(Base):
    """What somebody remarked on an order."""

    __tablename__ = "order_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey(Order.number), index=True)
    text: Mapped[str]


async def orders_to_pack(
    session: AsyncSession, *, at_most: int = 100
) -> Sequence[Order]:
    """Read new orders with their customers and lines.

    Args:
        session: Where to read.
        at_most: How many orders; the oldest come first.

    Returns:
        The orders, ready for ``packing_slip``.

    Raises:
        ValueError: If ``at_most`` is negative, which SQLite takes for no limit.
        SQLAlchemyError: If the database is lost or can't take the limit.
        OverflowError: If SQLite can't.
    """
    if at_most < 0:
        raise ValueError(f"at_most={at_most}")
    # --8<-- [start:answer]
    statement = (
        select(Order)
        .where(Order.status == "new")
        .order_by(Order.number)
        .limit(at_most)
        .options(
            joinedload(Order.customer, innerjoin=True),  # one: a column more
            selectinload(Order.lines),  # many: a statement more, for all orders
        )
    )
    # --8<-- [end:answer]
    return (await session.scalars(statement)).all()


def packing_slip(order: Order) -> str:
    """Write what goes into the box.

    Args:
        order: An order with its customer and lines.

    Returns:
        The text of the slip.

    Raises:
        InvalidRequestError: If the order was read without one of them.

    Examples:
        >>> lines = [Line(quantity=2, article="lamp"), Line(quantity=4, article="bulb")]
        >>> packing_slip(Order(customer=Customer(name="ada"), lines=lines))
        'ada: 2 lamp, 4 bulb'
    """
    articles = (f"{line.quantity} {line.article}" for line in order.lines)
    return f"{order.customer.name}: {', '.join(articles)}"
