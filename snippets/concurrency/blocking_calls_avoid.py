"""Take in essays and compare them while everybody else waits."""

import asyncio
import os
import re
import time
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import NamedTemporaryFile

FILE_NAME = re.compile(r"\w[\w.-]*")
MAX_LETTERS = 5_000


# expect: ruff[RUF029]
async def keep(folder: Path, name: str, text: str) -> None:
    # --8<-- [start:answer]
    if not FILE_NAME.fullmatch(name):
        raise ValueError(f"not the name of an essay: {name[:80]!r}")
    # expect: test[fsync_on_the_loop_stops_every_other_task]
    _write_through(folder / name, text)
    # --8<-- [end:answer]


async def keep_in_turn(turn: asyncio.Lock, folder: Path, name: str, text: str) -> None:
    if not FILE_NAME.fullmatch(name):
        raise ValueError(f"not the name of an essay: {name[:80]!r}")
    async with turn:
        # expect: test[debug_mode_names_the_blocking_step_that_no_linter_reports]
        _write_through(folder / name, text)


# expect: ruff[RUF029]
async def load(folder: Path, name: str) -> str:
    # expect: ruff[ASYNC230]
    with Path(folder, name).open(encoding="utf-8") as essay:
        return essay.read()


# expect: ruff[RUF029]
async def await_upload(unfinished: Path) -> None:
    # expect: ruff[ASYNC240]
    while unfinished.exists():
        # expect: ruff[ASYNC251] test[a_polling_sleep_starves_the_task_it_waits_for]
        time.sleep(0.1)


async def likeness(one: str, other: str) -> float:
    if max(len(one), len(other)) > MAX_LETTERS:
        raise ValueError(f"an essay of more than {MAX_LETTERS} letters")
    # expect: test[a_computation_in_a_thread_leaves_the_loop_few_turns]
    return await asyncio.to_thread(_ratio, one, other)


def _write_through(path: Path, text: str) -> None:
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent) as essay:
        essay.write(text)
        essay.flush()
        os.fsync(essay.fileno())
        path.hardlink_to(essay.name)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
