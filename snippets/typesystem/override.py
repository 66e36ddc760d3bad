"""Write an audit log, and keep out of it what nobody may read there."""

import re
from collections.abc import MutableSequence
from typing import Final, override

_CARD: Final = re.compile(r"\b[0-9]{12}(?=[0-9]{4}\b)")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")


class AuditLog:
    """A log whose every line goes through a hook first.

    Attributes:
        name: What its lines begin with.
    """

    def __init__(self, lines: MutableSequence[str]) -> None:
        """Begin to write.

        Args:
            lines: Where the lines go.
        """
        self._lines = lines

    @property
    def name(self) -> str:
        """What its lines begin with."""
        return "audit"

    def record(self, event: str) -> None:
        """Write down an event, redacted.

        Args:
            event: What happened.
        """
        self._lines.append(f"{self.name}: {self.redact(event)}")

    def redact(self, event: str) -> str:
        """Mask card numbers; a subclass masks more.

        Args:
            event: What happened.

        Returns:
            What may be read of it.
        """
        return _CARD.sub("************", event)


class CustomerLog(AuditLog):
    """A log that knows no customer.

    Examples:
        >>> lines: list[str] = []
        >>> CustomerLog(lines).record("ada@example.com paid by 4929123412341881")
        >>> lines
        ['customers: [e-mail] paid by ************1881']
    """

    @property
    @override
    def name(self) -> str:
        """What its lines begin with."""
        return "customers"

    @override
    def redact(self, event: str) -> str:
        """Mask e-mail addresses as well."""
        return _EMAIL.sub("[e-mail]", super().redact(event))
