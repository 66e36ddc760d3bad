"""Keep accounts of users, one for each email address."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from sqlalchemy import Index, func, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import QueryableAttribute, registry, selectinload
from sqlmodel import Field, Relationship, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

type Hash = Callable[[str], Awaitable[str]]

ONE_EMAIL = "one_account_an_email"
# Each database says in its way which index refused: PostgreSQL by a field of the error,
# SQLite by its whole message. A search for the name would also find it in user data.
REFUSED = {ONE_EMAIL, f"UNIQUE constraint failed: index '{ONE_EMAIL}'"}


class EmailTakenError(Exception):
    """Another account has this email address, in whatever case."""


class Base(SQLModel, registry=registry()):
    """What our tables share; the registry of SQLModel is everybody's."""


class KeyDB(Base, table=True):
    """An API key of a user."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="userdb.id", index=True)
    label: str


class UserDB(Base, table=True):
    """An account as the database keeps it."""

    __table_args__ = (Index(ONE_EMAIL, text("lower(email)"), unique=True),)

    id: int | None = Field(default=None, primary_key=True)  # None until it is flushed
    email: str
    hashed_password: str
    keys: list[KeyDB] = Relationship(sa_relationship_kwargs={"lazy": "raise"})


class KeyPublic(SQLModel):
    """An API key as others see it."""

    label: str


class UserPublic(SQLModel):
    """An account as others see it: it has an id, and no password.

    Examples:
        >>> hashed = "$argon2id$..."
        >>> ada = UserDB(id=1, email="ada@example.com", hashed_password=hashed)
        >>> ada.keys = [KeyDB(user_id=1, label="ci")]
        >>> UserPublic.model_validate(ada).model_dump()
        {'id': 1, 'email': 'ada@example.com', 'keys': [{'label': 'ci'}]}
    """

    id: int
    email: str
    keys: list[KeyPublic]


async def register(
    email: str, password: str, hash_password: Hash, session: AsyncSession
) -> UserPublic:
    """Open an account.

    Args:
        email: The user's address, as the caller has checked it.
        password: The password in plain text.
        hash_password: Makes the hash that is kept.
        session: The caller's transaction, on asyncpg or aiosqlite; a refusal ends it.

    Returns:
        The account.

    Raises:
        EmailTakenError: If there is an account with this address.
        SQLAlchemyError: If the database refuses something else or is lost.
        UnicodeEncodeError: If SQLite is given a lone surrogate.
        Exception: What ``hash_password`` raised.
    """
    # --8<-- [start:answer]
    hashed = await hash_password(password)
    user = UserDB(email=email, hashed_password=hashed, keys=[])
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        told = error.driver_exception
        if getattr(told, "constraint_name", str(told)) not in REFUSED:
            raise
        raise EmailTakenError(email) from error
    # --8<-- [end:answer]
    return UserPublic.model_validate(user)


async def find(email: str, session: AsyncSession) -> UserPublic | None:
    """Find an account by its email address.

    Args:
        email: The address, in any case.
        session: Where to look.

    Returns:
        The account with its keys, or ``None``.

    Raises:
        SQLAlchemyError: If the database is lost or can't take the address.
        UnicodeEncodeError: If SQLite is given a lone surrogate.
    """
    keys = cast("QueryableAttribute[Any]", UserDB.keys)  # a list on objects only
    statement = (
        select(UserDB)
        .where(func.lower(UserDB.email) == func.lower(email))
        .options(selectinload(keys))
    )
    user = (await session.exec(statement)).one_or_none()
    return None if user is None else UserPublic.model_validate(user)
