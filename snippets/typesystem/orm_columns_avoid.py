"""Follow shipments by columns that the checkers take for SQL, or don't compare."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Column, Date, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Shipment(Base):
    __tablename__ = "shipment"

    # --8<-- [start:answer]
    id = Column(Integer, primary_key=True)
    tracking = Column(String(40), nullable=False)
    grams = Column(Integer, nullable=False)
    due = Column(Date, nullable=False)
    delivered_on = Column(Date)


def postpone(shipment: Shipment, due: date) -> None:
    # expect: mypy[assignment] pyright[reportAttributeAccessIssue]
    # expect: test[the_assignment_that_both_refuse_is_right]
    shipment.due = due
    # --8<-- [end:answer]


def receipt(shipment: Shipment) -> str:
    # expect: test[a_shipment_on_its_way_has_no_day_to_format]
    day = shipment.delivered_on.isoformat()
    return f"{shipment.tracking} {day}"


class MappedShipment(Base):
    __tablename__ = "mapped_shipment"

    tracking: Mapped[str] = mapped_column(String(40), primary_key=True)
    grams: Mapped[int]
    delivered_on: Mapped[date] = mapped_column(nullable=True)


def from_form(form: Mapping[str, str]) -> MappedShipment:
    # expect: test[text_gets_into_a_column_of_integers_by_the_constructor]
    return MappedShipment(tracking=form["tracking"], grams=form["grams"])


def from_scale(tracking: str, grams: int) -> MappedShipment:
    # expect: test[a_misspelt_column_is_found_at_run_time]
    return MappedShipment(tracking=tracking, gramms=grams)


def mapped_receipt(shipment: MappedShipment) -> str:
    # expect: test[nullable_outvotes_the_annotation_and_neither_checker_compares]
    day = shipment.delivered_on.isoformat()
    return f"{shipment.tracking} {day}"
