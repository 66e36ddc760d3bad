"""Ask an airport's API for departures, and trust what it answers."""

from dataclasses import dataclass
from typing import Any, TypedDict, cast, reveal_type

from httpx2 import AsyncClient
from pydantic import BaseModel


async def received(client: AsyncClient, airport: str) -> list[Any]:
    # --8<-- [start:answer]
    response = await client.get("/departures", params={"airport": airport})
    response.raise_for_status()
    # reveals: Any
    body = reveal_type(response.json())
    # expect: test[a_failure_sent_as_a_success_is_a_key_error]
    departures: list[Any] = body["departures"]
    return departures  # each key that a caller looks up in it is unchecked
    # --8<-- [end:answer]


async def to_call(client: AsyncClient, airport: str) -> list[str]:
    return [
        # expect: test[a_misspelt_key_passes_and_fails_at_the_first_departure]
        f"{each['fligth']}: gate {each['gate']}"
        for each in await received(client, airport)
        if each["status"] == "boarding" and each["gate"] is not None
    ]


async def late(client: AsyncClient, airport: str) -> list[str]:
    return [
        each["flight"]
        for each in await received(client, airport)
        # expect: test[a_misspelt_key_with_a_default_finds_nobody_late]
        if each.get("delay_minuts", 0) > 0
    ]


class Departure(TypedDict):
    flight: str
    delay_minutes: int


async def longest_delay(client: AsyncClient, airport: str) -> int:
    departures = cast("list[Departure]", await received(client, airport))
    # expect: test[what_was_cast_to_a_number_is_compared_as_text]
    return max(each["delay_minutes"] for each in departures)


@dataclass(frozen=True, slots=True)
class Flight:
    flight: str
    gate: str


async def gates(client: AsyncClient, airport: str) -> list[str]:
    # expect: test[one_more_key_breaks_what_reads_all_keys]
    flights = [Flight(**each) for each in await received(client, airport)]
    # expect: test[a_gate_that_is_open_yet_is_called_none]
    return [f"{each.flight}: gate {each.gate}" for each in flights]


class Called(BaseModel):
    flight: str
    gate: str


def line(departure: Called) -> str:
    # expect: mypy[attr-defined]
    # expect: pyright[reportAttributeAccessIssue] pyright[reportUnknownMemberType]
    # expect: test[the_same_typo_on_a_model_is_refused_before_it_runs]
    return f"{departure.fligth}: gate {departure.gate}"
