"""Find a customer's orders beside an index, which is there all the same."""

from datetime import date

from sqlalchemy import Select, extract, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[int] = mapped_column(index=True)
    placed_on: Mapped[date] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(index=True)
    cents: Mapped[int]


def newest(customer: int, *, limit: int) -> Select[Order]:
    mine = select(Order).where(Order.customer == customer)
    # expect: test[with_an_index_on_each_column_the_newest_five_are_sorted_out_of_more]
    return mine.order_by(Order.placed_on.desc(), Order.id.desc()).limit(limit)


def placed_in(customer: int, year: int) -> Select[Order]:
    # --8<-- [start:answer]
    return select(Order).where(
        Order.customer == customer,
        # expect: test[a_function_of_the_date_has_the_orders_of_all_years_read]
        extract("year", Order.placed_on) == year,
    )
    # --8<-- [end:answer]


def by_email(email: str) -> Select[Order]:
    # expect: test[a_function_of_the_address_has_the_whole_table_read]
    return select(Order).where(func.lower(Order.email) == email.lower())
