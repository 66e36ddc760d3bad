"""Serves the site while it is written: `make serve`."""

import threading
from pathlib import Path

from watchfiles import watch

from proof.children import Children
from proof.faults import FaultsError
from proof.fragments import Fragments
from proof.ledger import load
from proof.project import Project
from proof.prove import prove
from proof.site import QUIET, configure, mkdocs

ADDRESS = "127.0.0.1:8000"
WATCHED = ("docs", "snippets", "tests", "proof")


def serve(root: Path, children: Children) -> int:
    """Prove what is not proven, and serve the site with live reload until interrupted.

    A rule that has a fault, or is edited later, is marked as not proven.

    Args:
        root: The project's root.
        children: What runs the tools and MkDocs.

    Returns:
        MkDocs' exit code.
    """
    print("Proving what has changed since it was proven:")
    run = prove(root, children, site=False)
    for fault in run.faults:
        print(f"  {fault}")
    mark(root)
    threading.Thread(target=_mark_changes, args=(root,), daemon=True).start()
    print(
        f"\nServing http://{ADDRESS}/ (Ctrl-C stops). Run `make test` to prove edits."
    )
    command = mkdocs("serve", "--livereload", "-a", ADDRESS, "-w", ".proof/fragments")
    return children.run(command, cwd=root, env=QUIET, show=True).returncode


def mark(root: Path) -> None:
    """Write the fragments anew: what was changed since its proof says so.

    Args:
        root: The project's root.
    """
    project = Project(root)
    ledger, _ = load(root)
    Fragments(project, ledger).write()
    configure(project)


def _mark_changes(root: Path) -> None:
    for _ in watch(*(root / each for each in WATCHED if (root / each).exists())):
        try:
            mark(root)
        except FaultsError as error:
            print(error)
