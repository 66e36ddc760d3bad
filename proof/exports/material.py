"""What exports are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.fragments.facts import Facts, Published
from proof.fragments.project_fragments import Fragments
from proof.ledger.records import Ledger
from proof.sources.project import Project


@dataclass(frozen=True, slots=True)
class Material:
    """What exports are made of.

    Attributes:
        project: The project.
        ledger: What is proven.
        made: The fragments of the pages.
        rules: What is known of each rule, in reading order.
        address: The site's public address; ends with a slash.
        site: The folder of the pages that were built.
        recipes: What is published besides the rules.
    """

    project: Project
    ledger: Ledger
    made: Fragments
    rules: list[Facts]
    address: str
    site: Path
    recipes: Sequence[Published] = ()
