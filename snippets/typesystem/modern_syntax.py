"""Webhook events: received, grouped, and made fit to be logged."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

# --8<-- [start:answer]
# `int` beside `float`: a checker needs only one, pydantic would turn 7 into 7.0
type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class Event:
    """What a partner tells us; ``reply_to`` is ``None`` if no answer is wanted."""

    kind: str
    payload: dict[str, Json]
    reply_to: str | None = None  # `None` is allowed; `= None` lets it be left out


# --8<-- [end:answer]


_EVENT = TypeAdapter(Event)


def received(body: str | bytes) -> Event:
    """Read the body of a request, an event as JSON.

    Raises:
        pydantic.ValidationError: If the body is none, with the path of each fault.

    Examples:
        >>> received('{"kind": "order.paid", "payload": {"order": 7}}')
        Event(kind='order.paid', payload={'order': 7}, reply_to=None)
    """
    return _EVENT.validate_json(body)


def by_kind(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Group events, the kinds and each kind's events as they first came.

    Args:
        events: Any number of events.

    Returns:
        The events of each kind that occurs.
    """
    grouped = defaultdict[str, list[Event]](list)
    for event in events:
        grouped[event.kind].append(event)
    return dict(grouped)


def redacted(document: Json, secret: frozenset[str], mask: str | None = None) -> Json:
    """Copy a document without what its secret fields hold, at any depth.

    Args:
        document: Any JSON.
        secret: The names of those fields, in lower case.
        mask: What to write in place of a secret; ``None`` leaves the field out.

    Raises:
        RecursionError: If the document is nested deeper than Python's stack allows.

    Examples:
        >>> redacted({"order": 7, "card": {"CVC": "123"}}, frozenset({"cvc"}))
        {'order': 7, 'card': {}}
        >>> redacted([{"token": "s3cr3t"}], frozenset({"token"}), mask="***")
        [{'token': '***'}]
    """
    match document:
        case dict():
            return {
                field: mask if is_secret else redacted(value, secret, mask)
                for field, value in document.items()
                if not (is_secret := field.lower() in secret) or mask is not None
            }
        case list():
            return [redacted(each, secret, mask) for each in document]
        case _:
            return document
