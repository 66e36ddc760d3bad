"""Import a file of orders, and keep a part of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import CheckConstraint, insert, update
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
    number: str
    item: str
    pieces: int


class OutOfStockError(Exception): ...


async def import_without_savepoint(
    sessions: async_sessionmaker[AsyncSession], file: str, orders: Sequence[NewOrder]
) -> list[str]:
    refused: list[str] = []
    # --8<-- [start:answer]
    async with sessions.begin() as session:
        for order in orders:
            try:
                # expect: test[on_postgresql_one_refused_order_fails_the_whole_file]
                await place(session, order)
            except (IntegrityError, OutOfStockError):
                # expect: test[on_sqlite_a_refused_order_keeps_the_pieces_that_it_took]
                refused.append(order.number)
        await session.execute(insert(Import).values(file=file, refused=len(refused)))
    # --8<-- [end:answer]
    return refused


async def import_with_roll_back(
    sessions: async_sessionmaker[AsyncSession], file: str, orders: Sequence[NewOrder]
) -> list[str]:
    refused: list[str] = []
    async with sessions() as session:
        for order in orders:
            try:
                await place(session, order)
            except (IntegrityError, OutOfStockError):
                # expect: test[a_roll_back_for_one_order_loses_the_ones_before_it]
                await session.rollback()
                refused.append(order.number)
        await session.execute(insert(Import).values(file=file, refused=len(refused)))
        await session.commit()
    return refused


async def place(session: AsyncSession, order: NewOrder) -> None:
    await take(session, order)
    await session.execute(insert(Order).values(asdict(order)))


async def take_for_good(session: AsyncSession, order: NewOrder) -> None:
    await take(session, order)
    # expect: test[pieces_are_gone_for_an_order_that_was_never_placed]
    await session.commit()


async def take(session: AsyncSession, order: NewOrder) -> None:
    left = await session.scalar(
        update(Stock)
        .where(Stock.item == order.item, Stock.pieces >= order.pieces)
        .values(pieces=Stock.pieces - order.pieces)
        .returning(Stock.pieces)
    )
    if left is None:
        raise OutOfStockError(order.number)


class Base(DeclarativeBase): ...


class Stock(Base):
    __tablename__ = "stock"

    item: Mapped[str] = mapped_column(primary_key=True)
    pieces: Mapped[int]


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("pieces > 0", name="something_ordered"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    pieces: Mapped[int]


class Import(Base):
    __tablename__ = "imports"

    file: Mapped[str] = mapped_column(primary_key=True)
    refused: Mapped[int]


def make_engine(url: str) -> AsyncEngine:
    # expect: test[on_sqlite_what_a_savepoint_released_outlives_the_roll_back]
    return create_async_engine(url)
