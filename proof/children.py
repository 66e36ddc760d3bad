"""Child processes that never outlive the command that started them."""

import os
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

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Args:
            command: The program and its arguments.
            cwd: The folder it runs in.
            env: What to add to the environment.
            show: Whether its output goes to the terminal instead of the result.

        Returns:
            Its exit code and what it printed.
        """
        reading, writing = os.pipe()
        pipe = None if show else subprocess.PIPE
        with self._lock:
            self._lifelines.add(writing)
        try:
            process = subprocess.Popen(
                [sys.executable, "-IS", str(GUARD), str(reading), *command],
                cwd=cwd,
                env={**os.environ, **(env or {})},
                pass_fds=[reading],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                text=True,
            )
            os.close(reading)
            out, err = process.communicate()
        finally:
            self._cut(writing)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _cut(self, lifeline: int) -> None:
        with self._lock:
            if lifeline in self._lifelines:
                self._lifelines.remove(lifeline)
                os.close(lifeline)

    @override
    def __exit__(self, *_: object) -> None:
        for lifeline in list(self._lifelines):
            self._cut(lifeline)
