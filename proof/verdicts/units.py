"""The units of proof: a test file, and what it proves."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from proof.ground.digests import key_of
from proof.ledger.records import Unit
from proof.sources.docstrings import docstring_examples
from proof.sources.imports import imported
from proof.sources.project import Project, Subject
from proof.sources.tree import SERVERS, SITE_VARIABLES, data, shared, whole

IN_GREENLETS = ("alembic", "greenlet", "sqlalchemy", "sqlmodel")  # packages


@dataclass(frozen=True, slots=True)
class Work:
    """The tests of one file, and what they may execute.

    Attributes:
        tests: The test file: the unit's name.
        subject: What it proves; ``None`` for tests of the machinery or the site.
        key: The digest of all that the tests depend on.
        targets: What pytest is given.
        snippets: Its files, all of whose lines must run.
        greenlets: Whether it may run code in greenlets, as SQLAlchemy does to await.
    """

    tests: str
    subject: Subject | None
    key: str
    targets: tuple[str, ...]
    snippets: tuple[str, ...]
    greenlets: bool = False


def works(project: Project) -> list[Work]:
    """List the units: a test file with what it proves, or another test file."""
    servers = {name: os.environ.get(name, "") for name in SERVERS}
    common = shared(project)
    found: list[Work] = []
    owned: set[str] = set()
    for each in project.subjects:
        snippets = project.snippets(each)
        with_examples = [
            path for path in snippets if any(docstring_examples(project.read(path)))
        ]
        paths = [*common, each.tests, *snippets, *data(project, each)]
        key = key_of(project.root, paths, servers)
        targets = (each.tests, *with_examples)
        greenlets = any(
            name.startswith(IN_GREENLETS)
            for path in [each.tests, *snippets]
            for _, name in imported(project, path)
        )
        found.append(Work(each.tests, each, key, targets, tuple(snippets), greenlets))
        owned |= {each.tests, each.page, *snippets}
    everything = whole(project)
    machinery = [path for path in everything if path not in owned]
    of_site = {name: os.environ.get(name, "") for name in SITE_VARIABLES}
    for path in project.files("tests/**/test_*.py"):
        if path in owned:
            continue
        if path.startswith("tests/proof/"):
            key = key_of(project.root, machinery, servers)
        else:
            key = key_of(project.root, everything, servers | of_site)
        found.append(Work(path, None, key, (path,), ()))
    return found


def is_proven(work: Work, units: Mapping[str, Unit]) -> bool:
    """Tell whether a unit's verdict may be reused.

    One with a part missing may not: it could be there by now.
    """
    unit = units.get(work.tests)
    return unit is not None and unit.key == work.key and not unit.missing
