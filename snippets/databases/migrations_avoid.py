"""Turn the total of an order into cents, all at once."""

from alembic import op
from sqlalchemy import BigInteger, Column


def convert() -> None:
    # expect: test[the_old_code_fails_as_soon_as_the_column_has_its_new_name]
    op.alter_column(
        "orders",
        "total",
        new_column_name="cents",
        type_=BigInteger(),
        postgresql_using="total * 100",
    )


def add_and_fill() -> None:
    # --8<-- [start:answer]
    # expect: test[while_a_report_runs_the_migration_waits_and_every_checkout_behind_it]
    # expect: test[an_order_of_the_old_code_costs_nothing_in_the_new_code]
    op.add_column(
        "orders", Column("cents", BigInteger(), nullable=False, server_default="0")
    )
    # expect: test[nobody_reads_an_order_until_all_are_filled]
    op.execute("UPDATE orders SET cents = total * 100")
    # --8<-- [end:answer]
