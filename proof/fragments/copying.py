"""Tells beside a rule's code what it is called, where it is kept, and what it needs."""

import html
import shlex
from collections.abc import Sequence
from pathlib import PurePath

from proof.sources.needs import requirements
from proof.sources.project import Project, Subject

LICENCE = '<a href="https://opensource.org/license/mit-0">MIT-0</a>'


def bar(name: str, file: str, text: str, starts: Sequence[int] = (1,)) -> str:
    """Head a block of code: scripts copy it and link to its lines by what stands here.

    Args:
        name: What links to its lines call it; stays when another block comes before it.
        file: The module to download, beside the page.
        text: All of the block's text.
        starts: In which line of it each of its pieces begins.

    Returns:
        HTML; the block is the element after it.
    """
    begin = " ".join(map(str, starts))
    return (
        f'<p class="bar" data-name="{name}" data-starts="{begin}" '
        f'data-count="{len(text.splitlines())}">'
        f'<a href="{file}" download>{file}</a></p>\n\n'
    )


def name_of(kind: str, path: str, paths: Sequence[str]) -> str:
    """Name a block: by its fragment, and by its file where that shows several."""
    return kind if len(paths) == 1 else f"{kind}.{PurePath(path).stem}"


def conditions(project: Project, subject: Subject, oldest: str) -> str:
    """Tell what a module needs, what proves it, and what may be done with it.

    Args:
        project: The project.
        subject: The rule or recipe that it belongs to.
        oldest: The oldest Python on which it holds.

    Returns:
        HTML.
    """
    needed = requirements(project, project.recommended(subject))
    install = " ".join(["uv add", *map(shlex.quote, needed)])
    needs = f"<code>{html.escape(install)}</code>" if needed else "Python alone"
    tests = subject.download(subject.tests)
    return (
        f'<p class="conditions">Needs {needs}. Holds on '
        f'<a href="#proof">Python {oldest}</a> and newer. Proven by '
        f'<a href="{tests}" download>{tests}</a>. Yours to copy: {LICENCE}.</p>\n'
    )
