import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast, override

import pytest
from pydantic import ValidationError
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, WriteError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Evidence, Measured
from snippets.databases.mongodb import (
    AnnouncedBeforeError,
    Booking,
    Document,
    Film,
    Screening,
    Screenings,
    Showing,
    SoldOutError,
    UnreadableError,
    announce,
    book,
    prepare,
    programme,
)
from snippets.databases.mongodb_avoid import (
    book_by_writing_back,
    book_what_was_sent,
    free_seats,
    programme_by_rows,
    programme_in_the_way,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

OPENS = datetime(2026, 5, 1, 12, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=12)
HEAT = Film(title="Heat", minutes=170)
SCREENINGS = 20


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


class Commands(CommandListener):
    """What the driver sends, and what it gets for it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(dict(event.command))

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None:
        self.answers.append(dict(event.reply))

    @override
    def failed(self, event: CommandFailedEvent) -> None:
        """Leave it to the caller, who gets an exception."""


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
async def screenings(mongodb: str, commands: Commands) -> AsyncGenerator[Screenings]:
    async with AsyncMongoClient[Document](
        mongodb, tz_aware=True, event_listeners=[commands]
    ) as client:
        yield client.get_default_database()["screenings"]


def screening(number: int = 1, **other: Any) -> Screening:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "id": f"oslo-{number}",
        "film": HEAT,
        "starts": OPENS + timedelta(hours=number),
        "free": 2,
        "cinema": "oslo",
        "guests": [],
    }
    return Screening.model_validate(fields | other)


def document(**other: object) -> Document:
    """Give a document as this code writes it, with other fields."""
    return screening().model_dump(by_alias=True) | other


async def test_a_screening_is_read_back_as_it_was_announced(
    screenings: Screenings,
) -> None:
    await announce(screenings, screening(free=2))
    await book(screenings, Booking(screening="oslo-1", guest="ada"))
    assert await screenings.find_one() == {
        "_id": "oslo-1",
        "film": {"title": "Heat", "minutes": 170},
        "starts": OPENS + timedelta(hours=1),
        "free": 1,
        "cinema": "oslo",
        "guests": ["ada"],
    }


async def test_an_id_that_is_taken_is_one_error_and_changes_nothing(
    screenings: Screenings,
) -> None:
    await announce(screenings, screening(free=2))
    with pytest.raises(AnnouncedBeforeError, match=r"^oslo-1$") as refused:
        await announce(screenings, screening(free=99))
    assert isinstance(refused.value.__cause__, DuplicateKeyError)
    assert await free_seats(screenings, "oslo-1") == 2


async def test_a_programme_lists_one_cinema_from_opening_to_closing_by_time(
    screenings: Screenings,
) -> None:
    for number in (5, 0, 12, -1, 3):
        await announce(screenings, screening(number))
    await announce(screenings, screening(4, id="rome-4", cinema="rome"))
    found = await programme(screenings, "oslo", OPENS, CLOSES)
    assert found == [
        Showing(id="oslo-0", film=HEAT, starts=OPENS, free=2),
        Showing(id="oslo-3", film=HEAT, starts=OPENS + timedelta(hours=3), free=2),
        Showing(id="oslo-5", film=HEAT, starts=OPENS + timedelta(hours=5), free=2),
    ]


async def test_a_programme_takes_one_command_and_leaves_the_guests_where_they_are(
    screenings: Screenings, commands: Commands, measured: Measured
) -> None:
    for number in range(SCREENINGS):
        at = OPENS + timedelta(minutes=number)
        await announce(screenings, screening(number, starts=at, guests=["ada"]))
    commands.sent.clear()
    found = await programme(screenings, "oslo", OPENS, CLOSES)
    assert len(found) == SCREENINGS
    assert [next(iter(sent)) for sent in commands.sent] == ["find"]
    first = commands.answers[-1]["cursor"]["firstBatch"][0]
    assert set(first) == {"_id", "film", "starts", "free"}
    by_rows = await commands_by_rows(screenings, commands)
    measured.row(
        f"Commands for a programme of {SCREENINGS} screenings",
        "",
        {"programme": 1, "programme_by_rows": by_rows},
    )


async def test_fifty_guests_at_once_get_exactly_the_thirty_seats(
    screenings: Screenings,
) -> None:
    async def try_to_book(guest: str) -> str | None:
        try:
            await book(screenings, Booking(screening="oslo-1", guest=guest))
        except SoldOutError:
            return None
        return guest

    await announce(screenings, screening(free=30))
    guests = [f"guest {number}" for number in range(50)]
    told = await asyncio.gather(*map(try_to_book, guests))
    booked = {guest for guest in told if guest}
    (found,) = await screenings.find().to_list()
    last = Screening.model_validate(found)
    assert (len(booked), last.free, len(last.guests)) == (30, 0, 30)
    assert set(last.guests) == booked


@pytest.mark.parametrize("wanted", ["oslo-1", "oslo-7"])
async def test_without_a_free_seat_nothing_changes(
    screenings: Screenings, wanted: str
) -> None:
    await announce(screenings, screening(free=0))
    with pytest.raises(SoldOutError, match=f"^{wanted}$"):
        await book(screenings, Booking(screening=wanted, guest="ada"))
    assert await screenings.find().to_list() == [document(free=0)]


async def test_the_question_and_the_change_are_sent_as_one_command(
    screenings: Screenings, commands: Commands, evidence: Evidence
) -> None:
    await announce(screenings, screening())
    commands.sent.clear()
    await book(screenings, Booking(screening="oslo-1", guest="ada"))
    (sent,) = commands.sent
    (change,) = sent["updates"]
    told = [f"{name}: {json.dumps(change[name])}" for name in ("q", "u")]
    evidence.add("What book() sends, as one update", "\n".join(told))
    assert sent["update"] == "screenings"
    assert {name: change[name] for name in ("q", "u")} == {
        "q": {"_id": "oslo-1", "free": {"$gte": 1}},
        "u": {"$inc": {"free": -1}, "$push": {"guests": "ada"}},
    }


async def test_the_index_has_the_field_that_filters_before_the_one_that_sorts(
    screenings: Screenings,
) -> None:
    await prepare(screenings)
    await prepare(screenings)
    found = [dict(each["key"]) for each in await indexes(screenings)]
    assert {"cinema": 1, "starts": 1} in found
    assert list(found[-1]) == ["cinema", "starts"]
    assert len(found) == 2


@pytest.mark.parametrize(
    "sent",
    [
        '{"screening": {"$gt": ""}, "guest": "eve"}',
        '{"screening": "oslo-1", "guest": {"$ne": ""}}',
        '{"screening": "oslo-1", "guest": ""}',
        '{"screening": 1, "guest": "eve"}',
        '{"screening": "oslo-1"}',
        '{"screening": "oslo-1", "guest": "eve", "free": 99}',
        f'{{"screening": "oslo-1", "guest": "{81 * "e"}"}}',
    ],
    ids=lambda sent: sent[:60],
)
def test_a_body_that_is_no_booking_never_reaches_the_server(sent: str) -> None:
    with pytest.raises(ValidationError):
        Booking.model_validate_json(sent)


def test_a_booking_is_two_strings() -> None:
    sent = f'{{"screening": "oslo-1", "guest": "{80 * "e"}"}}'
    assert Booking.model_validate_json(sent).guest == 80 * "e"
    assert Booking(screening="oslo-1", guest="e").guest == "e"


def test_a_film_may_be_as_short_as_a_minute() -> None:
    assert Film(title="Trailer", minutes=1).minutes == 1


WRONG: dict[str, dict[str, object]] = {
    "a number as text": {"free": "12"},
    "fewer than no seats": {"free": -1},
    "a film by its id": {"film": "heat"},
    "a film of no length": {"film": {"title": "Heat", "minutes": 0}},
    "a film with more": {"film": {"title": "Heat", "minutes": 170, "stars": 4}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
async def test_a_document_of_another_shape_is_refused_by_its_id(
    screenings: Screenings, wrong: dict[str, object]
) -> None:
    await screenings.insert_one(document() | wrong)
    with pytest.raises(UnreadableError, match=r"^screening 'oslo-1'$") as refused:
        await programme_of_all(screenings)
    assert isinstance(refused.value.__cause__, ValidationError)


@pytest.mark.parametrize(
    "wrong", [{"guests": [7]}, {"film": "heat"}, {"starts": "noon"}, {"stars": 4}]
)
async def test_a_seat_is_taken_whatever_else_the_document_holds(
    screenings: Screenings, wrong: dict[str, object]
) -> None:
    await screenings.insert_one(document(free=1) | wrong)
    await book(screenings, Booking(screening="oslo-1", guest="bob"))
    found = await screenings.find_one({})
    assert found is not None
    assert (found["free"], cast("list[object]", found["guests"])[-1]) == (0, "bob")


@pytest.mark.parametrize("free", [None, 0.5, -1])
async def test_no_seat_is_taken_where_the_number_of_seats_is_none(
    screenings: Screenings, free: object
) -> None:
    await screenings.insert_one(document(free=free))
    with pytest.raises(SoldOutError):
        await book(screenings, Booking(screening="oslo-1", guest="bob"))
    assert await screenings.find_one({}) == document(free=free)


async def test_the_name_of_an_operator_is_no_operator_but_a_name(
    screenings: Screenings,
) -> None:
    await announce(screenings, screening())
    for cinema in ("", "$gt", "\0", "o" * 100_000):
        assert await programme(screenings, cinema, OPENS, CLOSES) == []
    with pytest.raises(UnicodeEncodeError):
        await programme(screenings, "\ud800", OPENS, CLOSES)


async def test_a_naive_time_is_taken_for_utc(screenings: Screenings) -> None:
    await announce(screenings, screening())
    naive = [each.replace(tzinfo=None) for each in (OPENS, CLOSES)]
    found = await programme(screenings, "oslo", *naive)
    assert [each.id for each in found] == ["oslo-1"]


LATEST = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))
EARLIEST = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))


@pytest.mark.parametrize("at", [LATEST, EARLIEST], ids=["latest", "earliest"])
async def test_a_time_that_utc_does_not_have_is_refused(
    screenings: Screenings, at: datetime
) -> None:
    with pytest.raises(OverflowError):
        await announce(screenings, screening(starts=at))
    with pytest.raises(OverflowError):
        await programme(screenings, "oslo", at, at)
    assert await screenings.find().to_list() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"free": 100_001},
        {"free": 10**400},
        {"free": -1},
        {"film": {"title": "Heat", "minutes": 1001}},
        {"film": {"title": "Heat", "minutes": 0}},
        {"starts": OPENS.replace(tzinfo=None)},
        {"id": None},
    ],
    ids=ascii,
)
def test_what_the_server_could_not_keep_is_no_screening(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        screening(**wrong)


def test_a_screening_may_be_as_long_and_as_large_as_the_server_can_tell() -> None:
    largest = screening(free=100_000, film={"title": "", "minutes": 1000})
    assert (largest.free, largest.film.minutes) == (100_000, 1000)


async def test_a_document_too_large_is_refused_before_it_is_sent(
    screenings: Screenings,
) -> None:
    crowd = ["g" * 1_000_000] * 17
    with pytest.raises(DocumentTooLarge):
        await announce(screenings, screening(guests=crowd))


async def test_a_lone_surrogate_is_refused_and_changes_nothing(
    screenings: Screenings,
) -> None:
    await announce(screenings, screening())
    with pytest.raises(UnicodeEncodeError):
        await book(screenings, Booking(screening="\ud800", guest="ada"))
    with pytest.raises(ValidationError):
        Booking(screening="oslo-1", guest="\ud800")
    with pytest.raises(UnicodeEncodeError):
        await announce(screenings, screening(2, cinema="\ud800"))
    with pytest.raises(ValidationError):
        Booking.model_validate_json(r'{"screening": "oslo-1", "guest": "\ud800"}')
    assert await screenings.find().to_list() == [document()]


async def test_a_client_without_time_zones_is_noticed_with_the_first_document(
    mongodb: str, screenings: Screenings
) -> None:
    await announce(screenings, screening())
    async with AsyncMongoClient[Document](mongodb) as naive:
        found = naive.get_default_database()["screenings"]
        with pytest.raises(UnreadableError) as refused:
            await programme_of_all(found)
    assert "timezone_aware" in str(refused.value.__cause__)


async def test_a_time_is_kept_to_the_millisecond(screenings: Screenings) -> None:
    exact = OPENS.replace(microsecond=123_456)
    await announce(screenings, screening(starts=exact))
    (found,) = await programme_of_all(screenings)
    assert found.starts == OPENS.replace(microsecond=123_000)


async def test_a_new_title_is_one_command_for_all_copies(
    screenings: Screenings, commands: Commands
) -> None:
    for number in (1, 2):
        await announce(screenings, screening(number))
    await announce(screenings, screening(3, film=Film(title="Up", minutes=96)))
    commands.sent.clear()
    right = {"title": "Heat (1995)", "minutes": 170}
    await screenings.update_many({"film.title": "Heat"}, {"$set": {"film": right}})
    assert [next(iter(sent)) for sent in commands.sent] == ["update"]
    found = await programme_of_all(screenings)
    assert [each.film.title for each in found] == ["Heat (1995)", "Heat (1995)", "Up"]


async def a_validator_refuses(screenings: Screenings) -> bool:
    schema = {"$jsonSchema": {"required": ["film"]}}
    checked = await screenings.database.create_collection("checked", validator=schema)
    try:
        await checked.insert_one({"_id": 1})
    except WriteError:
        return True
    return False


async def a_document_can_be_pushed(screenings: Screenings) -> bool:
    await screenings.insert_one({"_id": 1, "seats": []})
    await screenings.update_one({"_id": 1}, {"$push": {"seats": {"row": 1}}})
    return await screenings.find_one() == {"_id": 1, "seats": [{"row": 1}]}


async def an_array_can_be_asked_for_what_it_lacks(screenings: Screenings) -> bool:
    await screenings.insert_one({"_id": 1, "guests": ["ada"]})
    return await screenings.find_one({"guests": {"$ne": "ada"}}) is None


async def an_array_filter_chooses_elements(screenings: Screenings) -> bool:
    await screenings.insert_one({"_id": 1, "prices": [9, 12]})
    cheaper, dear = {"$inc": {"prices.$[dear]": -2}}, [{"dear": {"$gt": 10}}]
    await screenings.update_one({"_id": 1}, cheaper, array_filters=dear)
    return await screenings.find_one() == {"_id": 1, "prices": [9, 10]}


async def test_the_server_of_this_proof_is_named_with_what_it_can_not_do(
    screenings: Screenings, mongodb_server: str, evidence: Evidence
) -> None:
    probes = {
        "$jsonSchema validator": a_validator_refuses,
        "$push of a document": a_document_can_be_pushed,
        "$ne on an array": an_array_can_be_asked_for_what_it_lacks,
        "array_filters": an_array_filter_chooses_elements,
    }
    right: list[bool] = []
    for probe in probes.values():
        right.append(await probe(screenings))
        await screenings.drop()
    words = ("not as in MongoDB", "as in MongoDB")
    tried = [f"{name}: {words[ok]}" for name, ok in zip(probes, right, strict=True)]
    evidence.add("The server", "\n".join([mongodb_server, *tried]))
    assert set(right) == {not mongodb_server.startswith("nx-")}


async def indexes(screenings: Screenings) -> list[dict[str, Any]]:
    return [dict(each) async for each in await screenings.list_indexes()]


async def programme_of_all(screenings: Screenings) -> list[Showing]:
    return await programme(screenings, "oslo", OPENS, CLOSES)


async def commands_by_rows(screenings: Screenings, commands: Commands) -> int:
    """Count what the counterexample sends for as many screenings."""
    films, rows = screenings.database["films"], screenings.database["rows"]
    await films.insert_one({"_id": "heat", "title": "Heat", "minutes": 170})
    await rows.insert_many(
        [document(_id=f"oslo-{each}", film="heat") for each in range(SCREENINGS)]
    )
    commands.sent.clear()
    shown = await programme_by_rows(rows, films, "oslo")
    assert [each["film"]["title"] for each in shown] == ["Heat"] * SCREENINGS
    return len(commands.sent)


async def test_rows_take_a_command_more_for_every_screening(
    screenings: Screenings, commands: Commands, observe: Observe
) -> None:
    sent = await commands_by_rows(screenings, commands)
    observe(f"{sent} commands for {SCREENINGS} screenings")
    assert sent == 1 + SCREENINGS


class Meeting:
    """A collection whose readers have all read before the first goes on."""

    def __init__(self, collection: Screenings, readers: int) -> None:
        self._collection = collection
        self._readers = asyncio.Barrier(readers)
        self.replace_one = collection.replace_one

    async def find_one(self, wanted: Document) -> Document | None:
        found = await self._collection.find_one(wanted)
        await self._readers.wait()
        return found


async def test_of_two_guests_who_book_at_once_one_is_overwritten(
    screenings: Screenings, observe: Observe
) -> None:
    await announce(screenings, screening(free=2))
    meeting = cast("Screenings", Meeting(screenings, readers=2))
    calls = [book_by_writing_back(meeting, "oslo-1", each) for each in ("ada", "bob")]
    told = await asyncio.gather(*calls)
    (found,) = await screenings.find().to_list()
    last = Screening.model_validate(found)
    observe(f"{told.count(True)} told yes, {len(last.guests)} guest, {last.free} free")
    assert told == [True, True]
    assert (len(last.guests), last.free) == (1, 1)


async def test_writing_back_works_as_long_as_nobody_else_does(
    screenings: Screenings,
) -> None:
    await announce(screenings, screening(free=2))
    guests = ["ada", "bob", "eve"]
    told = [await book_by_writing_back(screenings, "oslo-1", each) for each in guests]
    assert told == [True, True, False]
    assert not await book_by_writing_back(screenings, "oslo-7", "ada")
    assert await screenings.find_one() == document(free=0, guests=["ada", "bob"])


async def test_an_operator_in_the_body_books_a_screening_that_nobody_named(
    screenings: Screenings, observe: Observe
) -> None:
    await announce(screenings, screening(free=1))
    body = json.loads('{"screening": {"$gt": ""}, "guest": "eve"}')
    assert await book_what_was_sent(screenings, body)
    found = await screenings.find_one({"guests": "eve"})
    assert found is not None
    observe(f"eve has a seat in {found['_id']}")
    assert found["_id"] == "oslo-1"


async def test_a_document_of_an_older_shape_reads_as_sold_out(
    screenings: Screenings, observe: Observe
) -> None:
    await screenings.insert_one({"_id": "oslo-1", "seats_free": 30})
    free = await free_seats(screenings, "oslo-1")
    observe(f"{free} free, of 30")
    assert free == 0


async def turns_meanwhile(call: Coroutine[Any, Any, object]) -> int:
    """Count how often another task runs while one waits for the server."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(other())
    await asyncio.sleep(0)
    await call
    beside.cancel()
    await asyncio.wait([beside])
    return turns


async def test_other_tasks_go_on_while_a_programme_is_read(
    screenings: Screenings,
) -> None:
    assert await turns_meanwhile(programme_of_all(screenings)) > 0


async def test_a_client_that_is_not_asynchronous_stops_every_other_task(
    mongodb: str, screenings: Screenings, observe: Observe
) -> None:
    await announce(screenings, screening())
    with MongoClient[Document](mongodb) as client:
        found = client.get_default_database()["screenings"]
        turns = await turns_meanwhile(programme_in_the_way(found))
    observe(f"{turns} turns for all others")
    assert turns == 0
