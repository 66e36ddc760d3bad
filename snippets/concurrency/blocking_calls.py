"""Take in essays and compare them while the event loop goes on serving."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from difflib import SequenceMatcher
from pathlib import Path


def workers(count: int) -> ProcessPoolExecutor:
    """Give processes for computation in Python, each with a GIL of its own.

    Enter it around ``asyncio.run``: leaving it waits for the processes, and would
    hold the loop up inside a coroutine.

    Args:
        count: How many comparisons run at once; one per spare core.

    Returns:
        A pool whose processes start when the first essays are compared.
    """
    # A forked child would inherit locks that other threads hold at that moment.
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


async def keep(folder: Path, name: str, text: str) -> None:
    """Write an essay once, and return when the disk has it.

    Args:
        folder: Where the essays are.
        name: Its file, which must not exist yet.
        text: What was handed in.

    Raises:
        FileExistsError: An essay was handed in under this name before.

    Examples:
        >>> import asyncio
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(keep(Path(folder), "ada.txt", "On engines"))
        ...     Path(folder, "ada.txt").read_text(encoding="utf-8")
        'On engines'
    """
    # The thread waits in the system, without the GIL: the loop runs on meanwhile.
    await asyncio.to_thread(_write_through, folder / name, text)


async def likeness(pool: ProcessPoolExecutor, one: str, other: str) -> float:
    """Tell how much two essays have in common.

    Args:
        pool: Processes to compare them in, from ``workers``.
        one: An essay.
        other: Another.

    Returns:
        From 0, nothing, to 1, the same text.
    """
    loop = asyncio.get_running_loop()
    # Arguments and result are pickled: pass plain data and a module's function.
    return await loop.run_in_executor(pool, _ratio, one, other)


def _write_through(path: Path, text: str) -> None:
    """Write a new file; for a thread."""
    with path.open("x", encoding="utf-8") as essay:
        essay.write(text)
        essay.flush()
        os.fsync(essay.fileno())


def _ratio(one: str, other: str) -> float:
    """Compare letter by letter, in Python; for a process."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
