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

from proof.testing.basics import as_text

What = Literal["starts", "waits", "goes on", "notes", "ends", "fails", "is cancelled"]


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


class Attack:
    """One attack: what was sent, what it did to whom.

    Attributes:
        steps: What is told of it, as the ledger keeps it.
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self.steps: list[dict[str, str]] = []

    def sent(self, what: object) -> None:
        """Record what the attacker sends.

        Args:
            what: The payload, request or input; shown as ``observe`` shows it.
        """
        self.steps.append({"what": "sent", "text": as_text(what)})

    def happened(self, what: object) -> None:
        """Record what that did to the counterexample."""
        self.steps.append({"what": "happened", "text": as_text(what)})

    def now(self, what: object) -> None:
        """Record what became of it at the recommended code."""
        self.steps.append({"what": "now", "text": as_text(what)})


class Evidence:
    """What a server or a tool said, in its own words.

    Attributes:
        exhibits: Each text with its title, as the ledger keeps it.
    """

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self.exhibits: list[dict[str, str]] = []

    def add(self, title: str, text: str) -> None:
        """Show a text on the page.

        Args:
            title: What it is, such as ``Plan without the index``.
            text: What was said, the same in every run.
        """
        self.exhibits.append({"title": title, "text": text.strip("\n")})


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


@pytest.fixture
def attack(request: pytest.FixtureRequest) -> Attack:
    """Tell an attack; the rule's page tells it under the test's sentence."""
    recorded = Attack()
    node: pytest.Item = request.node
    node.user_properties.append(("attack", recorded.steps))
    return recorded


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Quote a server or a tool; the rule's page shows it under the test's sentence."""
    recorded = Evidence()
    node: pytest.Item = request.node
    node.user_properties.append(("evidence", recorded.exhibits))
    return recorded
