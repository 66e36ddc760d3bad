"""The order of the stages: prove what is not proven, then build and test the site."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from proof.children import Children
from proof.exports.export import export
from proof.faults import FaultsError
from proof.fragments.project_fragments import Fragments
from proof.fragments.recorded import recorded_faults
from proof.ground.digests import key_of
from proof.site.addresses import link_faults
from proof.site.build import BUILT, build
from proof.site.provenance import check_site
from proof.sources import tree
from proof.sources.project import Project
from proof.sources.tree import ABOUT_SITE
from proof.verdicts import units
from proof.verdicts.checkers import start_tools
from proof.verdicts.run import Run, begin, say
from proof.verdicts.stages import (
    PARALLEL,
    check_sources,
    find_oldest,
    run_tests,
    start_tests,
)
from proof.verdicts.units import is_proven


def prove(root: Path, children: Children, *, site: bool = True) -> Run:
    """Prove everything whose inputs have changed.

    Args:
        root: The project's root.
        children: What runs the tools.
        site: Whether the site is built and tested as well.

    Returns:
        The run; its faults are empty where everything is proven.

    Raises:
        FaultsError: If the sources themselves are at fault.
    """
    run = begin(Project(root), children)
    project = run.project
    check_sources(run)
    works = units.works(project)
    run.forget(but={work.tests for work in works if is_proven(work, run.ledger.units)})
    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            waiting = [*start_tools(run, pool), *start_tests(run, pool, works)]
            if site:
                waiting.append(pool.submit(find_oldest, run, works))
            for each in waiting:
                each.result()
        except BaseException:
            children.end()  # else leaving the pool would wait for all of them
            raise
    if site and not run.faults:
        build_site(run)
        about_site = [work for work in works if work.tests.startswith(ABOUT_SITE)]
        run_tests(run, "site tests", about_site)
    return run


def site_key(project: Project, made: Fragments, commit: str) -> str:
    """Digest what the site depends on: pages and what they include, and the proofs."""
    paths = [
        path
        for path in tree.whole(project)
        if not path.startswith(("tests/proof/", ABOUT_SITE))
    ]
    more = {
        "commit": commit,
        "fragments": json.dumps(made.texts, sort_keys=True),
        **{name: os.environ.get(name, "") for name in tree.SITE_VARIABLES},
    }
    return key_of(project.root, paths, more)


def build_site(run: Run) -> None:
    """Build the site from what is proven, and check every block of it.

    Args:
        run: A run without faults.

    Raises:
        FaultsError: If the site can't be built, or shows what is not proven.
    """
    project = run.project
    made = Fragments(project, run.ledger)
    made.write()
    key = site_key(project, made, run.commit)
    if run.ledger.checked.get("site") == key and (project.root / BUILT).is_dir():
        say("unchanged", "site")
        return
    began = time.monotonic()
    if faults := [*recorded_faults(project, made)]:
        raise FaultsError(faults)
    run.keep(checked={"site": ""})  # until it's checked, what is built is not proven
    build(project, run.children, BUILT)
    exported = export(project, run.ledger, made, project.root / BUILT)
    site = project.root / BUILT
    blocks = check_site(project, site, made.code | exported)
    if faults := [*blocks, *link_faults(project, site)]:
        raise FaultsError(faults)
    run.keep(checked={"site": key})
    pages = len(list((project.root / BUILT).glob("**/*.html")))
    say("site", f"{pages} pages, every block proven", began)
