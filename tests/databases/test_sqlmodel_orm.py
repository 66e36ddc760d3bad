import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, assert_type
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, MetaData, event, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    QueryableAttribute,
    mapped_column,
    registry,
    selectinload,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence
from snippets.databases import sqlmodel_orm_avoid as avoid
from snippets.databases.sqlmodel_orm import (
    ONE_EMAIL,
    Base,
    EmailTakenError,
    KeyDB,
    UserDB,
    UserPublic,
    find,
    register,
)

pytestmark = pytest.mark.anyio


TERCES = "terces"  # what backwards() makes of "secret"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@asynccontextmanager
async def tables_in(url: str, metadata: MetaData) -> AsyncGenerator[AsyncEngine]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(database: str) -> AsyncGenerator[AsyncEngine]:
    async with tables_in(database, Base.metadata) as engine:
        yield engine


@pytest.fixture
async def asyncpg(postgresql: str) -> AsyncGenerator[AsyncEngine]:
    url = postgresql.replace("postgresql:", "postgresql+asyncpg:")
    async with tables_in(url, Base.metadata) as engine:
        yield engine


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncGenerator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


@pytest.fixture
async def trusting(database: str) -> AsyncGenerator[AsyncEngine]:
    """The tables of the counterexample."""
    async with tables_in(database, avoid.Base.metadata) as engine:
        yield engine


async def backwards(password: str) -> str:
    """Hash a password, in a test."""
    return await asyncio.sleep(0, password[::-1])


async def test_an_account_has_an_id_as_soon_as_it_is_registered(
    session: AsyncSession,
) -> None:
    ada = await register("ada@example.com", "secret", backwards, session)
    assert_type(ada.id, int)
    assert ada.model_dump() == {"id": 1, "email": "ada@example.com", "keys": []}


async def test_a_new_object_has_none_and_its_type_says_so(
    session: AsyncSession,
) -> None:
    user = UserDB(email="ada@example.com", hashed_password=TERCES)
    assert_type(user.id, int | None)
    session.add(user)
    before = user.id
    await session.flush()
    assert (before, user.id) == (None, 1)


async def test_the_hash_is_kept_and_not_the_password(session: AsyncSession) -> None:
    await register("ada@example.com", "secret", backwards, session)
    user = (await session.exec(select(UserDB))).one()
    assert user.hashed_password == TERCES


@pytest.mark.parametrize("email", ["ada@example.com", "Ada@Example.com"])
async def test_a_second_account_for_an_email_is_one_domain_error(
    session: AsyncSession, email: str
) -> None:
    await register("ada@example.com", "secret", backwards, session)
    with pytest.raises(EmailTakenError) as refused:
        await register(email, "other", backwards, session)
    assert refused.value.args == (email,)
    assert isinstance(refused.value.__cause__, IntegrityError)


async def test_of_two_at_the_same_time_one_is_told_that_the_email_is_taken(
    engine: AsyncEngine,
) -> None:
    async def hash_password(password: str) -> str:
        await both.wait()
        return password[::-1]

    async def open_account() -> UserPublic:
        async with AsyncSession(engine) as session, session.begin():
            return await register("ada@example.com", "secret", hash_password, session)

    both = asyncio.Barrier(2)
    outcomes = await asyncio.gather(
        open_account(), open_account(), return_exceptions=True
    )
    first, second = sorted(outcomes, key=lambda outcome: type(outcome).__name__)
    assert isinstance(first, EmailTakenError)
    assert isinstance(second, UserPublic)


async def test_a_refusal_ends_the_transaction_of_the_caller(
    engine: AsyncEngine,
) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await register("ada@example.com", "secret", backwards, session)

    async def open_two() -> None:
        async with AsyncSession(engine) as session, session.begin():
            await register("bob@example.com", "secret", backwards, session)
            await register("ada@example.com", "secret", backwards, session)

    with pytest.raises(EmailTakenError):
        await open_two()
    async with AsyncSession(engine) as session:
        emails = (await session.exec(select(UserDB.email))).all()
    assert emails == ["ada@example.com"]


async def test_the_name_of_the_index_in_the_data_of_a_user_is_no_taken_email(
    session: AsyncSession,
) -> None:
    async def forget(_password: str) -> Any:  # noqa: ANN401 - it breaks its promise
        await asyncio.sleep(0)

    email = f"UNIQUE constraint failed: index '{ONE_EMAIL}'"
    with pytest.raises(IntegrityError, match="hashed_password"):
        await register(email, "secret", forget, session)


@pytest.mark.parametrize("email", ["\0", "\ud800"], ids=ascii)
async def test_a_text_that_the_database_can_not_take_is_its_error(
    session: AsyncSession, email: str
) -> None:
    taken: object
    try:
        taken = (await register(email, "secret", backwards, session)).email
    except (DBAPIError, UnicodeEncodeError) as error:
        taken = type(error)
    assert taken in {"\0", DBAPIError, UnicodeEncodeError}


async def test_a_hash_that_fails_leaves_no_account(session: AsyncSession) -> None:
    async def fail(_password: str) -> str:
        await asyncio.sleep(0)
        raise MemoryError

    with pytest.raises(MemoryError):
        await register("ada@example.com", "secret", fail, session)
    assert await find("ada@example.com", session) is None


async def test_another_broken_constraint_is_no_taken_email(
    session: AsyncSession,
) -> None:
    async def forget(_password: str) -> Any:  # noqa: ANN401 - it breaks its promise
        await asyncio.sleep(0)

    with pytest.raises(IntegrityError, match="hashed_password"):
        await register("ada@example.com", "secret", forget, session)


async def test_an_account_is_found_by_its_email_in_any_case(
    engine: AsyncEngine,
) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await register("bob@example.com", "secret", backwards, session)
        ada = await register("Ada@example.com", "secret", backwards, session)
        session.add_all(KeyDB(user_id=ada.id, label=label) for label in ("ci", "bot"))
    async with AsyncSession(engine) as session:
        found = await find("aDA@example.com", session)
    assert found is not None
    assert (found.id, found.email) == (ada.id, "Ada@example.com")
    assert sorted(key.label for key in found.keys) == ["bot", "ci"]


async def test_nobody_is_found_by_an_unknown_email(session: AsyncSession) -> None:
    assert await find("ada@example.com", session) is None


async def test_keys_that_no_query_loaded_are_an_error_by_name(
    session: AsyncSession,
) -> None:
    await register("ada@example.com", "secret", backwards, session)
    session.expunge_all()
    user = (await session.exec(select(UserDB))).one()
    with pytest.raises(ValidationError) as refused:
        UserPublic.model_validate(user)
    (error,) = refused.value.errors()
    said = "'UserDB.keys' is not available due to lazy='raise'"
    assert error["type"] == "get_attribute_error"
    assert error["msg"].endswith(f"InvalidRequestError: {said}")


async def test_both_databases_name_the_index_that_refused(
    tmp_path: Path, postgresql: str, evidence: Evidence
) -> None:
    urls = {
        "SQLite": f"sqlite+aiosqlite:///{tmp_path / 'users'}",
        "PostgreSQL": postgresql.replace("postgresql:", "postgresql+asyncpg:"),
    }
    for name, url in urls.items():
        async with tables_in(url, Base.metadata) as engine, AsyncSession(engine) as two:
            for email in ("ada@example.com", "Ada@example.com"):
                two.add(UserDB(email=email, hashed_password=TERCES))
            with pytest.raises(IntegrityError) as refused:
                await two.flush()
        said = str(refused.value.orig).partition("\n")[0]
        evidence.add(name, said)
        assert ONE_EMAIL in said


async def test_the_index_serves_the_query_as_well(
    asyncpg: AsyncEngine, evidence: Evidence
) -> None:
    @event.listens_for(asyncpg.sync_engine, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, said: str, *_: object) -> None:
        statements.append(said)

    statements: list[str] = []
    async with AsyncSession(asyncpg) as session:
        await find("ada@example.com", session)
        connection = await session.connection()
        # a table as small as this one is read whole, if that is allowed
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explained = f"EXPLAIN (COSTS OFF) {statements[0]}"
        rows = await connection.exec_driver_sql(explained, ("ada@example.com",))
        plan = "\n".join(rows.scalars())
    evidence.add("How PostgreSQL runs find()", plan)
    assert plan.startswith(f"Index Scan using {ONE_EMAIL} on userdb")


async def test_sqlite_folds_the_case_of_ascii_only(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'users'}"
    async with tables_in(url, Base.metadata) as engine, AsyncSession(engine) as session:
        eva = await register("éva@example.com", "secret", backwards, session)
        other = await register("Éva@example.com", "secret", backwards, session)
    assert eva.id != other.id


def test_a_key_made_in_python_has_its_value_from_the_constructor_on() -> None:
    class Own(SQLModel, registry=registry()): ...

    class Voucher(Own, table=True):
        id: UUID = Field(default_factory=uuid4, primary_key=True)

    assert_type(Voucher().id, UUID)
    assert Voucher().id != Voucher().id


def test_sqlalchemys_mapped_int_is_none_before_the_flush_as_well() -> None:
    class Own(DeclarativeBase): ...

    class Voucher(Own):
        __tablename__ = "vouchers"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert_type(Voucher().id, int)
    assert repr(Voucher().id) == "None"


def test_col_gives_selectinload_what_it_takes_and_no_checker_knows() -> None:
    keys = col(UserDB.keys)
    # ignored because it is the claim: both checkers refuse what runs
    loaded = selectinload(keys)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert "FROM userdb" in str(select(UserDB).options(loaded))


async def test_the_tables_have_the_indexes_that_the_queries_need(
    asyncpg: AsyncEngine,
) -> None:
    def described(connection: Connection) -> dict[str, list[tuple[object, object]]]:
        tables = inspect(connection)
        return {
            name: [(i["name"], i["unique"]) for i in tables.get_indexes(name)]
            for name in tables.get_table_names()
        }

    async with asyncpg.connect() as connection:
        assert await connection.run_sync(described) == {
            "keydb": [("ix_keydb_user_id", False)],
            "userdb": [("one_account_an_email", True)],
        }


def test_the_tables_are_in_nobody_elses_metadata() -> None:
    assert set(Base.metadata.tables) == {"keydb", "userdb"}
    assert not {"keydb", "userdb"} & set(SQLModel.metadata.tables)


async def test_a_key_needs_its_user(asyncpg: AsyncEngine) -> None:
    async with AsyncSession(asyncpg) as session:
        session.add(KeyDB(user_id=99, label="ci"))
        with pytest.raises(IntegrityError, match="foreign key"):
            await session.flush()


async def test_an_id_that_both_checkers_demand_is_none_until_the_flush(
    trusting: AsyncEngine, observe: Observe
) -> None:
    async with AsyncSession(trusting) as session:
        user = avoid.UserDB(email="ada@example.com", hashed_password=TERCES)
        session.add(user)
        await session.flush()
        url = avoid.add_key(user.id, "ci", session)
        await session.flush()
        key = (await session.exec(select(avoid.KeyDB))).one()
    observe(url)
    assert url == "/keys/None"
    assert key.id == 1


async def test_a_default_of_none_silences_both_and_stays_none(
    trusting: AsyncEngine, observe: Observe
) -> None:
    async with AsyncSession(trusting) as session:
        told = avoid.add_user("ada@example.com", "terces", session)
    assert_type(told, int)
    observe(f"declared int, is {told}")
    assert repr(told) == "None"


async def test_two_who_ask_at_the_same_time_both_hear_that_it_is_free(
    trusting: AsyncEngine, observe: Observe
) -> None:
    async def hash_password(password: str) -> str:
        await both.wait()
        return password[::-1]

    async def open_account() -> None:
        async with AsyncSession(trusting) as session, session.begin():
            await avoid.register("ada@example.com", "secret", hash_password, session)

    both = asyncio.Barrier(2)
    outcomes = await asyncio.gather(
        open_account(), open_account(), return_exceptions=True
    )
    (error,) = filter(None, outcomes)
    observe(f"{type(error).__name__}, where EmailTakenError was meant")
    assert isinstance(error, IntegrityError)


async def test_asking_first_is_right_as_long_as_nobody_else_does(
    trusting: AsyncEngine,
) -> None:
    async with AsyncSession(trusting) as session, session.begin():
        await avoid.register("ada@example.com", "secret", backwards, session)
    async with AsyncSession(trusting) as session:
        with pytest.raises(avoid.EmailTakenError, match=r"ada@example\.com"):
            await avoid.register("ada@example.com", "other", backwards, session)


async def test_asking_first_lets_the_same_email_in_another_case_in(
    trusting: AsyncEngine,
) -> None:
    async with AsyncSession(trusting) as session, session.begin():
        await avoid.register("ada@example.com", "secret", backwards, session)
        await avoid.register("Ada@example.com", "other", backwards, session)
        users = (await session.exec(select(avoid.UserDB))).all()
    assert len(users) == 2


async def test_a_response_model_loads_what_nobody_has_loaded(
    postgresql: str, observe: Observe
) -> None:
    url = postgresql.replace("postgresql:", "postgresql+asyncpg:")
    async with tables_in(url, avoid.Base.metadata) as engine:
        async with AsyncSession(engine) as session, session.begin():
            avoid.add_user("ada@example.com", "terces", session)
        async with AsyncSession(engine) as session:
            with pytest.raises(ValidationError) as failed:
                await avoid.find("ada@example.com", session)
    (error,) = failed.value.errors()
    said, _, _ = error["msg"].partition(": greenlet_spawn")
    observe(f"ValidationError, in {error['loc'][0]}: {said}")
    assert error["loc"] == ("keys",)
    assert said == "Error extracting attribute: MissingGreenlet"


def test_what_is_a_list_on_an_object_is_an_attribute_on_the_class() -> None:
    assert isinstance(UserDB.keys, QueryableAttribute)
