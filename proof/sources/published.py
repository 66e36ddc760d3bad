"""Reads docs/published.txt: every page and section that was ever published.

One a line: ``/concurrency/gather/`` and ``/concurrency/gather/#why``. The list only
ever grows.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from proof.faults import Fault
from proof.sources.history import versions
from proof.sources.project import Project

PUBLISHED = "docs/published.txt"
LINE = re.compile(r"/([\w.-]+/)*(#\S+)?")


def listed(project: Project) -> list[str]:
    """Read the list; none where there is no file yet."""
    there = (project.root / PUBLISHED).is_file()
    return project.read(PUBLISHED).splitlines() if there else []


def list_faults(project: Project) -> Iterator[Fault]:
    """Hold the list to its form, and to what git remembers of it.

    Args:
        project: The project.

    Yields:
        The faults.
    """
    lines = listed(project)
    for at, line in enumerate(lines, start=1):
        if not LINE.fullmatch(line):
            message = f"{line!r}: write an address such as /chapter/name/#why"
            yield Fault(PUBLISHED, at, message)
    for at, (before, line) in enumerate(pairwise(lines), start=2):
        if before >= line:
            message = f"{line} must stand above {before}, each once: `sort -u` it"
            yield Fault(PUBLISHED, at, message)
            break
    ever = {
        line
        for version in versions(project.root, PUBLISHED)
        for line in version.decode(errors="replace").splitlines()
        if LINE.fullmatch(line)
    }
    for lost in sorted(ever - set(lines)):
        message = f"{lost} was published: put the line back, links to it are out"
        yield Fault(PUBLISHED, 0, message)
