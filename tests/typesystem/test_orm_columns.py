from collections.abc import Generator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
)
from sqlalchemy.orm.exc import MappedAnnotationError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable

from proof.testing.basics import Observe
from proof.testing.record import Evidence
from snippets.typesystem import orm_columns_avoid as avoid
from snippets.typesystem import orm_columns_types as types
from snippets.typesystem.orm_columns import (
    Base,
    Shipment,
    days_late,
    deliver,
    grams_due,
    postpone,
)

DUE = date(2025, 3, 3)
LATER = date(2025, 3, 5)


def opened(metadata: MetaData) -> Generator[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def session() -> Generator[Session]:
    yield from opened(Base.metadata)


@pytest.fixture
def avoided() -> Generator[Session]:
    yield from opened(avoid.Base.metadata)


def shipment(
    tracking: str = "T1",
    grams: int = 500,
    due: date = DUE,
    delivered_on: date | None = None,
) -> Shipment:
    return Shipment(tracking=tracking, grams=grams, due=due, delivered_on=delivered_on)


def stored[T](session: Session, row: T) -> T:
    """Write a row, and forget it, so that the next look reads the database."""
    session.add(row)
    session.flush()
    session.expire(row)
    return row


def value(row: object, name: str) -> object:
    """Look at what is there, whatever it was declared to be."""
    return getattr(row, name)


def test_a_shipment_comes_back_as_it_was_declared(session: Session) -> None:
    row = stored(session, shipment())
    assert (row.id, row.tracking, row.grams) == (1, "T1", 500)
    assert (row.due, row.delivered_on) == (DUE, None)


def test_a_column_is_an_argument_by_name_and_the_day_of_delivery_is_optional() -> None:
    assert Shipment(tracking="T1", grams=500, due=DUE).delivered_on is None
    with pytest.raises(TypeError, match="takes 1 positional argument but 4 were given"):
        # ignored because it is the claim: each checker reports the call
        Shipment("T1", 500, DUE)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_column_that_is_missing_is_reported_before_the_database_is_asked() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument"):
        # ignored because it is the claim: each checker reports the call
        Shipment(tracking="T1", due=DUE)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_the_id_is_not_for_the_caller_to_give() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'id'"):
        # ignored because it is the claim: each checker reports the call
        Shipment(id=7, tracking="T1", grams=500, due=DUE)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_both_checkers_know_the_arguments_of_the_constructor() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'gramms'"):
        # ignored because it is the claim: each checker reports the call
        Shipment(tracking="T1", gramms=500, due=DUE)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_both_checkers_refuse_a_value_of_another_type() -> None:
    row = shipment()
    # ignored because it is the claim: each checker reports the assignment
    row.grams = "500 g"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    row.due = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    # ignored because it is the claim: each checker reports the attribute
    row.deliverd_on = LATER  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    row = shipment()
    # ignored because it is the claim: each checker asks about None
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute"):
        row.delivered_on.isoformat()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def test_a_row_is_equal_to_itself_alone() -> None:
    row, same = shipment(), shipment()
    assert row == row  # noqa: PLR0124 - the claim
    assert row != same
    # ignored because it is the claim: pyright takes a row for one that has no hash
    assert len({row, same}) == 2  # pyright: ignore[reportUnhashable]


def test_eq_false_belongs_to_the_base_else_all_rows_are_equal() -> None:
    class Default(MappedAsDataclass, DeclarativeBase): ...

    class Parcel(Default, eq=False):
        __tablename__ = "parcel"

        id: Mapped[int] = mapped_column(primary_key=True)

    assert Parcel(1) == Parcel(2)


def test_the_database_gets_its_not_null_from_the_annotations(
    session: Session, evidence: Evidence
) -> None:
    table = Base.metadata.tables["shipment"]
    created = str(CreateTable(table).compile(session.connection()))
    told = created.replace("\t", "    ").replace(", \n", ",\n").strip()
    evidence.add("What the annotations make", told)
    assert told.splitlines() == [
        "CREATE TABLE shipment (",
        "    id INTEGER NOT NULL,",
        "    tracking VARCHAR(40) NOT NULL,",
        "    grams INTEGER NOT NULL,",
        "    due DATE NOT NULL,",
        "    delivered_on DATE,",
        "    PRIMARY KEY (id),",
        "    UNIQUE (tracking)",
        ")",
    ]


def test_the_database_refuses_none_where_none_was_not_declared(
    session: Session,
) -> None:
    with pytest.raises(IntegrityError, match=r"NOT NULL constraint failed: .*\.grams"):
        session.execute(insert(Shipment).values(tracking="T1", due=DUE))


def test_a_postponed_shipment_is_due_later(session: Session) -> None:
    row = stored(session, shipment())
    postpone(row, LATER)
    session.flush()
    session.expire(row)
    assert (row.due, row.delivered_on) == (LATER, None)


def test_a_delivery_is_noted_once(session: Session) -> None:
    stored(session, shipment("T1"))
    row = stored(session, shipment("T2"))
    assert deliver(session, "T2", LATER) is row
    assert row.delivered_on == LATER
    assert deliver(session, "T2", date(2025, 3, 9)) is None
    session.expire_all()
    asked = select(Shipment.tracking).where(Shipment.delivered_on == LATER)
    assert session.scalars(asked).all() == ["T2"]


def test_of_two_sessions_that_saw_it_on_its_way_the_first_to_write_counts(
    tmp_path: Path,
) -> None:
    def first_delivers(*about: object) -> None:
        if not told and str(about[2]).startswith("UPDATE"):
            with Session(early) as first, first.begin():
                told.append(deliver(first, "T1", LATER) is not None)

    told = list[bool]()
    early, late = (create_engine(f"sqlite:///{tmp_path / 'a.db'}") for _ in range(2))
    Base.metadata.create_all(early)
    with Session(late) as second:
        second.add(shipment("T1"))
        second.commit()
        row = second.scalars(select(Shipment)).one()
        assert value(row, "delivered_on") is None
        second.commit()
        event.listen(late, "before_cursor_execute", first_delivers)
        told.append(deliver(second, "T1", date(2025, 3, 9)) is not None)
        second.commit()
        assert (told, value(row, "delivered_on")) == ([True, False], LATER)
    early.dispose()
    late.dispose()


@pytest.mark.parametrize("tracking", ["T2", "t1", "", "%", "T1\0", "T1 ", "T" * 2**20])
def test_a_delivery_of_nothing_known_notes_nothing(
    session: Session, tracking: str
) -> None:
    row = stored(session, shipment("T1"))
    assert deliver(session, tracking, LATER) is None
    session.expire_all()
    assert row.delivered_on is None


def test_a_name_that_no_database_can_store_is_an_error(session: Session) -> None:
    with pytest.raises(UnicodeEncodeError):
        deliver(session, "\ud800", LATER)


@pytest.mark.parametrize(
    ("delivered_on", "days"),
    [(None, 6), (LATER, 2), (DUE, 0), (date(2025, 3, 1), 0)],
)
def test_lateness_ends_with_the_delivery(delivered_on: date | None, days: int) -> None:
    late = days_late(shipment(delivered_on=delivered_on), today=date(2025, 3, 9))
    assert late == days


def test_a_shipment_before_its_day_is_not_late() -> None:
    assert days_late(shipment(), today=date(2025, 3, 1)) == 0


def test_weight_is_added_up_by_day_for_what_is_on_its_way(session: Session) -> None:
    assert grams_due(session) == {}
    session.add_all(
        [
            shipment("T1", 500),
            shipment("T2", 250),
            shipment("T3", 100, LATER),
            shipment("T4", 900, LATER, delivered_on=LATER),
            shipment("T5", 900, date(2025, 3, 6), delivered_on=LATER),
        ]
    )
    assert grams_due(session) == {DUE: 750, LATER: 100}


def test_an_expression_may_be_assigned_too_and_is_computed_by_the_database(
    session: Session,
) -> None:
    row = stored(session, shipment(grams=500))
    session.execute(text("UPDATE shipment SET grams = 700"))
    row.grams = Shipment.grams + 50
    session.flush()
    assert row.grams == 750


def test_what_the_checkers_call_a_value_is_one(session: Session) -> None:
    types.of_the_class()
    row = stored(session, shipment())
    assert types.of_an_instance(row) == "on its way"
    row.delivered_on = LATER
    assert types.of_an_instance(row) == "2025-03-05"
    assert types.of_a_row(session) == [(DUE, 500)]
    assert types.after_an_assignment(row, DUE) == DUE


def test_a_key_before_the_flush_and_the_maximum_of_no_rows_are_none(
    session: Session, observe: Observe
) -> None:
    believed = types.before_the_database_has_answered(session)
    observe(believed)
    assert repr(believed) == "(None, None)"


def test_a_comparison_with_another_type_is_sql_to_both_checkers(
    session: Session,
) -> None:
    stored(session, shipment())
    assert session.scalars(select(Shipment).where(Shipment.grams > "heavy")).all() == []


def test_values_of_an_update_take_anything_as_a_constructor_without_types_does(
    session: Session,
) -> None:
    row = stored(session, shipment())
    session.execute(update(Shipment).values(grams="heavy"))
    session.expire(row)
    assert value(row, "grams") == "heavy"


def test_both_functions_say_so_where_the_database_can_not_be_asked() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with Session(engine) as empty:
        with pytest.raises(OperationalError, match="no such table"):
            deliver(empty, "T1", LATER)
        with pytest.raises(OperationalError, match="no such table"):
            grams_due(empty)
    engine.dispose()


def test_identity_with_none_is_decided_before_there_is_sql() -> None:
    # ignored because it is the claim: pyright knows, mypy does not
    asked = Shipment.delivered_on is None  # pyright: ignore[reportUnnecessaryComparison]
    assert asked is False


def test_nobody_compares_a_value_with_the_annotation_at_run_time(
    session: Session,
) -> None:
    form: dict[str, Any] = {"grams": "0.5 kg"}
    row = stored(session, Shipment(tracking="T1", due=DUE, **form))
    assert value(row, "grams") == "0.5 kg"


def test_a_type_of_sqlalchemys_own_may_refuse_what_an_integer_lets_through(
    session: Session,
) -> None:
    form: dict[str, Any] = {"due": "2025-03-03"}
    session.add(Shipment(tracking="T1", grams=500, **form))
    with pytest.raises(StatementError, match="only accepts Python date objects"):
        session.flush()


def test_an_annotation_without_mapped_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(MappedAnnotationError, match="can't be correctly interpreted"):

        class Parcel(avoid.Base):  # pyright: ignore[reportUnusedClass] - refused while it is made
            __tablename__ = "parcel"

            grams: int = avoid.Shipment.grams


def test_the_plugin_that_made_columns_values_is_gone() -> None:
    assert find_spec("sqlalchemy.ext.mypy") is None


def test_the_assignment_that_both_refuse_is_right(
    avoided: Session, observe: Observe
) -> None:
    row = avoid.Shipment(tracking="T1", grams=500, due=DUE)
    avoid.postpone(row, LATER)
    stored(avoided, row)
    day = value(row, "due")
    observe(f"stored, and read back: {day}")
    assert day == LATER


def test_a_shipment_on_its_way_has_no_day_to_format(
    avoided: Session, observe: Observe
) -> None:
    row = stored(avoided, avoid.Shipment(tracking="T1", grams=500, due=DUE))
    with pytest.raises(AttributeError) as failure:
        avoid.receipt(row)
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'isoformat'"
    setattr(row, "delivered_on", LATER)  # noqa: B010 - the checkers refuse the assignment
    assert avoid.receipt(row) == "T1 2025-03-05"


def test_both_checkers_let_pass_whatever_is_asked_of_a_column() -> None:
    row = avoid.Shipment(tracking="T1", grams=500, due=DUE)
    with pytest.raises(AttributeError, match="has no attribute 'isofromat'"):
        row.due.isofromat()


def test_text_gets_into_a_column_of_integers_by_the_constructor(
    avoided: Session, observe: Observe
) -> None:
    row = stored(avoided, avoid.from_form({"tracking": "T1", "grams": "0.5 kg"}))
    weight = value(row, "grams")
    observe(f"declared int, stored {weight!r}")
    assert weight == "0.5 kg"


def test_a_misspelt_column_is_found_at_run_time(observe: Observe) -> None:
    with pytest.raises(TypeError) as failure:
        avoid.from_scale("T1", 500)
    observe(failure.value)
    assert str(failure.value) == (
        "'gramms' is an invalid keyword argument for MappedShipment"
    )


def test_nullable_outvotes_the_annotation_and_neither_checker_compares(
    avoided: Session, observe: Observe
) -> None:
    row = stored(avoided, avoid.MappedShipment(tracking="T1", grams=500))
    with pytest.raises(AttributeError) as failure:
        avoid.mapped_receipt(row)
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'isoformat'"
    row.delivered_on = LATER
    assert avoid.mapped_receipt(row) == "T1 2025-03-05"
