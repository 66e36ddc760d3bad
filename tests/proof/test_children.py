"""Whatever ends a run, no process of it is left, and the ledger is whole or absent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from proof.children import Children
from proof.ground.alone import alone
from proof.ledger.records import Ledger, Machine
from proof.ledger.store import LEDGER, load, save
from tests.proof.conftest import ROOT, Planted, environment
from tests.proof.fakes import DEADLINE, HALT_WRITING, Halts, fake_tools, ran

# What a test starts: it tells of itself and waits to be killed.
HALT = """
import os, signal, sys
halted = open(sys.argv[1], "w", buffering=1)
print("one", file=halted)
signal.pause()
"""
# What ends at once, and leaves such a process behind.
LEAVE = """
import subprocess, sys
halted = open(sys.argv[1], "w", buffering=1)
wait = "import signal; signal.pause()"
subprocess.Popen([sys.executable, "-IS", "-c", wait], stdout=halted)
print("one", file=halted)
"""
KILLED = 256 - signal.SIGKILL


def python(*arguments: object) -> list[str]:
    return [sys.executable, "-IS", "-c", *map(str, arguments)]


def test_a_command_gives_its_output_and_its_exit_code(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.getcwd()); print('é', file=sys.stderr); sys.exit(3)"
    )
    with Children() as children:
        done = children.run(python(code), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "é\n")


def test_a_command_has_no_input_and_speaks_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.ISO-8859-1")
    code = "import os, sys; print([sys.stdin.read(), os.environ['LC_ALL']])"
    own, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.write(writing, b"typed")
    os.close(writing)
    with Children() as children:
        done = children.run(python(code), cwd=tmp_path)
    os.dup2(own, 0)
    os.close(own)
    os.close(reading)
    assert done.stdout == "['', 'C.UTF-8']\n"


def test_output_that_is_not_text_is_no_fault(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes([255]))"
    with Children() as children:
        assert children.run(python(code), cwd=tmp_path).stdout == "�"


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    halts, codes = Halts(tmp_path / "halted"), list[int]()
    with Children() as children:

        def run() -> None:
            command = python(LEAVE, halts.path)
            codes.append(children.run(command, cwd=tmp_path).returncode)

        thread = Thread(target=run, daemon=True)
        thread.start()
        halts.wait("one")
        halts.wait_for_end()
        thread.join(DEADLINE)
        assert codes == [0]


def test_leaving_ends_what_still_runs_and_its_thread_learns_of_it(
    tmp_path: Path,
) -> None:
    halts, codes = Halts(tmp_path / "halted"), list[int]()
    children = Children()

    def run() -> None:
        codes.append(children.run(python(HALT, halts.path), cwd=tmp_path).returncode)

    thread = Thread(target=run)
    with children:
        thread.start()
        halts.wait("one")
    halts.wait_for_end()
    thread.join(DEADLINE)
    assert codes == [KILLED]


def test_nothing_is_started_once_the_children_were_ended(tmp_path: Path) -> None:
    children = Children()
    children.end()
    done = children.run(python("open('ran', 'w')"), cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "ran").exists()


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    with Children() as children:
        before = len(list(Path("/dev/fd").iterdir()))
        children.run(python(""), cwd=tmp_path)
        with pytest.raises(FileNotFoundError):
            children.run(python(""), cwd=tmp_path / "gone")
        assert len(list(Path("/dev/fd").iterdir())) == before


class Run:
    """A run of `python -m proof test` with fake tools, in a session of its own."""

    def __init__(self, folder: Path) -> None:
        """Lay out the project.

        Args:
            folder: An empty folder.
        """
        (folder / "project").mkdir()
        self.planted = Planted(folder / "project")
        fake_tools(self.planted)
        self.log = folder / "ran"
        self.halts = Halts(folder / "halted")
        self.process: subprocess.Popen[str] | None = None

    def start(self, **variables: str) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proof", "test"],
            cwd=self.planted.root,
            env=environment(
                RAN=str(self.log), HALTED=str(self.halts.path), **variables
            ),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send it a signal, and give its exit code and what it said of it."""
        assert self.process is not None
        os.killpg(self.process.pid, number)  # as a terminal does
        _, said = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, said


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()  # the test has failed
        made.process.communicate()


def test_an_interrupted_run_says_so_and_leaves_no_process(run: Run) -> None:
    run.start(HALT="mypy pytest")
    run.halts.wait("mypy", "pytest")
    said = "\nInterrupted. What was proven until now is kept.\n"
    assert run.end(signal.SIGINT) == (130, said)
    run.halts.wait_for_end()
    ledger, why = load(run.planted.root)
    assert (ledger.tools.get("mypy"), ledger.units, why) == (None, {}, "")


def test_a_killed_run_leaves_no_process_and_the_next_one_proves_the_rest(
    run: Run,
) -> None:
    run.start(HALT="mypy pytest")
    run.halts.wait("mypy", "pytest")
    assert run.end(signal.SIGKILL) == (-signal.SIGKILL, "")
    run.halts.wait_for_end()
    ran(run.log)
    done = run.planted.proof("test", RAN=str(run.log))
    assert (done.returncode, done.stderr) == (0, "")
    assert {"mkdocs", "mypy", "pytest"} <= set(ran(run.log))


@pytest.mark.parametrize(
    ("number", "code", "before"),
    [(signal.SIGTERM, 130, False), (signal.SIGKILL, -signal.SIGKILL, True)],
    ids=["SIGTERM at the first ledger", "SIGKILL at a later one"],
)
def test_a_run_that_ends_while_it_writes_the_ledger_leaves_it_as_it_was(
    run: Run, tmp_path: Path, number: signal.Signals, code: int, *, before: bool
) -> None:
    root = run.planted.root
    old = Ledger(machine=Machine.here(), checked={"sources": "older"})
    if before:
        save(root, old)
    (tmp_path / "sitecustomize.py").write_text(HALT_WRITING, "utf-8")
    run.start(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    run.halts.wait("ledger")
    assert run.end(number)[0] == code
    run.halts.wait_for_end()
    assert (root / LEDGER).exists() is before
    assert load(root) == (old if before else Ledger(machine=Machine.here()), "")
    with alone(root):
        assert list(root.glob(".proof/**/*.half")) == []
