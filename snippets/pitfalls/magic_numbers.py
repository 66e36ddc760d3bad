"""Limit an upload ticket in time and in size."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LIFETIME: Final = timedelta(minutes=15)
MIB: Final = 1024 * 1024  # bytes
MAX_BYTES: Final = 25 * MIB

MILLISECOND: Final = timedelta(milliseconds=1)


class TicketExpiredError(Exception):
    """The ticket is older than it may become."""


class UploadTooLargeError(Exception):
    """The file is larger than the ticket allows."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to upload one file.

    Attributes:
        issued_at: When it was given out, in UTC.

    Examples:
        >>> from datetime import UTC, datetime, timedelta
        >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        >>> Ticket(noon).remaining_ms(noon + timedelta(minutes=14, seconds=30))
        30000
    """

    issued_at: datetime

    def check_age(self, now: datetime) -> None:
        """Refuse a ticket whose time is over.

        Args:
            now: The server's time, in UTC.

        Raises:
            TicketExpiredError: If it was issued a lifetime ago, or earlier.
        """
        age = now - self.issued_at
        if age >= LIFETIME:
            message = f"ticket is {age} old, the limit is {LIFETIME}"
            raise TicketExpiredError(message)

    def check_size(self, *, size_bytes: int) -> None:
        """Refuse a file that is too large.

        Args:
            size_bytes: The length that the upload announces.

        Raises:
            UploadTooLargeError: If it has a byte too many.
        """
        if size_bytes > MAX_BYTES:
            message = f"file has {size_bytes} bytes, the limit is {MAX_BYTES}"
            raise UploadTooLargeError(message)

    def remaining_ms(self, now: datetime) -> int:
        """Say how long the ticket still holds.

        Args:
            now: The server's time, in UTC.

        Returns:
            Whole milliseconds, which is what ``setTimeout`` in the page counts.
        """
        left = self.issued_at + LIFETIME - now
        return max(left // MILLISECOND, 0)
