"""Limit an upload ticket in time and in size, by numbers of nobody knows what."""

from dataclasses import dataclass


class TicketExpiredError(Exception):
    pass


class UploadTooLargeError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Ticket:
    issued_at: float

    def check_age(self, now: float) -> None:
        # --8<-- [start:answer]
        age = now - self.issued_at
        # expect: ruff[PLR2004]
        # expect: test[milliseconds_taken_for_seconds_keep_a_ticket_open_for_ten_days]
        if not 0 <= age < 900_000:
            message = f"ticket is {age} old"
            raise TicketExpiredError(message)
        # --8<-- [end:answer]

    def check_size(self, size: int) -> None:
        if size < 0:
            raise ValueError("size must not be negative")
        # expect: ruff[PLR2004]
        # expect: test[kibibytes_taken_for_bytes_refuse_an_ordinary_photo]
        if size > 25_600:
            raise UploadTooLargeError("file is too large")

    def remaining(self, now: float) -> int:
        # expect: test[seconds_taken_for_milliseconds_end_a_ticket_at_once]
        return max(int(self.issued_at + 900 - now), 0)
