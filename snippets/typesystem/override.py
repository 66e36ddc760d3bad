"""Write an audit log, and keep out of it what nobody may read there."""

import re
from collections.abc import MutableSequence
from typing import Final, override

_CARD: Final = re.compile(r"\d(?:[ -]?\d){12,}")
# starts at the start of a word and never goes back: linear on a megabyte as well
_EMAIL: Final = re.compile(r"(?<!\S)[^\s@]*+@\S*")


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
        """Mask what may be a card number; a subclass masks more.

        Args:
            event: What happened.

        Returns:
            What may be read of it: without 13 digits in a row, also where single
            blanks or hyphens stand between them.
        """
        return _CARD.sub("[card]", event)


class CustomerLog(AuditLog):
    """A log that names no customer by an e-mail address.

    Examples:
        >>> lines: list[str] = []
        >>> CustomerLog(lines).record("ada@example.com paid by 4929123412341881")
        >>> lines
        ['customers: [e-mail] paid by [card]']
    """

    @property
    @override
    def name(self) -> str:
        """What its lines begin with."""
        return "customers"

    # --8<-- [start:answer]
    @override
    def redact(self, event: str) -> str:
        """Mask every word with an ``@`` as well."""
        return _EMAIL.sub("[e-mail]", super().redact(event))
        # --8<-- [end:answer]
