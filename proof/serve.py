"""Serves the site while it is written, and proves what is saved: `make serve`."""

import json
import threading
import time
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn, override

from watchfiles import watch

from proof.children import Children
from proof.export import export
from proof.faults import Fault, FaultsError
from proof.fragments import Fragments
from proof.ledger import alone
from proof.project import Project, Subject
from proof.prove import Run, begin, prove, prove_some
from proof.site import build

HOST, PORT = "127.0.0.1", 8000
PREVIEW = ".proof/preview"
WATCHED = ("docs", "overrides", "snippets", "tests")
EVENTS, SCRIPT = "/-/events", "/-/preview.js"
FAULT = '"state": "fault"'
TAG = f'<script defer src="{SCRIPT}"></script></body>'.encode()


class Listeners:
    """The open pages, and what they were last told of each rule."""

    def __init__(self) -> None:
        """Begin without a page."""
        self._queues: set[SimpleQueue[str]] = set()
        self._states: dict[str, str] = {}
        self._lock = threading.Lock()

    def tell(self, rule: str, state: str, text: str) -> None:
        """Tell all pages what became of a rule.

        Args:
            rule: Its address, such as ``pitfalls/money``; empty for all rules.
            state: changed, proving, proven or fault.
            text: The same in words.
        """
        self._send(json.dumps({"rule": rule, "state": state, "text": text}), rule)

    def reload(self) -> None:
        """Have all pages show their new text; what is at fault is told them again."""
        with self._lock:
            self._states = {
                rule: said for rule, said in self._states.items() if FAULT in said
            }
        self._send(json.dumps({"reload": True}), None)

    def _send(self, said: str, rule: str | None) -> None:
        with self._lock:
            if rule is not None:
                self._states[rule] = said
            for queue in self._queues:
                queue.put(said)

    def join(self) -> "SimpleQueue[str]":
        """Add a page; it hears first what it missed."""
        queue = SimpleQueue[str]()
        with self._lock:
            for said in self._states.values():
                queue.put(said)
            self._queues.add(queue)
        return queue

    def leave(self, queue: "SimpleQueue[str]") -> None:
        """Forget a page."""
        with self._lock:
            self._queues.discard(queue)


class Handler(SimpleHTTPRequestHandler):
    """Serves the preview, with a script in each page that hears of changes."""

    def __init__(self, *args: object, listeners: Listeners, folder: Path) -> None:
        """Answer one request.

        Args:
            args: What the server passes.
            listeners: The open pages.
            folder: The built preview.
        """
        self._listeners = listeners
        self._folder = folder
        super().__init__(*args, directory=folder)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - passed on as they come

    @override
    def do_GET(self) -> None:
        if self.path == EVENTS:
            self._stream()
        elif self.path == SCRIPT:
            self._answer(
                Path(__file__).with_name("preview.js").read_bytes(), "text/javascript"
            )
        else:
            path = Path(self.translate_path(self.path))
            page = path / "index.html" if path.is_dir() else path
            if (
                page.suffix == ".html"
                and page.is_file()
                and self.path.endswith(("/", ".html"))
            ):
                text = page.read_bytes().replace(b"</body>", TAG)
                self._answer(text, "text/html; charset=utf-8")
            else:
                super().do_GET()

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        queue = self._listeners.join()
        try:
            while True:
                self.wfile.write(f"data: {queue.get()}\n\n".encode())
        except OSError:
            pass  # the page was closed
        finally:
            self._listeners.leave(queue)

    @override
    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    """Ends without waiting for open pages."""

    daemon_threads = True


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
