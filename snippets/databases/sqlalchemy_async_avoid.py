"""Ship several orders side by side, in a session that nobody owns."""

from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

type Pick = Callable[[int], Awaitable[None]]
type Sessions = async_sessionmaker[AsyncSession]


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"

    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    changed: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    lines: Mapped[list["Line"]] = relationship()


class Line(Base):
    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey(Order.number), index=True)
    article: Mapped[str]


async def ship_in_shared_session(
    number: int, session: AsyncSession, pick: Pick
) -> None:
    # --8<-- [start:answer]
    order = await session.get_one(Order, number)
    order.status = "shipped"
    # expect: test[the_commit_of_one_task_saves_the_half_done_work_of_another]
    await pick(number)
    # expect: test[two_commits_at_once_both_fail]
    await session.commit()
    # --8<-- [end:answer]


async def ship_all_in_one_transaction(
    numbers: Iterable[int], sessions: Sessions
) -> None:
    async def ship(number: int) -> None:
        order = await session.get_one(Order, number)
        order.status = "shipped"
        # expect: test[a_flush_during_a_flush_fails]
        await session.flush()

    async with sessions.begin() as session, TaskGroup() as group:
        for number in numbers:
            group.create_task(ship(number))


async def count_by_status(
    statuses: Sequence[str], session: AsyncSession
) -> dict[str, int]:
    async def count(status: str) -> int:
        orders = select(func.count()).where(Order.status == status)
        # expect: test[reads_at_once_take_turns_on_one_connection]
        # expect: test[the_same_reads_fail_on_a_pool_without_a_connection]
        return (await session.scalars(orders)).one()

    async with TaskGroup() as group:
        tasks = [group.create_task(count(status)) for status in statuses]
    return {s: task.result() for s, task in zip(statuses, tasks, strict=True)}


async def ship_and_tell(number: int, engine: AsyncEngine) -> str:
    async with AsyncSession(engine) as session:
        order = await session.get_one(Order, number)
        order.status = "shipped"
        await session.commit()
        # expect: test[after_a_commit_reading_an_attribute_needs_the_database]
        return f"Order is {order.status}"


async def articles(number: int, sessions: Sessions) -> list[str]:
    async with sessions() as session:
        order = await session.get_one(Order, number)
        # expect: test[a_lazy_load_is_a_missing_greenlet_on_asyncpg]
        # expect: test[a_lazy_load_is_a_statement_error_on_aiosqlite]
        return [line.article for line in order.lines]


async def ship_and_date(number: int, sessions: Sessions) -> datetime:
    async with sessions.begin() as session:
        order = await session.get_one(Order, number)
        order.status = "shipped"
    # expect: test[what_the_server_set_is_not_there_after_an_update]
    return order.changed
