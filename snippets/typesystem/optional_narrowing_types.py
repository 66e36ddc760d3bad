"""What is left of an optional value after each way to test it."""

from collections.abc import Callable, Sequence
from typing import assert_type, reveal_type

from snippets.typesystem.optional_narrowing import ColdRoom, Reading


def by_identity(limit: float | None) -> float:
    """Take the two cases apart."""
    if limit is None:
        # reveals: None
        reveal_type(limit)
        return 8.0
    # reveals: float
    return reveal_type(limit)


def by_truth(limit: float | None, note: str | None) -> str:
    """Take truth for presence: what else is false is still in the other branch."""
    if not limit:
        # reveals: float | None
        reveal_type(limit)
    if not note:
        # reveals: Literal[''] | None
        reveal_type(note)
        return ""
    return note


def by_filter(rooms: Sequence[ColdRoom]) -> list[Reading]:
    """Test an attribute in one pass, and read it in the next."""
    heard = [room for room in rooms if room.latest is not None]
    # reveals: list[Reading | None]
    reveal_type([room.latest for room in heard])
    readings = [room.latest for room in rooms if room.latest is not None]
    # reveals: list[Reading]
    return reveal_type(readings)


def by_attribute(room: ColdRoom, other: ColdRoom) -> str:
    """Narrow an attribute: it holds until the name or the attribute is assigned."""
    if room.latest is None:
        return "silent"
    assert_type(room.latest, Reading)
    forget(room)
    # reveals: Reading
    reveal_type(room.latest)
    room = other
    # reveals: Reading | None
    reveal_type(room.latest)
    return "heard"


def by_capture(room: ColdRoom) -> Callable[[], float]:
    """Narrow a local name: it holds in a function that runs later."""
    latest = room.latest
    if latest is None:
        return float
    # reveals: Reading
    return lambda: reveal_type(latest).celsius


def forget(room: ColdRoom) -> None:
    """Change what the checkers hold for certain."""
    room.latest = None
