"""Write an audit log whose hook, once `redact`, is called `scrub` since release 2."""

import re
from collections.abc import MutableSequence
from typing import Final, override

_CARD: Final = re.compile(r"\d(?:[ -]?\d){12,}")
_EMAIL: Final = re.compile(r"(?<!\S)[^\s@]*+@\S*")


class AuditLog:
    def __init__(self, lines: MutableSequence[str]) -> None:
        self._lines = lines

    @property
    def name(self) -> str:
        return "audit"

    def record(self, event: str) -> None:
        # expect: test[an_override_of_the_old_name_is_called_by_nobody]
        # expect: test[the_mark_itself_stops_nothing]
        self._lines.append(f"{self.name}: {self.scrub(event)}")

    def scrub(self, event: str) -> str:
        return _CARD.sub("[card]", event)


# --8<-- [start:answer]
class UnmarkedLog(AuditLog):
    def redact(self, event: str) -> str:
        # expect: test[its_own_unit_test_stays_green]
        return _EMAIL.sub("[e-mail]", event)


# --8<-- [end:answer]


class MarkedLog(AuditLog):
    @override
    # expect: mypy[misc] pyright[reportGeneralTypeIssues]
    def redact(self, event: str) -> str:
        return _EMAIL.sub("[e-mail]", event)


class NamedLog(AuditLog):
    # expect: pyright[reportArgumentType] pyright[reportUntypedFunctionDecorator]
    @override
    @property
    def name(self) -> str:
        # expect: test[above_property_the_mark_leaves_no_trace]
        return "customers"
