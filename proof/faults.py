"""What is wrong, said in one line each: the file, the line, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import override


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One thing that stops publication.

    Attributes:
        path: The file, relative to the project's root.
        line: The line in it, from 1; 0 where the fault is the file's as a whole.
        message: What is wrong and what to do.
    """

    path: str
    line: int
    message: str

    @override
    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


class FaultsError(Exception):
    """Stops a command: the faults are its message.

    Attributes:
        faults: All that was found, in order of file and line.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults in order.

        Args:
            faults: At least one.
        """
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))
