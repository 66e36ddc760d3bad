"""Search a log with grep for what somebody typed."""

import subprocess
from pathlib import Path

# In full: a bare name is looked for along PATH, which others may have a say in.
GREP = "/usr/bin/grep"

NO_MATCH = 1  # grep exits with 0 for lines, 1 for none, more for trouble


class SearchError(Exception):
    """The log could not be searched."""


def search(log: Path, text: str, *, seconds: float) -> list[str]:
    r"""Find the lines of a log that hold a text.

    Args:
        log: The file to search.
        text: What to find, character by character; from anybody.
        seconds: How long the search may take.

    Returns:
        The lines in the file's order.

    Raises:
        ValueError: If the text is empty, or has a line break or another character
            that does not print.
        SearchError: If the log can't be read, or not in time.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     log = Path(folder, "shop.log")
        ...     _ = log.write_text("ada: $5 paid\nbob: 5 left\n", encoding="utf-8")
        ...     search(log, "$5", seconds=5)
        ['ada: $5 paid']
    """
    # grep reads each line of a text as a text of its own, and an empty one is in all.
    if not text or not text.isprintable():
        message = "search for at least one character, all in one line"
        raise ValueError(message)
    command = [GREP, "--text", "--fixed-strings", "-e", text, "--", str(log)]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the text stands behind -e
            command, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"{log.name} was not searched within {seconds} s"
        raise SearchError(message) from error
    if done.returncode > NO_MATCH:
        raise SearchError(done.stderr.decode(errors="replace").strip())
    # Not text=True nor splitlines(): a \r or U+2028 in the log would forge a line.
    lines = done.stdout.decode(errors="replace").split("\n")
    return [line for line in lines if line]
