"""Sell the seats of screenings that MongoDB keeps, a document for each."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

type Document = dict[str, object]
type Screenings = AsyncCollection[Document]


class AnnouncedBeforeError(Exception):
    """There is a screening of that id."""


class SoldOutError(Exception):
    """No seat is free, or there is no such screening."""


class UnreadableError(Exception):
    """A document is not what this code would have written."""


class Model(BaseModel):
    """What crosses the boundary: exactly the fields, of exactly the types."""

    model_config = ConfigDict(strict=True, extra="forbid", validate_by_name=True)


class Booking(Model):
    """What a guest sends."""

    screening: str
    guest: str = Field(min_length=1, max_length=80)


async def book(screenings: Screenings, booking: Booking) -> None:
    """Take a seat for a guest, if there is one.

    Nothing is read back, so that nothing can fail after the seat is taken.

    Args:
        screenings: The collection.
        booking: Who wants to see what.

    Raises:
        SoldOutError: If no seat is free, or there is no such screening.
        PyMongoError: If the server can't be asked or refuses the change. If it was the
            answer that was lost, the seat may be taken.
        UnicodeEncodeError: If a text has a lone surrogate; no seat is taken.
    """
    # --8<-- [start:answer]
    taken = await screenings.update_one(
        {"_id": booking.screening, "free": {"$gte": 1}},
        {"$inc": {"free": -1}, "$push": {"guests": booking.guest}},
    )
    if not taken.modified_count:
        raise SoldOutError(booking.screening)
    # --8<-- [end:answer]


class Film(Model):
    """What a programme says of a film; a copy, so that one read shows all."""

    title: str
    minutes: int = Field(gt=0, le=1_000)


class Showing(Model):
    """The part of a screening that a programme lists."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    film: Film
    starts: AwareDatetime
    free: int = Field(ge=0, le=100_000)


class Screening(Showing):
    """A whole document: a booking changes two of its fields at once."""

    cinema: str
    guests: list[str]


async def prepare(screenings: Screenings) -> None:
    """Create the index that ``programme`` filters and sorts by.

    Args:
        screenings: The collection, of a client with ``tz_aware=True``.

    Raises:
        PyMongoError: If the server can't be asked.
    """
    await screenings.create_index([("cinema", ASCENDING), ("starts", ASCENDING)])


async def announce(screenings: Screenings, screening: Screening) -> None:
    """Add a screening.

    Args:
        screenings: The collection.
        screening: The new one.

    Raises:
        AnnouncedBeforeError: If its id is taken; what is there stays.
        DocumentTooLarge: If it has too many guests for a document.
        PyMongoError: If the server can't be asked.
        OverflowError: If its start is in no year from 1 to 9999 of UTC.
        UnicodeEncodeError: If a text has a lone surrogate.
    """
    try:
        await screenings.insert_one(screening.model_dump(by_alias=True))
    except DuplicateKeyError as error:
        raise AnnouncedBeforeError(screening.id) from error


async def programme(
    screenings: Screenings, cinema: str, opens: datetime, closes: datetime
) -> list[Showing]:
    """List what a cinema shows, by time, in one read.

    Args:
        screenings: The collection.
        cinema: Whose programme.
        opens: From when on; the driver takes a naive time for UTC.
        closes: Before when.

    Returns:
        The showings; the server does not send their guests.

    Raises:
        UnreadableError: If a document is not a showing; it is named.
        PyMongoError: If the server can't be asked.
        OverflowError: If a time is in no year from 1 to 9999 of UTC.
        UnicodeEncodeError: If the cinema has a lone surrogate.
    """
    found = screenings.find(
        {"cinema": cinema, "starts": {"$gte": opens, "$lt": closes}},
        projection=["film", "starts", "free"],
    ).sort("starts", ASCENDING)
    return [_showing(document) async for document in found]


def _showing(document: Document) -> Showing:
    """Make a showing of a document, or say which document is wrong."""
    try:
        return Showing.model_validate(document)
    except ValidationError as error:
        raise UnreadableError(f"screening {document['_id']!r}") from error
