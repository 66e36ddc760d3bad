"""Show customers their invoices, and let them write a note on each."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from hashlib import sha256
from typing import Annotated, LiteralString, NewType, NoReturn

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

CustomerId = NewType("CustomerId", int)
Number = Annotated[int, Path(ge=1, lt=2**63)]
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


class Note(BaseModel, extra="forbid"):
    """All of an invoice that its customer may change."""

    text: Annotated[str, Field(max_length=200)]


class Invoice(BaseModel):
    """An invoice as its customer sees it; others can guess its number."""

    number: int
    cents: int
    note: str


class Invoices:
    """One customer's invoices: no method takes a customer, or reaches another's.

    What SQLite raises goes through, as does its OverflowError for a number of more than
    63 bits.

    Examples:
        >>> import sqlite3
        >>> connection = sqlite3.connect(":memory:")
        >>> _ = connection.executescript('''
        ...     CREATE TABLE invoices (number, customer, cents, note);
        ...     INSERT INTO invoices VALUES (1, 7, 990, 'lamp'), (2, 8, 50, 'pen');
        ... ''')
        >>> adas = Invoices(connection, CustomerId(7))
        >>> adas.get(1), adas.get(2)
        (Invoice(number=1, cents=990, note='lamp'), None)
        >>> connection.close()
    """

    def __init__(self, connection: sqlite3.Connection, customer: CustomerId) -> None:
        """Look at all invoices with the eyes of one customer."""
        self._connection = connection
        self._customer = customer

    def get(self, number: int) -> Invoice | None:
        """Find an invoice; ``None`` if there is none, or it is somebody else's."""
        # --8<-- [start:answer]
        return self._run(
            "SELECT number, cents, note FROM invoices"
            " WHERE number = :number AND customer = :customer",
            number=number,
        )
        # --8<-- [end:answer]

    def annotate(self, number: int, note: Note) -> Invoice | None:
        """Write a note on an invoice; ``None`` if the customer has no such invoice."""
        return self._run(
            "UPDATE invoices SET note = :note"
            " WHERE number = :number AND customer = :customer"
            " RETURNING number, cents, note",
            number=number,
            note=note.text,
        )

    def _run(self, statement: LiteralString, **values: int | str) -> Invoice | None:
        """Run a statement about this customer, and commit what it changed."""
        values["customer"] = self._customer
        with self._connection:
            rows = self._connection.execute(statement, values).fetchall()
        found = [Invoice(number=n, cents=cents, note=note) for n, cents, note in rows]
        return found[0] if found else None


def own_invoices(request: Request, bearer: Bearer) -> Generator[Invoices]:
    """Find out who asks: the only way in which a route gets at invoices.

    Raises:
        HTTPException: 401 if nobody is logged in.
    """
    path: str = request.app.state.database
    digest = sha256(bearer.credentials.encode()).hexdigest()
    statement = "SELECT customer FROM sessions WHERE digest = ?"
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        found = connection.execute(statement, [digest]).fetchone()
        if found is None:
            raise HTTPException(401, "log in first")
        yield Invoices(connection, CustomerId(found[0]))


Own = Annotated[Invoices, Depends(own_invoices)]
router = APIRouter(prefix="/invoices")


@router.get("/{number}")
def read_invoice(number: Number, invoices: Own) -> Invoice:
    """Show an invoice."""
    return invoices.get(number) or _not_found()


@router.patch("/{number}")
def annotate_invoice(number: Number, note: Note, invoices: Own) -> Invoice:
    """Write a note on an invoice."""
    return invoices.annotate(number, note) or _not_found()


def _not_found() -> NoReturn:
    """Answer alike whether an invoice is missing or somebody else's."""
    raise HTTPException(404, "no such invoice")
