"""Finds what has to be installed for a module."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import packages_distributions
from sys import stdlib_module_names

from proof.faults import Fault, FaultsError
from proof.sources.imports import imported
from proof.sources.project import Project

DRIVER = re.compile(r"\w+\+(\w+)://")  # of a database's URL: loaded, never imported
EXTRAS = {"sqlalchemy.ext.asyncio": "sqlalchemy[asyncio]"}


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
