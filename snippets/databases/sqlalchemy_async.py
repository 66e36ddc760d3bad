"""Ship several orders side by side, each in a session of its own."""

from asyncio import Semaphore, TaskGroup
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import DateTime, ForeignKey, func
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    relationship,
    selectinload,
)

type Pick = Callable[[int], Awaitable[None]]
type Sessions = async_sessionmaker[AsyncSession]


class Base(DeclarativeBase):
    """What all tables share."""

    # an UPDATE, too, returns what the server set
    __mapper_args__ = MappingProxyType({"eager_defaults": True})


class Order(Base):
    """An order, and when its row was last changed."""

    __tablename__ = "orders"

    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    changed: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    lines: Mapped[list["Line"]] = relationship(lazy="raise")


class Line(Base):
    """An article of an order."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey(Order.number), index=True)
    article: Mapped[str]


def open_sessions(engine: AsyncEngine) -> Sessions:
    """Make the factory of sessions that the whole program shares.

    Args:
        engine: The database.

    Returns:
        What makes a new session at each call.

    Examples:
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> sessions = open_sessions(create_async_engine("sqlite+aiosqlite://"))
        >>> sessions() is sessions()
        False
        >>> sessions().sync_session.expire_on_commit
        False
    """
    return async_sessionmaker(engine, expire_on_commit=False)


async def ship_all(
    numbers: Collection[int], sessions: Sessions, pick: Pick, *, at_once: int = 5
) -> list[Order]:
    """Ship orders, several at a time.

    Args:
        numbers: The orders' numbers.
        sessions: Makes each task its session.
        pick: Has the articles of an order brought to the gate.
        at_once: How many orders are shipped at a time, each on a connection.

    Returns:
        The orders with their lines, in the sequence of the numbers.

    Raises:
        ExceptionGroup: Of what ``ship`` raises, if an order can't be shipped. Others
            may have been.
        ValueError: If ``at_once`` is less than one.
    """
    if at_once < 1:
        raise ValueError(f"at_once={at_once}")
    gates = Semaphore(at_once)

    async def ship_at_a_gate(number: int) -> Order:
        async with gates:
            return await ship(number, sessions, pick)

    async with TaskGroup() as group:
        tasks = [group.create_task(ship_at_a_gate(number)) for number in numbers]
    return [task.result() for task in tasks]


async def ship(number: int, sessions: Sessions, pick: Pick) -> Order:
    """Ship one order.

    Args:
        number: The order's number.
        sessions: Makes the session.
        pick: Has the articles brought to the gate.

    Returns:
        The order with its lines; it may be read without a session.

    Raises:
        NoResultFound: If there is no such order.
        SQLAlchemyError: If the database is lost, or can't take the number.
        OverflowError: If SQLite can't.
        Exception: What ``pick`` raised; the order is as it was.
    """
    # --8<-- [start:answer]
    await pick(number)  # no connection is held meanwhile
    async with sessions.begin() as session:
        lines = selectinload(Order.lines)
        order = await session.get_one(Order, number, options=[lines])
        order.status = "shipped"
    # --8<-- [end:answer]
    return order
