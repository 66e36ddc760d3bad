"""Show customers their invoices, and let them write a note on each."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from hashlib import sha256
from typing import Annotated, LiteralString, NewType

import fastapi
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

CustomerId = NewType("CustomerId", int)
Number = Annotated[int, fastapi.Path(ge=1, lt=2**63)]


class Note(BaseModel, extra="forbid"):
    """All of an invoice that its customer may change.

    Attributes:
        text: The new note.
    """

    text: Annotated[str, Field(max_length=200)]


class Invoice(BaseModel):
    """An invoice as its customer sees it.

    Attributes:
        number: Its number, which others can guess.
        cents: What is to be paid.
        note: What the customer noted.
    """

    number: int
    cents: int
    note: str


class Invoices:
    """One customer's invoices: no method takes a customer, or reaches another's.

    Examples:
        >>> import sqlite3
        >>> connection = sqlite3.connect(":memory:")
        >>> _ = connection.executescript('''
        ...     CREATE TABLE invoices (number, customer, cents, note);
        ...     INSERT INTO invoices VALUES (1, 7, 990, 'lamp'), (2, 8, 50, 'pen');
        ... ''')
        >>> Invoices(connection, CustomerId(7)).all()
        [Invoice(number=1, cents=990, note='lamp')]
        >>> Invoices(connection, CustomerId(7)).get(2) is None
        True
        >>> connection.close()
    """

    def __init__(self, connection: sqlite3.Connection, customer: CustomerId) -> None:
        """Look at all invoices with the eyes of one customer.

        Args:
            connection: Where they are.
            customer: Who is logged in.
        """
        self._connection = connection
        self._customer = customer

    def all(self) -> list[Invoice]:
        """List the customer's invoices.

        Returns:
            The invoices, by number.
        """
        return self._run(
            "SELECT number, cents, note FROM invoices"
            " WHERE customer = :customer ORDER BY number"
        )

    def get(self, number: int) -> Invoice | None:
        """Find one of the customer's invoices.

        Args:
            number: Which one.

        Returns:
            The invoice; ``None`` if there is none, or it is somebody else's.
        """
        found = self._run(
            "SELECT number, cents, note FROM invoices"
            " WHERE number = :number AND customer = :customer",
            number=number,
        )
        return found[0] if found else None

    def annotate(self, number: int, note: Note) -> Invoice | None:
        """Write a note on an invoice; whose it has to be is part of the statement.

        Args:
            number: Which one.
            note: What to write.

        Returns:
            The invoice as it is now; ``None`` if the customer has no such invoice.
        """
        changed = self._run(
            "UPDATE invoices SET note = :note"
            " WHERE number = :number AND customer = :customer"
            " RETURNING number, cents, note",
            number=number,
            note=note.text,
        )
        return changed[0] if changed else None

    def _run(self, statement: LiteralString, **values: int | str) -> list[Invoice]:
        """Run a statement about this customer, and commit what it changed."""
        with self._connection:
            rows = self._connection.execute(
                statement, {"customer": self._customer, **values}
            ).fetchall()
        return [Invoice(number=n, cents=cents, note=note) for n, cents, note in rows]


def database(request: Request) -> Generator[sqlite3.Connection]:
    """Open the database for the time of a request."""
    path: str = request.app.state.database
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        yield connection


def own_invoices(
    connection: Annotated[sqlite3.Connection, Depends(database)],
    bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> Invoices:
    """Find out who asks: the only way in which a route gets at invoices.

    Raises:
        HTTPException: 401 if nobody is logged in.
    """
    found = connection.execute(
        "SELECT customer FROM sessions WHERE digest = ?",
        [sha256(bearer.credentials.encode()).hexdigest()],
    ).fetchone()
    if found is None:
        raise HTTPException(401, "log in first")
    return Invoices(connection, CustomerId(found[0]))


router = APIRouter(prefix="/invoices")
Own = Annotated[Invoices, Depends(own_invoices)]


@router.get("")
def list_invoices(invoices: Own) -> list[Invoice]:
    """List the customer's invoices."""
    return invoices.all()


@router.get("/{number}")
def read_invoice(number: Number, invoices: Own) -> Invoice:
    """Show one of them, or answer 404."""
    return _found(invoices.get(number))


@router.patch("/{number}")
def annotate_invoice(number: Number, note: Note, invoices: Own) -> Invoice:
    """Write a note on one of them, or answer 404."""
    return _found(invoices.annotate(number, note))


def _found(invoice: Invoice | None) -> Invoice:
    """Answer alike whether an invoice is missing or somebody else's."""
    if invoice is None:
        raise HTTPException(404, "no such invoice")
    return invoice
