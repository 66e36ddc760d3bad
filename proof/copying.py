"""Tells beside a rule's code what it is called, where it is kept, and what it needs."""

import html
import re
import shlex
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import PurePath
from sys import stdlib_module_names

from proof.faults import Fault, FaultsError
from proof.imports import imported
from proof.project import Project, Subject

LICENCE = '<a href="https://opensource.org/license/mit-0">MIT-0</a>'
DRIVER = re.compile(r"\w+\+(\w+)://")  # of a database's URL: loaded, never imported
EXTRAS = {"sqlalchemy.ext.asyncio": "sqlalchemy[asyncio]"}


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


def requirements(project: Project, paths: Sequence[str]) -> list[str]:
    """List what has to be installed for some modules, as ``uv add`` takes it.

    Args:
        project: The project; its list of dependencies says which extras are meant.
        paths: The modules.

    Returns:
        Requirements without versions, sorted.

    Raises:
        FaultsError: If a module imports what no installed distribution brings.
    """
    listed = _listed(project)
    found: set[str] = set()
    for path in paths:
        names = [name for _, name in imported(project, path)]
        drivers = set(DRIVER.findall(project.read(path))) & set(_brought())
        for top in {name.split(".")[0] for name in names} | drivers:
            if top in stdlib_module_names or top == "snippets":
                continue
            if not (brought := set(_brought().get(top, ()))):
                message = f"imports {top}, which nothing that is installed brings"
                raise FaultsError([Fault(path, 0, message)])
            found |= {listed[each] for each in brought & set(listed)} or brought
        for module, extra in EXTRAS.items():
            if any(f"{name}.".startswith(f"{module}.") for name in names):
                found = found - {extra.partition("[")[0]} | {extra}
    return sorted(found)


def _listed(project: Project) -> dict[str, str]:
    """Give the project's own dependencies by name, each as it is written there."""
    table = tomllib.loads(project.read("pyproject.toml"))["project"]
    return {each.partition("[")[0]: each for each in table.get("dependencies", [])}


@cache
def _brought() -> dict[str, list[str]]:
    """Give for each module that can be imported the distributions that bring it."""
    return {
        module: [re.sub(r"[-_.]+", "-", each).lower() for each in distributions]
        for module, distributions in packages_distributions().items()
    }
