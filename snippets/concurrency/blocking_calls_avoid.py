"""Take in essays and compare them while everybody else waits."""

import asyncio
import os
import time
from difflib import SequenceMatcher
from pathlib import Path


# expect: ruff[RUF029]
async def keep(folder: Path, name: str, text: str) -> None:
    # expect: ruff[ASYNC230]
    with Path(folder, name).open("x", encoding="utf-8") as essay:
        essay.write(text)
        essay.flush()
        # expect: test[fsync_on_the_loop_stops_every_other_task]
        os.fsync(essay.fileno())


async def keep_in_turn(turn: asyncio.Lock, folder: Path, name: str, text: str) -> None:
    async with turn:
        with (folder / name).open("x", encoding="utf-8") as essay:
            essay.write(text)
            essay.flush()
            # expect: test[debug_mode_names_the_blocking_step_that_no_linter_reports]
            os.fsync(essay.fileno())


# expect: ruff[RUF029]
async def await_upload(unfinished: Path) -> None:
    # expect: ruff[ASYNC240]
    while unfinished.exists():
        # expect: ruff[ASYNC251] test[a_polling_sleep_starves_the_task_it_waits_for]
        time.sleep(0.1)


async def likeness(one: str, other: str) -> float:
    # expect: test[a_computation_in_a_thread_leaves_the_loop_few_turns]
    return await asyncio.to_thread(_ratio, one, other)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
