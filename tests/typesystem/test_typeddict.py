import json
from typing import Any, Required

import pytest
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from proof.testing.basics import Observe
from snippets.typesystem import typeddict_avoid, typeddict_types
from snippets.typesystem.typeddict import Event, EventPatch, change, read_patch


@pytest.fixture
def jazz() -> Event:
    return {"id": "E7", "version": 1, "title": "Jazz", "room": "B"}


def faults(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        read_patch(body)
    return [
        (".".join(map(str, fault["loc"])), fault["type"])
        for fault in refused.value.errors()
    ]


def test_a_patch_is_a_plain_dict_with_the_keys_that_were_sent() -> None:
    patch = read_patch(b'{"version": 3, "room": null}')
    assert patch == {"version": 3, "room": None}
    assert type(patch) is dict


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{}", [("version", "missing")]),
        (b'{"version": 1, "titel": "x"}', [("titel", "extra_forbidden")]),
        (b'{"version": 1, "id": "E8"}', [("id", "extra_forbidden")]),
        (b'{"version": "1"}', [("version", "int_type")]),
        (b'{"version": 1, "title": null}', [("title", "string_type")]),
        (
            b'{"title": 7, "room": 8}',
            [
                ("version", "missing"),
                ("title", "string_type"),
                ("room", "string_type"),
            ],
        ),
        (b"[]", [("", "dict_type")]),
        (b"{", [("", "json_invalid")]),
        (b"", [("", "json_invalid")]),
        (b"\xff", [("", "json_invalid")]),
        (b"[" * 10_000, [("", "json_invalid")]),
        (b'{"version": 1%s}' % (b"0" * 5_000), [("", "json_invalid")]),
        (rb'{"version": 1, "title": "\ud800"}', [("", "json_invalid")]),
        (b'{"version": NaN}', [("version", "int_type")]),
        (b'{"version": true}', [("version", "int_type")]),
    ],
)
def test_a_body_of_another_shape_is_refused_with_every_key_that_is_wrong(
    body: bytes, found: list[tuple[str, str]]
) -> None:
    assert faults(body) == found


def test_only_the_keys_that_were_sent_are_changed(jazz: Event) -> None:
    retitled: Event = {"id": "E7", "version": 2, "title": "Blues", "room": "B"}
    moved: Event = {"id": "E7", "version": 2, "title": "Jazz", "room": "C"}
    assert change(jazz, {"version": 1, "title": "Blues"}) == retitled
    assert change(jazz, {"version": 1, "room": "C"}) == moved


def test_a_room_of_none_is_no_room_and_an_absent_one_is_the_old_room(
    jazz: Event,
) -> None:
    assert change(jazz, {"version": 1, "room": None})["room"] is None
    assert change(jazz, {"version": 1})["room"] == "B"


def test_a_note_is_kept_and_the_stored_event_is_left_as_it_is(jazz: Event) -> None:
    jazz["note"] = "bring chairs"
    before = jazz.copy()
    changed = change(jazz, {"version": 1, "title": "Blues", "room": None})
    assert changed.get("note") == "bring chairs"
    assert jazz == before


def test_a_patch_for_another_version_is_refused(jazz: Event) -> None:
    with pytest.raises(ValueError, match=r"^made for version 2, not 1$"):
        change(jazz, {"version": 2})


def test_both_checkers_refuse_a_patch_type_with_a_key_more(jazz: Event) -> None:
    class Forged(TypedDict):
        version: Required[int]
        id: str

    forged: Forged = {"version": 1, "id": "E8"}
    # ignored because it is the claim: each checker reports the argument
    changed = change(jazz, forged)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert changed["id"] == "E7"


def test_both_checkers_let_a_closed_patch_have_no_heir_with_a_key_more() -> None:
    # ignored because it is the claim: each checker reports the key
    class Forged(EventPatch):  # pyright: ignore[reportIncompatibleVariableOverride]
        id: str  # type: ignore[misc]

    assert Forged.__required_keys__ == {"version", "id"}


def test_an_open_patch_may_have_an_heir_with_a_key_more() -> None:
    class Forged(typeddict_avoid.EventPatch):
        id: str

    def version(patch: typeddict_avoid.EventPatch) -> int:
        return patch["version"]

    forged: Forged = {"version": 1, "id": "E8"}
    assert version(forged) == 1


def test_the_class_is_there_for_the_checkers_and_its_object_is_a_dict(
    jazz: Event,
) -> None:
    assert type(jazz).__name__ == "dict"
    assert Event.__required_keys__ == {"id", "version", "title", "room"}
    assert Event.__optional_keys__ == {"note"}
    assert Event.__readonly_keys__ == {"id"}
    assert EventPatch.__required_keys__ == {"version"}
    assert json.loads(json.dumps(jazz)) == jazz


def test_isinstance_can_not_ask_for_a_shape(jazz: Event) -> None:
    with pytest.raises(TypeError, match="does not support instance and class checks"):
        # ignored because it is the claim: each checker reports the question
        assert isinstance(jazz, Event)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]


def test_pydantic_says_that_it_does_not_keep_a_read_only_key() -> None:
    with pytest.warns(UserWarning, match="will not protect items from any mutation"):
        TypeAdapter(Event)


def test_the_types_shown_are_those_that_run(jazz: Event) -> None:
    typeddict_types.every_key_has_its_own_type(jazz)
    typeddict_types.a_misspelt_key_has_no_type(jazz)
    typeddict_types.whoever_iterates_gets_objects(jazz)
    assert typeddict_types.it_is_a_mapping_and_no_dict(jazz) is jazz
    asked = typeddict_types.a_key_that_is_there_can_be_read
    assert asked({"version": 1, "room": None}) is None
    assert asked({"version": 1}) == "as before"
    changed = typeddict_types.keyword_arguments_have_the_same_shape(
        jazz, version=1, title="Blues"
    )
    assert changed["title"] == "Blues"


def test_in_a_dict_of_any_a_misspelt_key_is_a_new_key(
    jazz: Event, observe: Observe
) -> None:
    event: dict[str, Any] = {**jazz}
    renamed = typeddict_avoid.rename_in_any_dict(event, "Blues")
    observe({key: renamed[key] for key in ("title", "titel")})
    assert (renamed["title"], renamed["titel"]) == ("Jazz", "Blues")


def test_the_misspelt_key_that_both_refuse_would_have_been_added(
    jazz: Event, observe: Observe
) -> None:
    renamed = {**typeddict_avoid.rename(jazz, "Blues")}
    observe({key: renamed[key] for key in ("title", "titel")})
    assert (renamed["title"], renamed["titel"]) == ("Jazz", "Blues")


def test_reading_a_misspelt_key_fails(jazz: Event, observe: Observe) -> None:
    with pytest.raises(KeyError) as failed:
        typeddict_avoid.announce(jazz)
    observe(failed.value)
    assert failed.value.args == ("titel",)


def test_a_missing_key_is_missed_by_the_next_reader(observe: Observe) -> None:
    created = typeddict_avoid.create("E8", "Blues")
    with pytest.raises(KeyError) as failed:
        observe(created["room"])
    observe(failed.value)
    assert failed.value.args == ("room",)


def test_nothing_keeps_a_read_only_key_at_run_time(
    jazz: Event, observe: Observe
) -> None:
    typeddict_avoid.renumber(jazz, "E8")
    observe(f"id: {jazz['id']}")
    assert jazz["id"] == "E8"


def test_a_key_that_need_not_be_there_is_not_there(
    jazz: Event, observe: Observe
) -> None:
    with pytest.raises(KeyError) as failed:
        typeddict_avoid.note(jazz)
    observe(failed.value)
    assert failed.value.args == ("note",)


def test_get_answers_none_to_a_misspelt_key(jazz: Event, observe: Observe) -> None:
    observe(typeddict_avoid.place(jazz))
    assert typeddict_avoid.place(jazz) == "Jazz, room to be announced"
    assert jazz["room"] == "B"


def test_json_loads_is_taken_for_whatever_is_asked(observe: Observe) -> None:
    patch = typeddict_avoid.read_patch(b'{"titel": 7}')
    observe(patch)
    assert patch == {"titel": 7}


def test_a_spread_patch_may_bring_keys_that_its_type_does_not_have(
    jazz: Event, observe: Observe
) -> None:
    patch = typeddict_avoid.read_patch(b'{"version": 1, "id": "E1"}')
    changed = typeddict_avoid.change(jazz, patch)
    observe(f"id: {changed['id']}")
    assert changed["id"] == "E1"
