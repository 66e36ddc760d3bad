"""Limit an upload ticket in time and in size."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LIFETIME: Final = timedelta(minutes=15)
MIB: Final = 1024 * 1024  # bytes
MAX_BYTES: Final = 25 * MIB

MILLISECOND: Final = timedelta(milliseconds=1)


class TicketExpiredError(Exception):
    """The ticket is older than it may become, or dated in the future."""


class UploadTooLargeError(Exception):
    """The file is larger than the ticket allows."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to upload one file.

    Attributes:
        issued_at: When it was given out, with a time zone.

    Examples:
        >>> from datetime import UTC, datetime, timedelta
        >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        >>> Ticket(noon).remaining_ms(noon + timedelta(minutes=14, seconds=30))
        30000
    """

    issued_at: datetime

    def __post_init__(self) -> None:
        """Refuse a time that is not the same moment everywhere.

        Raises:
            ValueError: If it has no time zone.
        """
        if self.issued_at.utcoffset() is None:
            raise ValueError("issued_at must have a time zone")

    def check_age(self, now: datetime) -> None:
        """Refuse a ticket whose time is over, or has not come.

        Args:
            now: The server's time, in UTC.

        Raises:
            TicketExpiredError: If it was issued a lifetime ago or earlier, or later
                than now.
            TypeError: If ``now`` has no time zone.
        """
        # --8<-- [start:answer]
        age = now - self.issued_at
        if not timedelta(0) <= age < LIFETIME:
            message = f"ticket is {age} old, the limit is {LIFETIME}"
            raise TicketExpiredError(message)
        # --8<-- [end:answer]

    def check_size(self, *, size_bytes: int) -> None:
        """Refuse a file that is too large.

        Args:
            size_bytes: The length that the upload announces.

        Raises:
            UploadTooLargeError: If it has a byte too many.
            ValueError: If the length is negative.
        """
        if size_bytes < 0:
            raise ValueError("size_bytes must not be negative")
        if size_bytes > MAX_BYTES:
            raise UploadTooLargeError(f"file has more than {MAX_BYTES} bytes")

    def remaining_ms(self, now: datetime) -> int:
        """Say how long the ticket still holds.

        Args:
            now: The server's time, in UTC.

        Returns:
            Whole milliseconds, which is what ``setTimeout`` in the page counts.

        Raises:
            TypeError: If ``now`` has no time zone.
        """
        left = LIFETIME - (now - self.issued_at)
        return max(min(left, LIFETIME) // MILLISECOND, 0)
