"""Watch cold rooms, and overlook what is 0, empty, or gone by now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

HOUSE_LIMIT = 8.0  # °C

type Send = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reading:
    celsius: float
    note: str = ""


@dataclass(slots=True)
class ColdRoom:
    name: str
    limit: float | None = None
    latest: Reading | None = None


def degrees(room: ColdRoom) -> float:
    # expect: mypy[union-attr] pyright[reportOptionalMemberAccess]
    # expect: test[a_silent_sensor_is_an_attribute_error]
    return room.latest.celsius


def corrected_by_truth(
    reading: Reading, *, celsius: float | None = None, note: str | None = None
) -> Reading:
    # --8<-- [start:answer]
    return Reading(
        # expect: test[a_correction_to_zero_degrees_is_dropped]
        celsius=celsius or reading.celsius,
        # expect: test[a_note_can_not_be_emptied]
        note=note or reading.note,
    )
    # --8<-- [end:answer]


async def alarm_by_truth(room: ColdRoom, send: Send) -> None:
    if room.latest is not None:
        # expect: test[a_limit_of_zero_becomes_the_limit_of_the_house]
        limit = room.limit or HOUSE_LIMIT
        if room.latest.celsius > limit:
            await send(f"{room.name}: {room.latest.celsius} °C, limit {limit} °C")


async def alarm_looked_up_again(room: ColdRoom, send: Send) -> float | None:
    if room.latest is None or room.latest.celsius <= HOUSE_LIMIT:
        return None
    await send(f"{room.name}: {room.latest.celsius} °C")
    # expect: test[a_sensor_that_falls_silent_during_an_await_fails_the_alarm]
    return room.latest.celsius - HOUSE_LIMIT


def reminder(room: ColdRoom) -> Callable[[], str] | None:
    if room.latest is None:
        return None
    # expect: mypy[union-attr] pyright[reportOptionalMemberAccess]
    # expect: test[a_sensor_that_falls_silent_before_the_reminder_fails_it]
    return lambda: f"{room.name} was {room.latest.celsius} °C"
