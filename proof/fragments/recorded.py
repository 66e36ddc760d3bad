"""Holds the pages to what their tests recorded."""

from collections.abc import Iterator

from proof.faults import Fault
from proof.fragments.project_fragments import Fragments
from proof.sources import includes
from proof.sources.blocks import included
from proof.sources.project import Project


def recorded_faults(project: Project, made: Fragments) -> Iterator[Fault]:
    """Hold the pages to showing what their tests recorded, all of it and no more.

    Args:
        project: The project.
        made: The fragments.

    Yields:
        The faults.
    """
    for each in project.subjects:
        if each.id in made.unproven:
            continue
        lines = project.read(each.page).splitlines()
        asked = {
            include[0]: at
            for at, line in enumerate(lines, start=1)
            if (include := included(line))
        }
        for name in includes.RECORDED:
            fragment = f"{each.fragments}/{name}.md"
            if fragment in made.texts and fragment not in asked:
                message = f'a test recorded it: include --8<-- "{fragment}"'
                yield Fault(each.page, 0, message)
            elif fragment in asked and fragment not in made.texts:
                message = f"no test of {each.tests} recorded a {name!r}"
                yield Fault(each.page, asked[fragment], message)
