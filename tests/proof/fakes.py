"""Stand-ins for the slow tools, and ways to halt a run at a known point."""

import os
import select
from pathlib import Path
from textwrap import indent

import pytest

from tests.proof.conftest import AVOID, OUTSIDE, ROOT, Planted

DEADLINE = 30  # seconds; only a fault is waited for so long

# Packages in the folder that `python -m` is run in hide those of the same name. Each
# writes down that it ran. Those in HALT start a process, tell of it and wait.
TOOL = """
import os, signal, subprocess, sys

with open(os.environ["RAN"], "a", encoding="utf-8") as ran:
    print("{name}", file=ran)
if "{name}" in os.environ.get("HALT", ""):
    halted = open(os.environ["HALTED"], "w", buffering=1)
    wait = "import signal; signal.pause()"
    subprocess.Popen([sys.executable, "-IS", "-c", wait], stdout=halted)
    print("{name}", file=halted)
    signal.pause()
"""
# A sitecustomize.py that halts the run once a ledger is written, but not in its place.
HALT_WRITING = """
import os, signal, sys
from pathlib import Path

def replace(half, path):
    if Path(path).name == "ledger.json":
        halted = open(os.environ["HALTED"], "w", buffering=1)
        print("ledger", file=halted)
        signal.pause()
    rename(half, path)

if "proof" in sys.orig_argv:
    rename, os.replace = os.replace, replace
"""
OUTPUT = {
    "mypy": "",
    "pyright": """
import json
from pathlib import Path

config = json.loads(Path(sys.argv[sys.argv.index("--project") + 1]).read_text())
summary = {"filesAnalyzed": len(config["include"])}
print(json.dumps({"generalDiagnostics": [], "summary": summary}))
""",
    "ruff": "print('[]')\n",
    "mkdocs": """
from pathlib import Path

site = Path(sys.argv[sys.argv.index("-d") + 1])
site.mkdir(parents=True)
(site / "index.html").write_text("<p>Carts</p>", encoding="utf-8")
""",
}


def fake_tools(planted: Planted) -> None:
    """Plant the stand-ins, and a counterexample that no tool has anything against."""
    for name, output in OUTPUT.items():
        planted.write(f"{name}/__init__.py", "")
        body = indent(TOOL.replace("{name}", name) + output, "    ")
        main = f"find_ruff_bin = None\nif __name__ == '__main__':\n{body}"
        planted.write(f"{name}/__main__.py", main)  # pytest-examples imports ruff's
    planted.write("tests/cart/conftest.py", TOOL.replace("{name}", "pytest"))
    planted.replace(AVOID, "# expect: ruff[B006]\n", "")


class Halts:
    """A named pipe that halted processes tell of themselves by, and hold open."""

    def __init__(self, path: Path) -> None:
        """Make the pipe."""
        os.mkfifo(path)
        self.path = path
        self._reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._writing = os.open(path, os.O_WRONLY)  # so that it doesn't end too early

    def wait(self, *names: str) -> None:
        """Wait until all of these are halted."""
        told = b""
        while sorted(told.decode().split()) != sorted(names):
            told += self._read()
        os.close(self._writing)

    def wait_for_end(self) -> None:
        """Wait until no process is left that halted, or that one of them started."""
        assert self._read() == b""
        os.close(self._reading)

    def _read(self) -> bytes:
        ready, _, _ = select.select([self._reading], [], [], DEADLINE)
        assert ready, "nothing was told in time"
        return os.read(self._reading, 4096)


def ran(log: Path) -> list[str]:
    """Tell which tools ran, and forget it."""
    names = log.read_text("utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(names)


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of this process's environment what the run of these tests put in."""
    for name in list(os.environ):
        if name.startswith(OUTSIDE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
