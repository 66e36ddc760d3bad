import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack
from snippets.security import object_authorization_avoid as avoid
from snippets.security.object_authorization import CustomerId, Invoices, Note, router

pytestmark = pytest.mark.anyio

TABLES = """
PRAGMA synchronous = OFF;
CREATE TABLE invoices (
    number INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER, note TEXT
);
INSERT INTO invoices VALUES
    (1, 7, 990, 'lamp'), (2, 8, 50, 'eve''s pen'), (3, 7, 10, 'bulb');
CREATE TABLE sessions (digest TEXT PRIMARY KEY, customer INTEGER);
"""
ADA, EVE = "token-of-ada", "token-of-eve"
LAMP = {"number": 1, "cents": 990, "note": "lamp"}
PEN = {"number": 2, "cents": 50, "note": "eve's pen"}
BULB = {"number": 3, "cents": 10, "note": "bulb"}
ROUTES = [
    pytest.param(method, route.path, id=f"{method} {route.path}")
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]

type Ask = Callable[..., Coroutine[Any, Any, httpx2.Response]]


def app_of(router: APIRouter) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    return app


APP, AVOID = app_of(router), app_of(avoid.router)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Fill a database with the invoices of ada, who is 7, and of eve, who is 8."""
    path = str(tmp_path / "shop.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES)
        for token, customer in ((ADA, 7), (EVE, 8)):
            digest = sha256(token.encode()).hexdigest()
            connection.execute("INSERT INTO sessions VALUES (?, ?)", [digest, customer])
    return path


def notes(path: str) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT cents, note FROM invoices").fetchall()


BEFORE = [(990, "lamp"), (50, "eve's pen"), (10, "bulb")]


@asynccontextmanager
async def asking(app: FastAPI, path: str) -> AsyncGenerator[Ask]:
    app.state.database = path
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop") as it:

        async def ask(
            method: str, url: str, token: str | None = ADA, body: object = None
        ) -> httpx2.Response:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return await it.request(method, url, headers=headers, json=body)

        yield ask


@pytest.fixture
async def ask(path: str) -> AsyncGenerator[Ask]:
    async with asking(APP, path) as ask:
        yield ask


@pytest.fixture
async def ask_avoid(path: str) -> AsyncGenerator[Ask]:
    async with asking(AVOID, path) as ask:
        yield ask


async def test_a_customer_sees_their_own_invoices(ask: Ask) -> None:
    assert (await ask("GET", "/invoices/1")).json() == LAMP
    assert (await ask("GET", "/invoices/3")).json() == BULB
    assert (await ask("GET", "/invoices/2", EVE)).json() == PEN


async def test_a_customer_writes_a_note_on_their_own_invoice(
    ask: Ask, path: str
) -> None:
    answer = await ask("PATCH", "/invoices/3", body={"text": "x" * 200})
    assert answer.json() == BULB | {"note": "x" * 200}
    assert notes(path) == [*BEFORE[:2], (10, "x" * 200)]


async def test_many_customers_are_served_at_once(ask: Ask) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask("GET", "/invoices/1")) for _ in range(20)]
    assert [each.result().json() for each in asked] == [LAMP] * 20


@pytest.mark.parametrize(("method", "route"), ROUTES)
async def test_every_route_answers_for_anothers_invoice_as_for_none(
    method: str, route: str, ask: Ask, path: str
) -> None:
    theirs, nobodys = [
        await ask(method, route.format(number=number), body={"text": "mine"})
        for number in (2, 99)
    ]
    assert (theirs.status_code, theirs.json()) == (404, {"detail": "no such invoice"})
    assert theirs.content == nobodys.content
    assert theirs.headers == nobodys.headers
    assert notes(path) == BEFORE


@pytest.mark.parametrize("token", [None, "", "of-nobody", f"{ADA} "[:-2]])
@pytest.mark.parametrize(("method", "route"), ROUTES)
async def test_every_route_asks_who_is_there(
    method: str, route: str, token: str | None, ask: Ask, path: str
) -> None:
    url = route.format(number=1)
    answer = await ask(method, url, token, body={"text": "mine"})
    assert answer.status_code == 401
    assert notes(path) == BEFORE


async def test_a_token_of_nobody_is_told_to_log_in(ask: Ask) -> None:
    answer = await ask("GET", "/invoices/1", "of-nobody")
    assert answer.json() == {"detail": "log in first"}


def test_two_routes_were_asked_both_for_an_invoice() -> None:
    assert [each.id for each in ROUTES] == [
        "GET /invoices/{number}",
        "PATCH /invoices/{number}",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x", "number": 2},
        {"text": "x", "customer": 8},
        {"text": 1},
        {"text": "x" * 201},
    ],
)
async def test_nothing_but_the_note_can_be_sent(
    body: object, ask: Ask, path: str
) -> None:
    assert (await ask("PATCH", "/invoices/1", body=body)).status_code == 422
    assert notes(path) == BEFORE


@pytest.mark.parametrize(
    ("number", "status"),
    [("0", 422), ("-1", 422), ("x", 422), (str(2**63), 422), (str(2**63 - 1), 404)],
)
async def test_a_number_that_the_database_cannot_hold_is_no_number(
    number: str, status: int, ask: Ask
) -> None:
    assert (await ask("GET", f"/invoices/{number}")).status_code == status


def test_no_method_takes_another_customer(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        unchecked: Any = Invoices(connection, CustomerId(7))
        with pytest.raises(TypeError):
            unchecked.get(2, customer=8)
        assert unchecked.annotate(2, Note(text="mine")) is None
    assert notes(path) == BEFORE


async def test_whoever_is_logged_in_reads_every_invoice_by_counting(
    ask: Ask, ask_avoid: Ask, attack: Attack, observe: Observe
) -> None:
    attack.sent("GET /invoices/2, with ada's token")
    stolen = await ask_avoid("GET", "/invoices/2")
    assert stolen.json()["note"] == "eve's pen"
    observe(stolen.text)
    attack.happened(f"{stolen.status_code} {stolen.text}")
    refused = await ask("GET", "/invoices/2")
    assert refused.status_code == 404
    attack.now(f"{refused.status_code} {refused.text}")
    assert (await ask_avoid("GET", "/invoices/99")).status_code == 404


async def test_a_403_tells_which_numbers_there_are(
    ask: Ask, ask_avoid: Ask, observe: Observe
) -> None:
    async def seen(ask: Ask, url: str) -> list[int]:
        return [
            (await ask("GET", url.format(number))).status_code for number in (1, 2, 9)
        ]

    told = await seen(ask_avoid, "/invoices/{}/pdf")
    observe(f"invoices 1, 2 and 9: {told}")
    assert told == [200, 403, 404]
    assert await seen(ask, "/invoices/{}") == [200, 404, 404]


async def test_the_invoice_that_is_changed_is_not_the_one_that_was_checked(
    ask: Ask, ask_avoid: Ask, path: str, attack: Attack, observe: Observe
) -> None:
    body = {"number": 2, "cents": 9999, "note": "hello"}
    attack.sent(f"PUT /invoices/1 {body}, with ada's token")
    assert (await ask_avoid("PUT", "/invoices/2", body=body)).status_code == 404
    assert (await ask_avoid("PUT", "/invoices/1", body=body)).status_code == 200
    assert notes(path)[1] == (9999, "hello")
    observe("invoice 2, which is eve's, is over 9999 cents")
    attack.happened("invoice 2, which is eve's, is over 9999 cents")
    refused = await ask("PATCH", "/invoices/1", body=body)
    assert refused.status_code == 422
    attack.now("422: a note is all that can be sent, and one number decides")


async def test_a_customer_who_names_the_customer_reads_anybodys_note(
    ask: Ask, ask_avoid: Ask, observe: Observe
) -> None:
    url = "/invoices/2/note?customer=8"
    told = (await ask_avoid("GET", url)).json()
    observe(f"GET {url}, with ada's token: {told}")
    assert told == "eve's pen"
    missing = await ask_avoid("GET", "/invoices/2/note?customer=7")
    assert missing.status_code == 404
    assert (await ask("GET", "/invoices/2?customer=8")).status_code == 404


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63)])
def test_no_number_reaches_anothers_invoice(path: str, number: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        adas = Invoices(connection, CustomerId(7))
        assert adas.get(number) is None
        assert adas.annotate(number, Note(text="mine")) is None
    assert notes(path) == BEFORE


@pytest.mark.parametrize("number", [2**63, -(10**400)])
def test_a_number_of_more_than_63_bits_overflows_as_the_docstring_says(
    path: str, number: int
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        adas = Invoices(connection, CustomerId(7))
        with pytest.raises(OverflowError, match="too large"):
            adas.get(number)
        with pytest.raises(OverflowError, match="too large"):
            adas.annotate(number, Note(text="mine"))
    assert notes(path) == BEFORE


def test_an_invoice_that_changes_hands_between_check_and_update_is_not_touched(
    path: str,
) -> None:
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path)) as other:
        adas = Invoices(one, CustomerId(7))
        assert adas.get(1) is not None
        with other:
            other.execute("UPDATE invoices SET customer = 8 WHERE number = 1")
        assert adas.annotate(1, Note(text="mine")) is None
    assert notes(path) == BEFORE


def test_a_note_that_cannot_be_written_leaves_no_transaction_behind(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER full AFTER UPDATE ON invoices"
            " BEGIN SELECT RAISE(FAIL, 'disk full'); END"
        )
        with pytest.raises(sqlite3.DatabaseError, match="disk full"):
            Invoices(connection, CustomerId(7)).annotate(1, Note(text="mine"))
        assert not connection.in_transaction
    assert notes(path) == BEFORE
