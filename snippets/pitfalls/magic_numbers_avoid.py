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
        # expect: ruff[PLR2004]
        # expect: test[milliseconds_taken_for_seconds_keep_a_ticket_open_for_ten_days]
        if now - self.issued_at >= 900_000:
            message = "ticket has expired"
            raise TicketExpiredError(message)

    def check_size(self, size: int) -> None:
        # expect: ruff[PLR2004]
        # expect: test[kibibytes_taken_for_bytes_refuse_an_ordinary_photo]
        if size > 25_600:
            message = "file is too large"
            raise UploadTooLargeError(message)

    def remaining(self, now: float) -> int:
        # expect: test[seconds_taken_for_milliseconds_end_a_ticket_at_once]
        return max(int(self.issued_at + 900 - now), 0)
