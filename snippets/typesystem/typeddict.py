"""Change an event by a JSON body that names only what changes."""

from typing import NotRequired, ReadOnly, Required

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict


class Event(TypedDict):
    """An event as it is stored and sent.

    Attributes:
        id: Never changed, so it is read-only.
        version: How often it was changed.
        title: What it is called.
        room: Where it is; ``None`` while it has no room.
        note: There only if somebody wrote one.
    """

    id: ReadOnly[str]
    version: int
    title: str
    room: str | None
    note: NotRequired[str]


# --8<-- [start:answer]
@with_config(ConfigDict(extra="forbid", strict=True))
class EventPatch(TypedDict, total=False, closed=True):
    """The version that the sender saw, and the keys that change, with no other key."""

    version: Required[int]
    title: str
    room: str | None  # None gives the room up; without the key it stays


PATCHES = TypeAdapter(EventPatch)
# --8<-- [end:answer]


def read_patch(body: bytes) -> EventPatch:
    """Check a body from outside, once; what comes out is a plain dict.

    Args:
        body: JSON.

    Returns:
        The keys that were sent, and no other.

    Raises:
        ValidationError: If a key is missing or unknown, or a value is of another type.
    """
    return PATCHES.validate_json(body)


def change(event: Event, patch: EventPatch) -> Event:
    """Make the changed event.

    Args:
        event: The event as it is stored; it is left as it is.
        patch: What changes.

    Returns:
        The event to be stored.

    Raises:
        ValueError: If the event has been changed since the sender saw it.

    Examples:
        >>> stored: Event = {"id": "E7", "version": 1, "title": "Jazz", "room": "B"}
        >>> change(stored, read_patch(b'{"version": 1, "room": null}'))
        {'id': 'E7', 'version': 2, 'title': 'Jazz', 'room': None}
    """
    if patch["version"] != event["version"]:
        raise ValueError(f"made for version {patch['version']}, not {event['version']}")
    changed = event.copy()
    changed["version"] += 1
    if "title" in patch:
        changed["title"] = patch["title"]
    if "room" in patch:
        changed["room"] = patch["room"]
    return changed
