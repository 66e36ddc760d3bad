"""Child processes that never outlive the command that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import override

GUARD = Path(__file__).with_name("guard.py")


class Children(AbstractContextManager["Children"]):
    """Starts processes, also from several threads, and ends those left at its exit.

    Each runs under a guard of its own (see ``guard.py``), which kills it when this
    process ends in whatever way.
    """

    def __init__(self) -> None:
        """Start with no child."""
        self._lifelines: set[int] = set()
        self._lock = Lock()
        self._ended = False

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in English and UTF-8 wherever it runs.

        Args:
            command: The program and its arguments.
            cwd: The folder it runs in.
            env: What to add to the environment.
            show: Whether its output goes to the terminal instead of the result.

        Returns:
            Its exit code and what it printed; the code of a killed process once
            the children were ended.
        """
        reading, writing = os.pipe()
        pipe = None if show else subprocess.PIPE
        process: subprocess.Popen[str] | None = None
        with self._lock:
            self._lifelines.add(writing)
            ended = self._ended
        try:
            if ended:
                return subprocess.CompletedProcess(command, -signal.SIGKILL, "", "")
            process = subprocess.Popen(
                [sys.executable, "-IS", str(GUARD), str(reading), *command],
                cwd=cwd,
                env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
                pass_fds=[reading],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                encoding="utf-8",
                errors="replace",
            )
            out, err = process.communicate()
            return subprocess.CompletedProcess(command, process.returncode, out, err)
        finally:
            os.close(reading)
            self._cut(writing)
            if process is not None:
                process.wait()

    def end(self) -> None:
        """Kill all that run, and start no other."""
        with self._lock:
            self._ended = True
        for lifeline in list(self._lifelines):
            self._cut(lifeline)

    def _cut(self, lifeline: int) -> None:
        with self._lock:
            if lifeline in self._lifelines:
                self._lifelines.remove(lifeline)
                os.close(lifeline)

    @override
    def __exit__(self, *_: object) -> None:
        self.end()
