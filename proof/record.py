"""Records what a test saw, so that its page can draw or tabulate it.

The test's assertions prove; a picture or a table only shows what was recorded.
"""

import asyncio
import gc
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import pytest

type What = Literal[
    "starts", "waits", "goes on", "notes", "ends", "fails", "is cancelled"
]


class Timeline:
    """Who did what, in the order in which it happened.

    Attributes:
        events: Each event, as the ledger keeps it.
    """

    def __init__(self) -> None:
        """Begin with nothing recorded."""
        self.events: list[dict[str, str]] = []

    @property
    def told(self) -> list[str]:
        """The events in words, for a test to compare: ``ada waits: lock``."""
        return [
            "{lane} {what}: {word}".format_map(event).removesuffix(": ")
            for event in self.events
        ]

    def add(self, lane: str, what: What, word: str = "") -> None:
        """Record one event.

        Args:
            lane: Who: a task, a queue, a lock. Each gets a line of the picture.
            what: What happened.
            word: On what, or with what.
        """
        self.events.append({"lane": lane, "what": what, "word": word})

    @contextmanager
    def lane(self, name: str) -> Generator[None]:
        """Record that a task starts, and how it ends, fails or is cancelled.

        Args:
            name: The task's name.
        """
        self.add(name, "starts")
        try:
            yield
        except asyncio.CancelledError:
            self.add(name, "is cancelled")
            raise
        except BaseException as error:
            cancelled = type(error).__name__ == "Cancelled"  # trio's
            self.add(
                name,
                "is cancelled" if cancelled else "fails",
                "" if cancelled else type(error).__name__,
            )
            raise
        else:
            self.add(name, "ends")

    @contextmanager
    def wait(self, name: str, what_for: str) -> Generator[None]:
        """Record a wait, and that the task goes on where it was not interrupted.

        Args:
            name: The task's name.
            what_for: What it waits for.
        """
        self.add(name, "waits", what_for)
        yield
        self.add(name, "goes on")


class Measured:
    """Figures of one test.

    Attributes:
        rows: Each figure, as the ledger keeps it.
        growths: Each figure over several sizes, as the ledger keeps it.
    """

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self.rows: list[dict[str, object]] = []
        self.growths: list[dict[str, object]] = []

    def row(self, name: str, unit: str, values: Mapping[str, float]) -> None:
        """Record a figure for each of several variants.

        Args:
            name: What was measured, such as ``Most requests at once``.
            unit: The unit, such as ``requests`` or ``times as long``; may be empty.
            values: The value for each variant; the first is the recommended one.
        """
        self.rows.append({"name": name, "unit": unit, "values": dict(values)})

    def plot(
        self,
        name: str,
        unit: str,
        *,
        over: str,
        sizes: Sequence[int],
        values: Mapping[str, Sequence[float]],
    ) -> None:
        """Record how a figure grows.

        Args:
            name: What was measured.
            unit: The unit of the values.
            over: What grows, such as ``items``.
            sizes: How much of it, ascending.
            values: For each variant, its values at those sizes.
        """
        self.growths.append(
            {
                "name": name,
                "unit": unit,
                "over": over,
                "sizes": list(sizes),
                "values": {variant: list(each) for variant, each in values.items()},
            }
        )


@contextmanager
def undisturbed() -> Generator[None]:
    """Keep coverage's tracer and the garbage collector out of a measurement of time.

    The tracer slows what is written in Python and nothing else, which falsifies ratios.
    A line that runs only in here does not count as executed.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.settrace(tracer)


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> Timeline:
    """Record a timeline; the rule's page draws it under the test's sentence."""
    recorded = Timeline()
    node: pytest.Item = request.node
    node.user_properties.append(("timeline", recorded.events))
    return recorded


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Record figures; the rule's page shows them with the machine."""
    recorded = Measured()
    node: pytest.Item = request.node
    node.user_properties.append(("rows", recorded.rows))
    node.user_properties.append(("growths", recorded.growths))
    return recorded
