"""Sell the seats of screenings that MongoDB keeps, a document for each."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pymongo import ASCENDING, ReturnDocument
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


class Film(Model):
    """What a programme says of a film; a copy, so that one read shows all."""

    title: str
    minutes: int = Field(gt=0)


class Showing(Model):
    """The part of a screening that a programme lists."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    film: Film
    starts: AwareDatetime
    free: int = Field(ge=0)


class Screening(Showing):
    """A whole document: who books changes two of its fields at once."""

    cinema: str
    guests: list[str]


class Booking(Model):
    """What a guest sends."""

    screening: str
    guest: str = Field(min_length=1, max_length=80)


async def prepare(screenings: Screenings) -> None:
    """Create the index that ``programme`` filters and sorts by.

    Args:
        screenings: The collection, of a client with ``tz_aware=True``.
    """
    await screenings.create_index([("cinema", ASCENDING), ("starts", ASCENDING)])


async def announce(screenings: Screenings, screening: Screening) -> None:
    """Add a screening.

    Args:
        screenings: The collection.
        screening: The new one.

    Raises:
        AnnouncedBeforeError: If its id is taken; what is there stays.
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
        opens: From when on.
        closes: Before when.

    Returns:
        The showings; without their guests, who are not even sent.
    """
    found = screenings.find(
        {"cinema": cinema, "starts": {"$gte": opens, "$lt": closes}},
        projection=["film", "starts", "free"],
    ).sort("starts", ASCENDING)
    return [_read(Showing, document) async for document in found]


async def book(screenings: Screenings, booking: Booking) -> Screening:
    """Take a seat for a guest, if there is one.

    Args:
        screenings: The collection.
        booking: Who wants to see what.

    Returns:
        The screening with the guest.

    Raises:
        SoldOutError: If no seat is free.
    """
    document = await screenings.find_one_and_update(
        {"_id": booking.screening, "free": {"$gte": 1}},
        {"$inc": {"free": -1}, "$push": {"guests": booking.guest}},
        return_document=ReturnDocument.AFTER,
    )
    if document is None:
        raise SoldOutError(booking.screening)
    return _read(Screening, document)


def _read[M: Model](model: type[M], document: Document) -> M:
    """Make a model of a document, or say which one is wrong."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise UnreadableError(f"screening {document['_id']!r}") from error
