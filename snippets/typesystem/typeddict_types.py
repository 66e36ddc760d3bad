"""What the checkers know of each key."""

from collections.abc import Mapping
from typing import Unpack, assert_type, reveal_type

from snippets.typesystem.typeddict import Event, EventPatch, change


def every_key_has_its_own_type(event: Event) -> None:
    """Read a key that must be there, and one that need not be."""
    assert_type(event["title"], str)
    assert_type(event["room"], str | None)
    # reveals: str
    reveal_type(event.get("title"))
    # reveals: str | None
    reveal_type(event.get("note"))


def a_key_that_is_there_can_be_read(patch: EventPatch) -> str | None:
    """Ask for the key; its value may still be None."""
    if "room" in patch:
        # reveals: str | None
        reveal_type(patch["room"])
        return patch["room"]
    return "as before"


def a_misspelt_key_has_no_type(event: Event) -> None:
    """Ask for a key that the type does not have."""
    # mypy reveals: object
    # pyright reveals: Any | None
    reveal_type(event.get("rooom"))


def whoever_iterates_gets_objects(event: Event) -> None:
    """Take any key and its value."""
    for key, value in event.items():
        # reveals: str
        reveal_type(key)
        # reveals: object
        reveal_type(value)


def it_is_a_mapping_and_no_dict(event: Event) -> Mapping[str, object]:
    """Hand it to somebody who only reads."""
    return event


def keyword_arguments_have_the_same_shape(
    event: Event, **patch: Unpack[EventPatch]
) -> Event:
    """Take the keys as arguments."""
    assert_type(patch.get("title"), str | None)
    return change(event, patch)
