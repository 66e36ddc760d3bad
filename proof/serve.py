"""Serves the site while it is written, and proves what is saved: `make serve`."""

import threading
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from watchfiles import watch

from proof.children import Children
from proof.exports.export import export
from proof.faults import Fault, FaultsError
from proof.fragments.project_fragments import Fragments
from proof.ground.alone import alone
from proof.order import prove
from proof.site.build import build
from proof.site.preview import Handler, Listeners, Server
from proof.sources.project import Project, Subject
from proof.verdicts.partly import prove_some
from proof.verdicts.run import Run, begin

HOST, PORT = "127.0.0.1", 8000
PREVIEW = ".proof/preview"
WATCHED = ("docs", "overrides", "snippets", "tests")


def serve(root: Path, children: Children) -> NoReturn:
    """Prove what is not proven, and serve the site until interrupted.

    A block that was changed since it was proven is marked so. A save proves again what
    depends on it, tells the open pages at once, and rebuilds the text after that.

    Args:
        root: The project's root.
        children: What runs the tools and MkDocs.

    Raises:
        FaultsError: If the port is taken, or the sources are at fault from the start.
    """
    listeners = Listeners()
    handler = partial(Handler, listeners=listeners, folder=root / PREVIEW)
    try:
        server = Server((HOST, PORT), handler)
    except OSError as error:
        message = f"port {PORT} is taken ({error.strerror}): stop what listens there"
        raise FaultsError([Fault("make serve", 0, message)]) from None
    saved = SimpleQueue[set[str]]()
    threading.Thread(target=_watch, args=(root, saved), daemon=True).start()
    print("Proving what has changed since it was proven:")
    with alone(root):
        run = prove(root, children, site=False)
        rebuild(run)
    for fault in run.faults:
        print(f"  {fault}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"\nServing http://{HOST}:{PORT}/ (Ctrl-C stops). A save is proven at once.")
    while True:
        paths = saved.get()
        with alone(root):
            follow(root, children, listeners, paths)


def _watch(root: Path, saved: "SimpleQueue[set[str]]") -> None:
    for changes in watch(*(root / each for each in WATCHED), root / "mkdocs.yml"):
        saved.put({Path(path).relative_to(root).as_posix() for _, path in changes})


def follow(
    root: Path, children: Children, listeners: Listeners, paths: Iterable[str]
) -> None:
    """Prove again what depends on changed files, then rebuild.

    Args:
        root: The project's root.
        children: What runs the tools and MkDocs.
        listeners: The open pages.
        paths: The changed files, relative to the root.
    """
    began = time.monotonic()
    try:
        project = Project(root)
        touched = [each for each in project.subjects if _touches(project, each, paths)]
        for each in touched:
            listeners.tell(each.fragments, "changed", "Changed since it was proven.")
        run = begin(project, children)
        prove_some(run, touched)
        for each in touched:
            took = f"{time.monotonic() - began:.1f} s"
            if wrong := [fault for fault in run.faults if _is_of(each, fault)]:
                text = f"Not proven: {wrong[0]}"
                listeners.tell(each.fragments, "fault", text)
            else:
                text = f"Proven again in {took}; the text follows."
                listeners.tell(each.fragments, "proven", text)
        for fault in run.faults:
            print(f"  {fault}")
        rebuild(run)
        listeners.reload()
        print(f"  saved, proven and rebuilt in {time.monotonic() - began:.1f} s")
    except FaultsError as error:
        print(error)
        listeners.tell("", "fault", f"Not proven: {error.faults[0]}")


def rebuild(run: Run) -> None:
    """Build the preview from what is proven; what is not says so.

    Args:
        run: The run, with or without faults.
    """
    made = Fragments(run.project, run.ledger)
    made.write()
    build(run.project, run.children, PREVIEW)
    export(run.project, run.ledger, made, run.project.root / PREVIEW)


def _touches(project: Project, subject: Subject, paths: Iterable[str]) -> bool:
    files = {subject.page, subject.tests, *project.snippets(subject)}
    return any(path in files for path in paths)


def _is_of(subject: Subject, fault: Fault) -> bool:
    page = subject.page
    own = fault.path in {page, subject.tests} or fault.path.startswith(subject.module)
    return own or f"{page}:" in fault.message  # a block of the page that failed
