"""One run over the project: what it knows, and what it found wrong."""

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import RLock

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.ledger.kept import holds, load_older
from proof.ledger.records import Ledger, Older, Unit, Verdict
from proof.ledger.store import load, save
from proof.sources.project import Project
from proof.sources.requirements import environment_faults
from proof.verdicts.tools import TOOLS


def say(stage: str, what: str, began: float | None = None) -> None:
    """Print a line of progress.

    Args:
        stage: What is being done.
        what: How much of it.
        began: When it began, by the monotonic clock; ``None`` if it took no time.
    """
    took = "" if began is None else f"{time.monotonic() - began:6.1f} s"
    print(f"  {stage:<12} {what:<52} {took}".rstrip(), flush=True)


@dataclass(slots=True)
class Run:
    """One run over the project: what it knows, and what it found wrong.

    Attributes:
        project: The project.
        ledger: What is proven; replaced as verdicts come in.
        children: The processes it started.
        commit: The commit that the tree stands on.
        faults: What stops publication.
    """

    project: Project
    ledger: Ledger
    children: Children
    commit: str
    faults: list[Fault] = field(default_factory=list[Fault])
    lock: RLock = field(default_factory=RLock)

    def keep(
        self,
        *,
        tools: Mapping[str, Verdict] | None = None,
        units: Mapping[str, Unit] | None = None,
        older: Mapping[str, Older] | None = None,
        checked: Mapping[str, str] | None = None,
    ) -> None:
        """Add verdicts to the ledger, on disk at once, in an order of their own."""
        with self.lock:
            known = self.ledger
            now = {**known.tools, **(tools or {})}
            self.ledger = known.model_copy(
                update={
                    "tools": {
                        each.name: now[each.name] for each in TOOLS if each.name in now
                    },
                    "units": dict(sorted({**known.units, **(units or {})}.items())),
                    "older": dict(sorted({**known.older, **(older or {})}.items())),
                    "checked": {**known.checked, **(checked or {})},
                }
            )
            save(self.project.root, self.ledger)

    def forget(self, but: Collection[str]) -> None:
        """Drop the verdicts on all test files but these."""
        units = {name: unit for name, unit in self.ledger.units.items() if name in but}
        self.ledger = self.ledger.model_copy(update={"units": units})

    def forget_older(self, but: Collection[str]) -> None:
        """Drop what is known of older Pythons for all test files but these."""
        with self.lock:
            older = {at: each for at, each in self.ledger.older.items() if at in but}
            self.ledger = self.ledger.model_copy(update={"older": older})


def begin(project: Project, children: Children) -> Run:
    """Begin a run with what the ledger knows.

    Args:
        project: The project.
        children: What runs the tools.

    Returns:
        A run that found nothing wrong yet.

    Raises:
        FaultsError: If this environment is not what is locked, or what is kept is not
            of its form.
    """
    root = project.root
    if faults := [*environment_faults(root)]:
        raise FaultsError(faults)
    ledger, why = load(root)
    if os.environ.get("FRESH") == "1":
        ledger, why = (
            Ledger(machine=ledger.machine),
            "FRESH=1: everything is proven anew",
        )
    else:
        kept = load_older(root)
        older = {at: each for at, each in kept.items() if holds(root, each.files)}
        ledger = ledger.model_copy(update={"older": older})
    if why:
        say("ledger", why)
    commit = children.run(["git", "rev-parse", "HEAD"], cwd=root).stdout
    return Run(project, ledger, children, commit)
