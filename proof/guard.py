"""Runs one command and kills it, with all it started, once its owner is gone.

Called as ``python -IS guard.py FD COMMAND…``. FD is the reading end of a pipe whose
only writing end the owner holds: however the owner ends, also by SIGKILL, the kernel
closes that end, and this process sees the end of file.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Wait for the command or for the owner's end, whichever comes first.

    Returns:
        The command's exit code.
    """
    lifeline = int(sys.argv[1])
    child = subprocess.Popen(sys.argv[2:], process_group=0)

    def watch() -> None:
        os.read(lifeline, 1)
        kill_group(child.pid)

    threading.Thread(target=watch, daemon=True).start()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    kill_group(child.pid)  # what the command left behind; not yet reaped, so still its
    return child.wait()


def kill_group(group: int) -> None:
    """Kill what is left of a group of processes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a zombie
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
