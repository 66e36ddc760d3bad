"""Search a log with grep for what somebody typed."""

import subprocess
from pathlib import Path

# In full: a bare name is looked for along PATH, which others may have a say in.
GREP = "/usr/bin/grep"
LONGEST_TEXT = 1000  # characters; the kernel bounds an argument too
MOST_LINES = 1000
SECONDS = 5.0

OPTIONS = ("--text", "--fixed-strings", f"--max-count={MOST_LINES}")
NO_MATCH = 1  # grep exits with 0 for lines, 1 for none, more for trouble


class SearchError(Exception):
    """The log could not be searched."""


def search(log: Path, text: str) -> list[str]:
    r"""Find the first lines of a log that hold a text.

    Args:
        log: The file to search; its path is yours, not the client's.
        text: What to find, character by character; from anybody.

    Returns:
        At most ``MOST_LINES`` lines, in the file's order, each in full.

    Raises:
        ValueError: If the text is empty, too long, or has a line break or another
            character that does not print, or the log's path can't be one.
        SearchError: If grep did not start, can't read the log, or is too slow.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     log = Path(folder, "shop.log")
        ...     _ = log.write_text("ada: $5 paid\nbob: 5 left\n", encoding="utf-8")
        ...     search(log, "$5")
        ['ada: $5 paid']
    """
    # grep reads each line of a text as a text of its own, and an empty one is in all.
    if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"search for 1 to {LONGEST_TEXT} characters in one line")
    # --8<-- [start:answer]
    # absolute(), as grep reads its standard input for a file called -.
    command = [GREP, *OPTIONS, "-e", text, "--", str(log.absolute())]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the text stands behind -e
            command, capture_output=True, timeout=SECONDS, check=False
        )
    # --8<-- [end:answer]
    except subprocess.TimeoutExpired as error:
        raise SearchError(f"{log.name} was not searched in {SECONDS} s") from error
    except OSError as error:
        raise SearchError(f"{GREP} did not start: {error.strerror}") from error
    if done.returncode > NO_MATCH:
        raise SearchError(done.stderr.decode(errors="replace").strip())
    # Not text=True nor splitlines(): a \r or U+2028 in the log would forge a line.
    lines = done.stdout.decode(errors="replace").split("\n")
    return [line for line in lines if line]
