"""Find a customer's orders by an index, and read whether the database does."""

from datetime import date
from typing import Any

from sqlalchemy import Index, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

EXPLAIN = {"postgresql": "EXPLAIN (COSTS OFF)", "sqlite": "EXPLAIN QUERY PLAN"}


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[int]
    email: Mapped[str]
    placed_on: Mapped[date]
    cents: Mapped[int]


# first what is compared by =, then what is sorted by, or lies between bounds
Index("orders_by_customer", Order.customer, Order.placed_on, Order.id)
# exactly the expression that the query compares
Index("orders_by_email", func.lower(Order.email))


def newest(customer: int, *, limit: int) -> Select[Order]:
    """Select a customer's newest orders.

    Args:
        customer: The customer's number.
        limit: The most to read.

    Returns:
        The query; orders of one day come in the opposite order of their numbers.

    Raises:
        ValueError: If the limit is negative, which SQLite takes for no limit.
    """
    if limit < 0:
        raise ValueError(f"limit={limit}")
    mine = select(Order).where(Order.customer == customer)
    return mine.order_by(Order.placed_on.desc(), Order.id.desc()).limit(limit)


def placed_in(customer: int, year: int) -> Select[Order]:
    """Select a customer's orders of a year.

    Args:
        customer: The customer's number.
        year: The year in which they were placed.

    Returns:
        The query.

    Raises:
        ValueError: If the year is below 1 or above 9998.
        OverflowError: If it is far above.
    """
    # --8<-- [start:answer]
    return select(Order).where(
        Order.customer == customer,
        Order.placed_on >= date(year, 1, 1),  # the column stands alone
        Order.placed_on < date(year + 1, 1, 1),
    )
    # --8<-- [end:answer]


def by_email(email: str) -> Select[Order]:
    """Select the orders of an address, in upper or lower case.

    Args:
        email: The address as somebody typed it.

    Returns:
        The query.

    Examples:
        >>> print(by_email("Ada@shop.example").whereclause)
        lower(orders.email) = lower(:lower_1)
    """
    return select(Order).where(func.lower(Order.email) == func.lower(email))


async def plan(connection: AsyncConnection, query: Select[Any]) -> str:
    """Ask the database how it would run a query.

    Args:
        connection: A connection to PostgreSQL or SQLite.
        query: The query with values of your own; it is not run.

    Returns:
        The plan in the words of the database.

    Raises:
        KeyError: If it is another database.
        SQLAlchemyError: If a value can't be written into the statement, or the database
            is lost.
        UnicodeEncodeError: If a value has a lone surrogate.

    Examples:
        >>> import asyncio
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> async def main() -> str:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     async with engine.connect() as connection:
        ...         await connection.run_sync(Base.metadata.create_all)
        ...         told = await plan(connection, by_email("Ada@shop.example"))
        ...     await engine.dispose()
        ...     return told
        >>> asyncio.run(main())
        'SEARCH orders USING INDEX orders_by_email (<expr>=?)'
    """
    dialect = connection.dialect
    written = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    steps = await connection.exec_driver_sql(f"{EXPLAIN[dialect.name]} {written}")
    return "\n".join(step[-1] for step in steps)
