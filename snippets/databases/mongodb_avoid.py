"""Sell the seats of screenings as if MongoDB were rows, and a document a dict."""

from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.collection import Collection

type Document = dict[str, Any]
type Screenings = AsyncCollection[Document]


async def book_by_writing_back(
    screenings: Screenings, screening: str, guest: str
) -> bool:
    # --8<-- [start:answer]
    document = await screenings.find_one({"_id": screening})
    if document is None or document["free"] < 1:
        return False
    document["free"] -= 1
    document["guests"].append(guest)
    # expect: test[of_two_guests_who_book_at_once_one_is_overwritten]
    await screenings.replace_one({"_id": screening}, document)
    # --8<-- [end:answer]
    return True


async def programme_by_rows(
    screenings: Screenings, films: Screenings, cinema: str
) -> list[Document]:
    shown = await screenings.find({"cinema": cinema}).sort("starts", 1).to_list()
    for screening in shown:
        # expect: test[rows_take_a_command_more_for_every_screening]
        screening["film"] = await films.find_one({"_id": screening["film"]})
    return shown


# expect: ruff[RUF029]
async def programme_in_the_way(screenings: Collection[Document]) -> list[Document]:
    found = screenings.find({"cinema": "oslo"}).sort("starts", ASCENDING)
    # expect: test[a_client_that_is_not_asynchronous_stops_every_other_task]
    return list(found)


async def book_what_was_sent(screenings: Screenings, body: dict[str, Any]) -> bool:
    wanted = {"_id": body["screening"], "free": {"$gte": 1}}
    taken = {"$inc": {"free": -1}, "$push": {"guests": body["guest"]}}
    # expect: test[an_operator_in_the_body_books_a_screening_that_nobody_named]
    result = await screenings.update_one(wanted, taken)
    return bool(result.modified_count)


async def free_seats(screenings: Screenings, screening: str) -> int:
    document = await screenings.find_one({"_id": screening}) or {}
    # expect: test[a_document_of_an_older_shape_reads_as_sold_out]
    seats: int = document.get("free", 0)
    return seats
