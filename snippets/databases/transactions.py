"""Import a file of orders in one transaction, each order in a savepoint of its own."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import CheckConstraint, insert, make_url, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it comes in.

    Attributes:
        number: The partner's number, given once.
        item: What is ordered.
        pieces: How many; the table refuses less than one.
    """

    number: str
    item: str
    pieces: int


class OutOfStockError(Exception):
    """Fewer pieces are left than an order asks for."""


async def import_orders(
    sessions: async_sessionmaker[AsyncSession], file: str, orders: Sequence[NewOrder]
) -> list[str]:
    """Import a file of orders as a whole, but for those that can't be placed.

    Args:
        sessions: Makes a session; the transaction begins and ends here.
        file: The file's name.
        orders: All that is in it: the file was read before the transaction begins.

    Returns:
        The numbers of the orders that were refused.

    Raises:
        IntegrityError: If the file was imported before; nothing is kept.
        SQLAlchemyError: If the database is lost or can't take a value. Nothing is kept,
            unless the connection is lost, or the task cancelled, during the commit: a
            second import of the file is refused if the first was committed.
        OverflowError: If SQLite can't take a number; nothing is kept.
        UnicodeEncodeError: If SQLite can't take a text; nothing is kept.

    Examples:
        >>> import asyncio
        >>> from sqlalchemy.ext.asyncio import async_sessionmaker
        >>> async def main() -> list[str]:
        ...     engine = make_engine("sqlite+aiosqlite://")
        ...     async with engine.begin() as connection:
        ...         await connection.run_sync(Base.metadata.create_all)
        ...     sessions = async_sessionmaker(engine, expire_on_commit=False)
        ...     orders = [NewOrder("A1", "lamp", 1)]
        ...     refused = await import_orders(sessions, "may.csv", orders)
        ...     await engine.dispose()
        ...     return refused
        >>> asyncio.run(main())  # there are no lamps
        ['A1']
    """
    refused: list[str] = []
    # --8<-- [start:answer]
    async with sessions.begin() as session:  # the one commit, at the end of the block
        for order in orders:
            try:
                async with session.begin_nested():
                    await place(session, order)
            except (IntegrityError, OutOfStockError):
                refused.append(order.number)
        await session.execute(insert(Import).values(file=file, refused=len(refused)))
    # --8<-- [end:answer]
    return refused


async def place(session: AsyncSession, order: NewOrder) -> None:
    """Place an order in the transaction of the caller, who commits it or does not.

    Args:
        session: In a transaction; in a savepoint, if it goes on after a refusal.
        order: The order.

    Raises:
        IntegrityError: If the number is taken, or less than one piece is ordered.
        OutOfStockError: If there are not enough pieces.
        SQLAlchemyError: If the database is lost or can't take a value.
        OverflowError: If SQLite can't take a number.
        UnicodeEncodeError: If SQLite can't take a text.
    """
    left = await session.scalar(
        update(Stock)
        .where(Stock.item == order.item, Stock.pieces >= order.pieces)
        .values(pieces=Stock.pieces - order.pieces)
        .returning(Stock.pieces)
    )
    if left is None:
        raise OutOfStockError(order.number)
    await session.execute(insert(Order).values(asdict(order)))


class Base(DeclarativeBase):
    """Base of the tables."""


class Stock(Base):
    """How many pieces of an item are left."""

    __tablename__ = "stock"

    item: Mapped[str] = mapped_column(primary_key=True)
    pieces: Mapped[int]


class Order(Base):
    """An order for which pieces were taken out of the stock."""

    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("pieces > 0", name="something_ordered"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    pieces: Mapped[int]


class Import(Base):
    """A file whose orders were imported."""

    __tablename__ = "imports"

    file: Mapped[str] = mapped_column(primary_key=True)
    refused: Mapped[int]


def make_engine(url: str) -> AsyncEngine:
    """Make an engine whose savepoints are part of the transaction around them.

    Args:
        url: The database, on SQLite by aiosqlite or on PostgreSQL by asyncpg.

    Raises:
        SQLAlchemyError: If that is no URL, or not of an asynchronous driver.
        ValueError: If its port is no number.
        ImportError: If the driver is not installed.
    """
    if make_url(url).get_backend_name() == "sqlite":
        # By default the driver sends no BEGIN before a SAVEPOINT.
        return create_async_engine(url, connect_args={"autocommit": False})
    return create_async_engine(url)
