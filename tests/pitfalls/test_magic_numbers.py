from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import override

import pytest

from proof.testing.basics import Observe
from snippets.pitfalls import magic_numbers_avoid as avoid
from snippets.pitfalls.magic_numbers import (
    Ticket,
    TicketExpiredError,
    UploadTooLargeError,
)

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=timezone(-timedelta(hours=23)))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICKET = Ticket(NOON)


def test_a_ticket_holds_to_the_last_microsecond_of_its_15_minutes() -> None:
    TICKET.check_age(NOON + timedelta(minutes=14, seconds=59, microseconds=999_999))


def test_a_ticket_has_expired_at_15_minutes_sharp() -> None:
    with pytest.raises(TicketExpiredError) as refused:
        TICKET.check_age(NOON + timedelta(minutes=15))
    assert isinstance(refused.value, Exception)
    assert str(refused.value) == "ticket is 0:15:00 old, the limit is 0:15:00"


def test_yesterdays_ticket_has_expired_whatever_the_time_of_day() -> None:
    with pytest.raises(TicketExpiredError, match="ticket is 1 day, 0:01:00 old"):
        TICKET.check_age(NOON + timedelta(days=1, minutes=1))


def test_a_file_of_25_mib_is_accepted() -> None:
    TICKET.check_size(size_bytes=26_214_400)


def test_a_file_of_one_byte_more_is_refused() -> None:
    with pytest.raises(UploadTooLargeError) as refused:
        TICKET.check_size(size_bytes=26_214_401)
    assert isinstance(refused.value, Exception)
    assert str(refused.value) == "file has more than 26214400 bytes"


def test_a_size_with_more_digits_than_str_converts_is_refused_like_any_other() -> None:
    with pytest.raises(UploadTooLargeError):
        TICKET.check_size(size_bytes=10**5000)


def test_a_file_may_be_empty_but_not_smaller() -> None:
    TICKET.check_size(size_bytes=0)
    with pytest.raises(ValueError, match=r"^size_bytes must not be negative$"):
        TICKET.check_size(size_bytes=-1)
    with pytest.raises(ValueError, match=r"^size must not be negative$"):
        avoid.Ticket(issued_at=0.0).check_size(-1)


def test_a_ticket_from_the_future_is_refused() -> None:
    TICKET.check_age(NOON)
    with pytest.raises(TicketExpiredError):
        TICKET.check_age(NOON - timedelta(microseconds=1))


class Nowhere(tzinfo):
    """A zone that does not know its offset, so that the time counts as naive."""

    @override
    def utcoffset(self, dt: datetime | None) -> None: ...

    @override
    def dst(self, dt: datetime | None) -> None: ...

    @override
    def tzname(self, dt: datetime | None) -> None: ...


def test_a_zone_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^issued_at must have a time zone$"):
        Ticket(NOON.replace(tzinfo=Nowhere()))


def test_a_time_without_a_zone_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"^issued_at must have a time zone$"):
        Ticket(naive)
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        TICKET.check_age(naive)
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        TICKET.remaining_ms(naive)


@pytest.mark.parametrize(
    ("issued_at", "now", "remaining_ms"),
    [(FIRST, LAST, 0), (LAST, FIRST, 900_000), (LAST, LAST, 900_000)],
)
def test_the_first_and_last_moments_are_compared_without_an_overflow(
    issued_at: datetime, now: datetime, remaining_ms: int
) -> None:
    assert Ticket(issued_at).remaining_ms(now) == remaining_ms
    with pytest.raises(TicketExpiredError):
        Ticket(LAST).check_age(FIRST)


@pytest.mark.parametrize(
    ("passed", "remaining_ms"),
    [
        (timedelta(0), 900_000),
        (timedelta(minutes=-5), 900_000),
        (timedelta(minutes=14, seconds=59), 1_000),
        (timedelta(minutes=14, seconds=59, microseconds=998_001), 1),
        (timedelta(minutes=15), 0),
        (timedelta(minutes=16), 0),
    ],
)
def test_the_page_is_told_whole_milliseconds_and_never_less_than_none(
    passed: timedelta, remaining_ms: int
) -> None:
    assert TICKET.remaining_ms(NOON + passed) == remaining_ms


def test_no_checker_and_no_run_lets_an_age_meet_a_bare_number() -> None:
    age = timedelta(minutes=20)
    with pytest.raises(TypeError, match="'>=' not supported"):
        # ignored because it is the claim: each checker reports the comparison
        assert age >= 900  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


def test_equality_with_a_bare_number_is_silently_false() -> None:
    age = timedelta(minutes=15)
    # a checker that reported this would fail here, as nothing is ignored
    same = age == 900
    assert (same, age == timedelta(seconds=900)) == (False, True)


def test_no_checker_and_no_run_takes_a_unix_time_for_now() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        # ignored because it is the claim: each checker reports the argument
        TICKET.check_age(1.8e9)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_no_checker_and_no_run_takes_a_size_without_its_unit() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        # ignored because it is the claim: each checker reports the call
        TICKET.check_size(25)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_no_checker_and_no_run_lets_a_ticket_be_redated() -> None:
    with pytest.raises(FrozenInstanceError):
        # ignored because it is the claim: each checker reports the assignment
        TICKET.issued_at = NOON  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_ticket_has_room_for_nothing_but_its_time() -> None:
    assert not hasattr(TICKET, "__dict__")


def test_the_seconds_attribute_forgets_the_days() -> None:
    age = timedelta(days=1, minutes=1)
    assert (age.seconds, age.total_seconds()) == (60, 86_460)


def test_milliseconds_taken_for_seconds_keep_a_ticket_open_for_ten_days(
    observe: Observe,
) -> None:
    ten_days = timedelta(days=10)
    avoid.Ticket(issued_at=0.0).check_age(now=ten_days.total_seconds())
    with pytest.raises(avoid.TicketExpiredError):
        avoid.Ticket(issued_at=0.0).check_age(now=900_000.0)
    observe(f"expires after {timedelta(seconds=900_000)}")


def test_kibibytes_taken_for_bytes_refuse_an_ordinary_photo(observe: Observe) -> None:
    ticket = avoid.Ticket(issued_at=0.0)
    ticket.check_size(25_600)
    with pytest.raises(avoid.UploadTooLargeError) as refused:
        ticket.check_size(3_000_000)
    observe(f"a photo of 3000000 bytes: {refused.value}")


def test_seconds_taken_for_milliseconds_end_a_ticket_at_once(
    observe: Observe,
) -> None:
    delay = avoid.Ticket(issued_at=0.0).remaining(now=0.0)
    observe(f"setTimeout(..., {delay}) fires after {delay / 1000} s")
    assert timedelta(milliseconds=delay) < timedelta(seconds=1)
