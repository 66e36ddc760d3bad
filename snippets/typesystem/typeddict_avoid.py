"""Change an event by a JSON body that nobody looked at."""

import json
from typing import Any, NotRequired, ReadOnly, Required, TypedDict


class Event(TypedDict):
    id: ReadOnly[str]
    version: int
    title: str
    room: str | None
    note: NotRequired[str]


# --8<-- [start:answer]
class EventPatch(TypedDict, total=False):
    version: Required[int]
    title: str
    room: str | None


def read_patch(body: bytes) -> EventPatch:
    # expect: test[json_loads_is_taken_for_whatever_is_asked]
    patch: EventPatch = json.loads(body)
    return patch


# --8<-- [end:answer]


def rename_in_any_dict(event: dict[str, Any], title: str) -> dict[str, Any]:
    # expect: test[in_a_dict_of_any_a_misspelt_key_is_a_new_key]
    return {**event, "titel": title}


def rename(event: Event, title: str) -> Event:
    # expect: mypy[typeddict-unknown-key] pyright[reportReturnType]
    # expect: test[the_misspelt_key_that_both_refuse_would_have_been_added]
    return {**event, "titel": title}


def announce(event: Event) -> str:
    # expect: mypy[typeddict-item] pyright[reportGeneralTypeIssues]
    # expect: test[reading_a_misspelt_key_fails]
    return f"Tonight: {event['titel']}"


def create(event_id: str, title: str) -> Event:
    # expect: mypy[typeddict-item] pyright[reportReturnType]
    # expect: test[a_missing_key_is_missed_by_the_next_reader]
    return {"id": event_id, "version": 1, "title": title}


def renumber(event: Event, event_id: str) -> None:
    # expect: mypy[typeddict-readonly-mutated] pyright[reportTypedDictNotRequiredAccess]
    # expect: test[nothing_keeps_a_read_only_key_at_run_time]
    event["id"] = event_id


def note(event: Event) -> str:
    # expect: pyright[reportTypedDictNotRequiredAccess]
    # expect: test[a_key_that_need_not_be_there_is_not_there]
    return event["note"]


def place(event: Event) -> str:
    # expect: test[get_answers_none_to_a_misspelt_key]
    return f"{event['title']}, {event.get('rooom') or 'room to be announced'}"


def change(event: Event, patch: EventPatch) -> Event:
    # expect: test[a_spread_patch_may_bring_keys_that_its_type_does_not_have]
    return {**event, **patch, "version": event["version"] + 1}
