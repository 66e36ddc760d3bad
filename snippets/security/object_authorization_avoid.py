"""Show customers invoices, and ask only whether they are logged in."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel


class Invoice(BaseModel):
    number: int
    cents: int
    note: str


def database(request: Request) -> Generator[sqlite3.Connection]:
    path: str = request.app.state.database
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        yield connection


Database = Annotated[sqlite3.Connection, Depends(database)]


def signed_in(
    connection: Database,
    bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> int:
    digest = sha256(bearer.credentials.encode()).hexdigest()
    statement = "SELECT customer FROM sessions WHERE digest = ?"
    customer: int
    [[customer]] = connection.execute(statement, [digest]).fetchall()
    return customer


Customer = Annotated[int, Depends(signed_in)]
router = APIRouter(prefix="/invoices", dependencies=[Depends(signed_in)])


@router.get("/{number}")
def read_invoice(number: int, connection: Database) -> Invoice:
    # --8<-- [start:answer]
    statement = "SELECT number, cents, note FROM invoices WHERE number = ?"
    for number_, cents, note in connection.execute(statement, [number]):
        # expect: test[whoever_is_logged_in_reads_every_invoice_by_counting]
        return Invoice(number=number_, cents=cents, note=note)
    # --8<-- [end:answer]
    raise HTTPException(404, "no such invoice")


@router.get("/{number}/pdf")
def print_invoice(number: int, connection: Database, me: Customer) -> str:
    statement = "SELECT customer, cents FROM invoices WHERE number = ?"
    for customer, cents in connection.execute(statement, [number]):
        if customer != me:
            # expect: test[a_403_tells_which_numbers_there_are]
            raise HTTPException(403, "not yours")
        return f"%PDF: {cents} cents"
    raise HTTPException(404, "no such invoice")


@router.put("/{number}")
def change_invoice(
    number: int, changed: Invoice, connection: Database, me: Customer
) -> None:
    statement = "SELECT 1 FROM invoices WHERE number = ? AND customer = ?"
    if connection.execute(statement, [number, me]).fetchone() is None:
        raise HTTPException(404, "no such invoice")
    with connection:
        # expect: test[the_invoice_that_is_changed_is_not_the_one_that_was_checked]
        connection.execute(
            "UPDATE invoices SET cents = :cents, note = :note WHERE number = :number",
            changed.model_dump(),
        )


@router.get("/{number}/note")
def read_note(number: int, customer: int, connection: Database) -> str:
    statement = "SELECT note FROM invoices WHERE number = ? AND customer = ?"
    for (note,) in connection.execute(statement, [number, customer]):
        # expect: test[a_customer_who_names_the_customer_reads_anybodys_note]
        return str(note)
    raise HTTPException(404, "no such invoice")
