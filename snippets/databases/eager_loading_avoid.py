"""Write the packing slips of new orders, and ask the database for each again."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)


class Base(AsyncAttrs, DeclarativeBase): ...


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Order(Base):
    __tablename__ = "orders"

    number: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    status: Mapped[str] = mapped_column(default="new")

    customer: Mapped[Customer] = relationship()
    lines: Mapped[list["Line"]] = relationship(order_by="Line.position")
    notes: Mapped[list["Note"]] = relationship()


class Line(Base):
    __tablename__ = "order_lines"

    number: Mapped[int] = mapped_column(ForeignKey(Order.number), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[str]
    quantity: Mapped[int]


class Note(Base):
    __tablename__ = "order_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey(Order.number), index=True)
    text: Mapped[str]


NEW = select(Order).where(Order.status == "new").order_by(Order.number)


def packing_slip(order: Order) -> str:
    articles = (f"{line.quantity} {line.article}" for line in order.lines)
    # expect: test[a_forgotten_relation_works_while_the_session_happens_to_hold_it]
    return f"{order.customer.name}: {', '.join(articles)}"


async def packing_slips_one_by_one(session: AsyncSession) -> list[str]:
    slips: list[str] = []
    # --8<-- [start:answer]
    for order in (await session.scalars(NEW)).all():
        # expect: test[every_order_costs_two_statements_more]
        await order.awaitable_attrs.customer
        await order.awaitable_attrs.lines
        slips.append(packing_slip(order))
    # --8<-- [end:answer]
    return slips


async def packing_slips_in_sync(session: AsyncSession) -> list[str]:
    def write(session: Session) -> list[str]:
        # expect: test[run_sync_hides_the_same_statements]
        return [packing_slip(order) for order in session.scalars(NEW)]

    return await session.run_sync(write)


async def packing_slips_by_luck(session: AsyncSession) -> list[str]:
    orders = await session.scalars(NEW.options(selectinload(Order.lines)))
    # expect: test[a_forgotten_relation_is_a_missing_greenlet_where_it_is_not_held]
    return [packing_slip(order) for order in orders]


async def orders_with_everything(session: AsyncSession) -> Sequence[Order]:
    # expect: test[two_joined_lists_multiply_the_rows]
    everything = joinedload(Order.lines), joinedload(Order.notes)
    return (await session.scalars(NEW.options(*everything))).unique().all()
