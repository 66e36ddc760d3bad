"""Take in essays and compare them while the event loop goes on serving."""

import asyncio
import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import NamedTemporaryFile

FILE_NAME = re.compile(r"\w[\w.-]*")
MAX_LETTERS = 5_000  # the time of a comparison grows with the product of both


async def keep(folder: Path, name: str, text: str) -> None:
    """Write an essay once, and return when it and its name are on the disk (POSIX).

    Args:
        folder: Where the essays are.
        name: Its file, which must not exist yet: letters, digits, ``_.-``.
        text: What was handed in.

    Raises:
        FileExistsError: An essay was handed in under this name before.
        OSError: If it can't be written. Before it is whole it has no name, so that a
            second try finds nothing in its way; only if the folder can't be synced,
            the essay is there.
        ValueError: If it is no such name, or the text can't be encoded.

    Examples:
        >>> import asyncio
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(keep(Path(folder), "ada.txt", "On engines"))
        ...     Path(folder, "ada.txt").read_text(encoding="utf-8")
        'On engines'
    """
    # --8<-- [start:answer]
    if not FILE_NAME.fullmatch(name):
        raise ValueError(f"not the name of an essay: {name[:80]!r}")
    # The thread waits in the system, without the GIL: the loop runs on meanwhile.
    await asyncio.to_thread(_write_through, folder / name, text)
    # --8<-- [end:answer]


def workers(count: int) -> ProcessPoolExecutor:
    """Give processes for computation in Python, each with a GIL of its own.

    Enter it around ``asyncio.run``: leaving it waits for the processes, and would
    hold the loop up inside a coroutine.

    Args:
        count: How many comparisons run at once; one per spare core.

    Returns:
        A pool whose processes start when the first essays are compared.

    Raises:
        ValueError: If the count is below 1.
    """
    # A forked child would inherit locks that other threads hold at that moment.
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


async def likeness(pool: ProcessPoolExecutor, one: str, other: str) -> float:
    """Tell how much two essays have in common.

    Args:
        pool: Processes to compare them in, from ``workers``.
        one: An essay.
        other: Another.

    Returns:
        From 0, nothing, to 1, the same text.

    Raises:
        ValueError: If an essay has more than 5,000 letters.
        RuntimeError: If the pool was shut down, or one of its processes has died, as
            BrokenProcessPool: then it needs a new pool.
    """
    if max(len(one), len(other)) > MAX_LETTERS:
        raise ValueError(f"an essay of more than {MAX_LETTERS} letters")
    loop = asyncio.get_running_loop()
    # Arguments and result are pickled: pass plain data and a module's function.
    return await loop.run_in_executor(pool, _ratio, one, other)


def _write_through(path: Path, text: str) -> None:
    """Write a new file; for a thread."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent) as essay:
        essay.write(text)
        essay.flush()
        os.fsync(essay.fileno())
        path.hardlink_to(essay.name)  # unlike a rename, this refuses to overwrite
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is an entry in the folder
    finally:
        os.close(folder)


def _ratio(one: str, other: str) -> float:
    """Compare letter by letter, in Python; for a process."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
