"""Watch cold rooms, in which 0 °C is a limit and an empty note is a note."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

HOUSE_LIMIT = 8.0  # °C

type Send = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sensor measured.

    Attributes:
        celsius: The temperature.
        note: What the staff wrote about it; may be empty.
    """

    celsius: float
    note: str = ""


@dataclass(slots=True)
class ColdRoom:
    """A room and what is known of it.

    Attributes:
        name: What the staff call it.
        limit: How warm it may get, in °C; ``None`` for the house's limit.
        latest: The latest reading; ``None`` while the sensor is silent.
    """

    name: str
    limit: float | None = None
    latest: Reading | None = None


def corrected(
    reading: Reading, *, celsius: float | None = None, note: str | None = None
) -> Reading:
    """Replace what was recorded wrongly.

    Args:
        reading: The reading as it was recorded.
        celsius: The right temperature; ``None`` keeps the recorded one.
        note: The right note; ``None`` keeps the recorded one.

    Returns:
        A new reading.

    Examples:
        >>> corrected(Reading(21.5, "defrosting"), celsius=0.0)
        Reading(celsius=0.0, note='defrosting')
        >>> corrected(Reading(21.5, "defrosting"), note="")
        Reading(celsius=21.5, note='')
    """
    # --8<-- [start:answer]
    return Reading(
        celsius=reading.celsius if celsius is None else celsius,
        note=reading.note if note is None else note,
    )
    # --8<-- [end:answer]


def warmest(rooms: Iterable[ColdRoom]) -> Reading | None:
    """Find the highest of the latest readings.

    Returns:
        The reading; ``None`` if every sensor is silent.
    """
    readings = [room.latest for room in rooms if room.latest is not None]
    return max(readings, key=lambda reading: reading.celsius, default=None)


async def alarm(room: ColdRoom, send: Send) -> float | None:
    """Send an alarm if a room is too warm.

    Args:
        room: The room; its sensor may report, or fall silent, at any time.
        send: Sends a message to the staff.

    Returns:
        By how many degrees it is too warm; ``None`` if no alarm was sent.
    """
    latest = room.latest  # looked at once: `send` lets others change `room.latest`
    if latest is None:
        return None
    limit = HOUSE_LIMIT if room.limit is None else room.limit
    if latest.celsius <= limit:
        return None
    await send(f"{room.name}: {latest.celsius} °C, limit {limit} °C")
    return latest.celsius - limit
