import json
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from proof import serve
from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.serve import follow
from proof.site.preview import EVENTS, SCRIPT, TAG, Handler, Listeners, Server
from proof.sources.project import Subject
from proof.verdicts.run import Run
from tests.proof.conftest import PAGE, SNIPPET, TESTS, Planted

ADDRESS = "cart/add-item"


@pytest.fixture
def listeners() -> Listeners:
    return Listeners()


@pytest.fixture
def served(tmp_path: Path, listeners: Listeners) -> Iterator[str]:
    """Serve a page and a style sheet."""
    (tmp_path / "index.html").write_text("<body>Carts</body>", "utf-8")
    (tmp_path / "site.css").write_text("</body>", "utf-8")
    handler = partial(Handler, listeners=listeners, folder=tmp_path)
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - ours
        return bytes(answer.read())


def heard(listeners: Listeners) -> list[tuple[str, str]]:
    """Tell what a page that joins now hears of what it missed."""
    queue = listeners.join()
    said = [json.loads(queue.get()) for _ in range(queue.qsize())]
    listeners.leave(queue)
    return [(each["state"], each["text"]) for each in said]


def test_a_page_gets_the_script_and_nothing_else_does(served: str) -> None:
    assert fetched(f"{served}/") == b"<body>Carts" + TAG
    assert fetched(f"{served}/site.css") == b"</body>"
    assert b"EventSource" in fetched(served + SCRIPT)


def test_an_open_page_hears_of_its_rule(served: str, listeners: Listeners) -> None:
    listeners.tell(ADDRESS, "changed", "Changed.")
    with urllib.request.urlopen(served + EVENTS, timeout=10) as stream:  # noqa: S310 - ours
        first = stream.readline()
    told = {"rule": ADDRESS, "state": "changed", "text": "Changed."}
    assert json.loads(first.removeprefix(b"data: ")) == told


def test_a_page_that_joins_after_the_reload_hears_nothing_old(
    listeners: Listeners,
) -> None:
    listeners.tell(ADDRESS, "proven", "Proven again.")
    listeners.reload()
    assert heard(listeners) == []


def test_a_fault_is_told_again_after_the_reload(listeners: Listeners) -> None:
    listeners.tell(ADDRESS, "fault", "Not proven.")
    listeners.reload()
    queue = listeners.join()
    assert json.loads(queue.get())["text"] == "Not proven."


@pytest.mark.parametrize("path", [SNIPPET, TESTS, PAGE])
def test_a_save_proves_the_rule_it_touches_and_tells_at_once(
    planted: Planted, listeners: Listeners, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    proven: list[tuple[list[str], list[tuple[str, str]]]] = []

    def prove_some(_run: Run, subjects: Sequence[Subject]) -> None:
        proven.append(([each.id for each in subjects], heard(listeners)))

    def fail_to_build(_run: Run) -> None:
        raise FaultsError([Fault("mkdocs.yml", 0, "no")])

    monkeypatch.setattr(serve, "prove_some", prove_some)
    monkeypatch.setattr(serve, "rebuild", fail_to_build)
    with Children() as children:
        follow(planted.root, children, listeners, {path})
    changed = ("changed", "Changed since it was proven.")
    assert proven == [(["cart-add-item"], [changed])]
    (state, text), last = heard(listeners)
    assert (state, text.partition(" in ")[0]) == ("proven", "Proven again")
    assert last == ("fault", "Not proven: mkdocs.yml: no")


def test_a_fault_is_told_to_the_page_of_its_rule(
    planted: Planted, listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_fault(run: Run, _subjects: Sequence[Subject]) -> None:
        run.faults.append(Fault(SNIPPET, 3, "wrong"))

    def listen(_run: Run) -> None:
        states.append(heard(listeners))

    states: list[list[tuple[str, str]]] = []
    monkeypatch.setattr(serve, "prove_some", find_fault)
    monkeypatch.setattr(serve, "rebuild", listen)
    with Children() as children:
        follow(planted.root, children, listeners, {SNIPPET})
    assert states == [[("fault", f"Not proven: {SNIPPET}:3: wrong")]]


def test_a_taken_port_is_told_in_one_line(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other,
        Children() as children,
    ):
        monkeypatch.setattr(serve, "PORT", other.server_port)
        with pytest.raises(FaultsError, match=r"^make serve: port \d+ is taken \(.+\)"):
            serve.serve(planted.root, children)
