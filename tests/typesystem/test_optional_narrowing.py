from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any
from unittest.mock import ANY

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from snippets.typesystem.optional_narrowing import (
    ColdRoom,
    Reading,
    alarm,
    corrected,
    warmest,
)
from snippets.typesystem.optional_narrowing_avoid import ColdRoom as RoomByTruth
from snippets.typesystem.optional_narrowing_avoid import Reading as ReadingByTruth
from snippets.typesystem.optional_narrowing_avoid import (
    alarm_by_truth,
    alarm_looked_up_again,
    corrected_by_truth,
    degrees,
    reminder,
)
from snippets.typesystem.optional_narrowing_types import (
    by_attribute,
    by_capture,
    by_filter,
    by_identity,
    by_truth,
)

WARM = Reading(21.5, "defrosting")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


@dataclass
class Staff:
    """Take messages, and do something else meanwhile."""

    meanwhile: Callable[[], None] = lambda: None
    told: list[str] = field(default_factory=list[str])

    async def send(self, message: str) -> None:
        self.told.append(message)
        self.meanwhile()


def silence(room: ColdRoom | RoomByTruth) -> Callable[[], None]:
    return lambda: setattr(room, "latest", None)


@pytest.mark.parametrize("celsius", [None, 0.0, -0.5, 4.0])
@pytest.mark.parametrize("note", [None, "", "checked"])
def test_a_correction_replaces_what_is_given_and_keeps_the_rest(
    celsius: float | None, note: str | None
) -> None:
    right = corrected(WARM, celsius=celsius, note=note)
    assert right.celsius == (21.5 if celsius is None else celsius)
    assert right.note == ("defrosting" if note is None else note)


def test_what_is_left_out_of_a_correction_is_kept() -> None:
    assert corrected(WARM) == WARM


def test_a_correction_says_what_it_corrects() -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        corrected(WARM, 0.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - refused by design


def test_a_reading_stays_what_was_measured() -> None:
    assert Reading(4.0) == Reading(4.0, note="")
    with pytest.raises(FrozenInstanceError):
        WARM.celsius = 4.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - refused by design


@pytest.mark.parametrize("thing", [WARM, ColdRoom("cellar")])
def test_a_misspelt_attribute_is_not_stored(thing: object) -> None:
    assert not hasattr(thing, "__dict__")


def test_a_room_knows_neither_limit_nor_reading_at_first() -> None:
    assert ColdRoom("cellar") == ColdRoom("cellar", limit=None, latest=None)


def test_the_warmest_reading_is_found_among_the_rooms_that_report() -> None:
    rooms = [
        ColdRoom("cellar", latest=Reading(-3)),
        ColdRoom("lab"),
        ColdRoom("shop", latest=Reading(0)),
        ColdRoom("dock", latest=Reading(-1)),
    ]
    assert warmest(room for room in rooms) == Reading(0)


def test_without_a_reading_there_is_no_warmest() -> None:
    assert warmest([ColdRoom("lab")]) is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limit", "celsius", "over"),
    [(None, 8.5, 0.5), (0.0, 5.0, 5.0), (-18.0, -17.5, 0.5), (20.0, 20.25, 0.25)],
)
async def test_a_room_above_its_limit_or_else_the_houses_is_told(
    limit: float | None, celsius: float, over: float
) -> None:
    staff = Staff()
    assert await alarm(ColdRoom("lab", limit, Reading(celsius)), staff.send) == over
    house = 8.0 if limit is None else limit
    assert staff.told == [f"lab: {celsius} °C, limit {house} °C"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "room",
    [
        ColdRoom("lab"),
        ColdRoom("lab", latest=Reading(8.0)),
        ColdRoom("lab", limit=0.0, latest=Reading(0.0)),
        ColdRoom("lab", limit=0.0, latest=Reading(-1.0)),
    ],
)
async def test_a_silent_sensor_and_a_room_at_its_limit_raise_no_alarm(
    room: ColdRoom,
) -> None:
    staff = Staff()
    assert await alarm(room, staff.send) is None
    assert staff.told == []


@pytest.mark.anyio
async def test_a_local_name_keeps_what_was_tested_over_an_await() -> None:
    room = ColdRoom("lab", latest=Reading(9.0))
    staff = Staff(silence(room))
    assert await alarm(room, staff.send) == 1.0
    assert room.latest is None


@pytest.mark.anyio
async def test_a_reading_that_counts_as_false_is_a_reading() -> None:
    class Doubtful(Reading):
        def __bool__(self) -> bool:
            return False

    room = ColdRoom("lab", latest=Doubtful(9.0))
    assert await alarm(room, Staff().send) == 1.0
    assert warmest([room]) is room.latest


def test_identity_leaves_in_the_other_branch_what_the_checkers_say() -> None:
    assert [by_identity(limit) for limit in (None, 0.0)] == [8.0, 0.0]


def test_truth_puts_zero_and_the_empty_note_beside_none() -> None:
    assert by_truth(0.0, "") == by_truth(None, None) == ""
    assert by_truth(4.0, "ok") == "ok"


def test_a_test_in_the_comprehension_narrows_what_it_collects() -> None:
    rooms = (ColdRoom("lab"), ColdRoom("shop", latest=WARM))
    assert by_filter(rooms) == [WARM]


def test_a_checker_believes_in_a_reading_that_a_call_has_removed() -> None:
    room = ColdRoom("lab", latest=WARM)
    assert by_attribute(room, ColdRoom("shop")) == "heard"
    assert room.latest is None
    assert by_attribute(room, ColdRoom("shop")) == "silent"


def test_a_local_name_is_still_a_reading_when_the_room_has_none() -> None:
    room = ColdRoom("lab", latest=WARM)
    later = by_capture(room)
    silence(room)()
    assert later() == 21.5
    assert by_capture(room)() == 0.0


def test_equality_with_none_is_for_the_other_side_to_decide() -> None:
    reading: Reading | None = ANY  # agrees with everything
    assert (reading == None) is True  # noqa: E711 - what ruff is there to find
    assert (reading is None) is False


def test_a_silent_sensor_is_an_attribute_error(observe: Observe) -> None:
    assert degrees(RoomByTruth("lab", latest=ReadingByTruth(4.0))) == 4.0
    with pytest.raises(AttributeError) as silent:
        degrees(RoomByTruth("lab"))
    observe(silent.value)
    assert str(silent.value) == "'NoneType' object has no attribute 'celsius'"


def test_a_correction_to_zero_degrees_is_dropped(observe: Observe) -> None:
    wrong = ReadingByTruth(21.5)
    still = corrected_by_truth(wrong, celsius=0.0)
    observe(still)
    assert still == wrong
    assert corrected_by_truth(wrong, celsius=0.5) == ReadingByTruth(0.5)


def test_a_note_can_not_be_emptied(observe: Observe) -> None:
    wrong = ReadingByTruth(21.5, "defrosting")
    still = corrected_by_truth(wrong, note="")
    observe(still)
    assert still == wrong
    assert corrected_by_truth(wrong, note="ok") == ReadingByTruth(21.5, "ok")


@pytest.mark.anyio
async def test_a_limit_of_zero_becomes_the_limit_of_the_house(
    observe: Observe,
) -> None:
    staff = Staff()
    await alarm_by_truth(RoomByTruth("lab"), staff.send)
    await alarm_by_truth(RoomByTruth("lab", 0.0, ReadingByTruth(5.0)), staff.send)
    observe(f"5 °C in a room that may have 0 °C; told: {staff.told}")
    assert staff.told == []
    await alarm_by_truth(RoomByTruth("lab", 0.5, ReadingByTruth(5.0)), staff.send)
    assert staff.told == ["lab: 5.0 °C, limit 0.5 °C"]


@pytest.mark.anyio
async def test_a_sensor_that_falls_silent_during_an_await_fails_the_alarm(
    observe: Observe,
) -> None:
    room = RoomByTruth("lab", latest=ReadingByTruth(9.0))
    assert await alarm_looked_up_again(RoomByTruth("lab"), Staff().send) is None
    assert await alarm_looked_up_again(room, Staff().send) == 1.0
    with pytest.raises(AttributeError) as silent:
        await alarm_looked_up_again(room, Staff(silence(room)).send)
    observe(silent.value)
    assert str(silent.value) == "'NoneType' object has no attribute 'celsius'"


def test_a_sensor_that_falls_silent_before_the_reminder_fails_it(
    observe: Observe,
) -> None:
    room = RoomByTruth("lab", latest=ReadingByTruth(9.0))
    remind = reminder(room)
    assert remind is not None
    assert remind() == "lab was 9.0 °C"
    silence(room)()
    with pytest.raises(AttributeError) as silent:
        remind()
    observe(silent.value)
    assert reminder(room) is None
