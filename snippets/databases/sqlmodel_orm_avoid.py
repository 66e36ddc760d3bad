"""Keep accounts of users, and believe what their annotations say."""

from collections.abc import Awaitable, Callable

from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

type Hash = Callable[[str], Awaitable[str]]


class EmailTakenError(Exception): ...


class Base(SQLModel, registry=registry()): ...


class KeyDB(Base, table=True):
    id: int = Field(primary_key=True)
    user_id: int = Field(foreign_key="userdb.id", index=True)
    label: str


class UserDB(Base, table=True):
    id: int = Field(default=None, primary_key=True)
    email: str = Field(unique=True, index=True)
    hashed_password: str
    keys: list[KeyDB] = Relationship()


class KeyPublic(SQLModel):
    label: str


class UserPublic(SQLModel):
    id: int
    email: str
    keys: list[KeyPublic]


def add_key(user_id: int, label: str, session: AsyncSession) -> str:
    # expect: mypy[call-arg] pyright[reportCallIssue]
    key = KeyDB(user_id=user_id, label=label)
    session.add(key)
    # expect: test[an_id_that_both_checkers_demand_is_none_until_the_flush]
    return f"/keys/{key.id}"


def add_user(email: str, hashed: str, session: AsyncSession) -> int:
    user = UserDB(email=email, hashed_password=hashed)
    session.add(user)
    # expect: test[a_default_of_none_silences_both_and_stays_none]
    return user.id


async def register(
    email: str, password: str, hash_password: Hash, session: AsyncSession
) -> None:
    # --8<-- [start:answer]
    taken = await session.exec(select(UserDB).where(UserDB.email == email))
    if taken.first() is not None:
        raise EmailTakenError(email)
    hashed = await hash_password(password)
    session.add(UserDB(email=email, hashed_password=hashed))
    # expect: test[two_who_ask_at_the_same_time_both_hear_that_it_is_free]
    await session.flush()
    # --8<-- [end:answer]


async def find(email: str, session: AsyncSession) -> UserPublic:
    user = (await session.exec(select(UserDB).where(UserDB.email == email))).one()
    # expect: test[a_response_model_loads_what_nobody_has_loaded]
    return UserPublic.model_validate(user)
