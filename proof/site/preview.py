"""Serves the preview over HTTP, and tells its open pages what was proven."""

import json
import threading
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import override

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
