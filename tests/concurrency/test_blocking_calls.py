import asyncio
import errno
import hashlib
import logging
import multiprocessing
import os
import random
import stat
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from difflib import SequenceMatcher
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO, REAL_ASYNCIO
from proof.testing.record import Measured, Timeline
from snippets.concurrency import blocking_calls_avoid
from snippets.concurrency.blocking_calls import keep, likeness, workers

pytestmark = pytest.mark.anyio

TRIES = 10
LONG_ENOUGH = 30  # seconds until a test that hangs gives up

WORDS = ["analytical", "card", "engine", "mill", "number", "of", "store", "the"]
ONE = " ".join(random.Random(1).choices(WORDS, k=200))  # noqa: S311 - no secret
OTHER = " ".join(random.Random(2).choices(WORDS, k=200))  # noqa: S311 - no secret

type Work = Callable[[], Coroutine[Any, Any, object]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


on_a_real_clock = pytest.mark.parametrize(
    "anyio_backend", [pytest.param(REAL_ASYNCIO, id="a real clock")]
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with workers(1) as one:
        one.submit(int).result(LONG_ENOUGH)  # its process is there
        yield one


class Disk:
    """A disk whose fsync answers when a test says so."""

    def __init__(self) -> None:
        self.asked = Event()
        self.answer = Event()
        self.patience = LONG_ENOUGH  # seconds until it answers by itself
        self.answered_in_time = False
        self.synced: list[int | str] = []
        self.descriptors: list[int] = []
        self.error_at = 0  # the number of the fsync that fails

    def fsync(self, descriptor: int) -> None:
        state = os.fstat(descriptor)
        self.descriptors.append(descriptor)
        self.synced.append(
            f"folder of {sorted(os.listdir(descriptor))}"
            if stat.S_ISDIR(state.st_mode)
            else state.st_size
        )
        if len(self.synced) == self.error_at:
            raise OSError(errno.EIO, "disk")
        self.asked.set()
        self.answered_in_time = self.answer.wait(self.patience)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    slow = Disk()
    monkeypatch.setattr(os, "fsync", slow.fsync)
    return slow


async def beat(timeline: Timeline, disk: Disk) -> None:
    """Beat three times, a second apart; the last beat lets the disk answer."""
    with timeline.lane("heart"):
        timeline.add("heart", "notes", "beat")
        await asyncio.sleep(1)
        timeline.add("heart", "notes", "beat")
        await asyncio.sleep(1)
        timeline.add("heart", "notes", "beat")
        disk.answer.set()


async def record(
    timeline: Timeline, keeping: Coroutine[Any, Any, None], disk: Disk
) -> None:
    """Keep an essay beside a beating heart."""

    async def hand_in() -> None:
        with timeline.lane("essay"), timeline.wait("essay", "disk"):
            await keeping

    async with asyncio.TaskGroup() as group:
        group.create_task(beat(timeline, disk))
        group.create_task(hand_in())


async def at_once(function: Callable[[], object]) -> None:
    """Compute on the loop."""
    await asyncio.sleep(0)
    function()


async def beats_during(work: Work) -> int:
    """Count the beats of a heart, a millisecond apart, while some work is done."""
    task = asyncio.create_task(work())
    for _ in range(2):
        await asyncio.sleep(0)  # here it blocks, where it does
    beats = 0
    while not task.done():
        await asyncio.sleep(0.001)
        beats += 1
    await task
    return beats


async def most_beats_of_three(work: Work) -> int:
    return max([await beats_during(work) for _ in range(3)])


async def test_the_loop_serves_others_while_the_disk_is_busy(
    disk: Disk, tmp_path: Path, timeline: Timeline
) -> None:
    await record(timeline, keep(tmp_path, "ada.txt", "On engines"), disk)
    assert disk.answered_in_time
    assert timeline.told == [
        "heart starts",
        "heart notes: beat",
        "essay starts",
        "essay waits: disk",
        "heart notes: beat",
        "heart notes: beat",
        "heart ends",
        "essay goes on",
        "essay ends",
    ]


async def test_an_essay_is_confirmed_when_the_disk_has_all_of_it_and_its_name(
    disk: Disk, tmp_path: Path
) -> None:
    disk.answer.set()
    await keep(tmp_path, "ada.txt", "Über Maschinen")
    assert disk.synced == [len("Über Maschinen".encode()), "folder of ['ada.txt']"]
    assert (tmp_path / "ada.txt").read_bytes() == "Über Maschinen".encode()


async def test_an_essay_is_never_overwritten(tmp_path: Path) -> None:
    await keep(tmp_path, "ada.txt", "On engines")
    with pytest.raises(FileExistsError):
        await keep(tmp_path, "ada.txt", "On engines, improved")
    assert (tmp_path / "ada.txt").read_text(encoding="utf-8") == "On engines"
    assert names_in(tmp_path) == ["ada.txt"]


async def test_of_two_essays_at_once_under_one_name_one_is_kept(tmp_path: Path) -> None:
    texts = ["On engines", "On cards"]
    kept = await asyncio.gather(
        *(keep(tmp_path, "ada.txt", text) for text in texts), return_exceptions=True
    )
    [winner] = [text for text, end in zip(texts, kept, strict=True) if end is None]
    assert sorted(type(end).__name__ for end in kept) == ["FileExistsError", "NoneType"]
    assert (tmp_path / "ada.txt").read_text(encoding="utf-8") == winner


async def test_a_disk_that_fails_leaves_no_file_in_the_way_of_a_second_try(
    disk: Disk, tmp_path: Path
) -> None:
    disk.answer.set()
    disk.error_at = 1
    with pytest.raises(OSError, match="disk"):
        await keep(tmp_path, "ada.txt", "On engines")
    assert names_in(tmp_path) == []
    await keep(tmp_path, "ada.txt", "On engines")
    assert names_in(tmp_path) == ["ada.txt"]


async def test_where_the_folder_is_not_synced_the_essay_is_there(
    disk: Disk, tmp_path: Path
) -> None:
    disk.answer.set()
    disk.error_at = 2
    with pytest.raises(OSError, match="disk"):
        await keep(tmp_path, "ada.txt", "On engines")
    assert (tmp_path / "ada.txt").read_text(encoding="utf-8") == "On engines"


@pytest.mark.parametrize("error_at", [0, 1, 2])
async def test_file_and_folder_are_closed_afterwards(
    disk: Disk, tmp_path: Path, error_at: int
) -> None:
    disk.answer.set()
    disk.error_at = error_at
    await asyncio.gather(keep(tmp_path, "7", "On engines"), return_exceptions=True)
    assert [is_open(each) for each in disk.descriptors] == [False] * (error_at or 2)


async def test_a_text_that_cannot_be_encoded_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        await keep(tmp_path, "ada.txt", "On engines \ud800")
    assert names_in(tmp_path) == []


NO_NAMES = ["", ".", "..", "../a", "a/b", "/etc/a", "-rf", "a\0", "a\n", "\ud800", ".a"]


@pytest.mark.parametrize("name", NO_NAMES)
async def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, name: str
) -> None:
    for refuse in (
        keep(tmp_path, name, "On engines"),
        blocking_calls_avoid.keep(tmp_path, name, "On engines"),
        blocking_calls_avoid.keep_in_turn(asyncio.Lock(), tmp_path, name, "On engines"),
    ):
        with pytest.raises(ValueError, match=r"^not the name of an essay: ") as refused:
            await refuse
        assert str(refused.value).endswith(repr(name))


async def test_a_refused_name_is_told_by_its_beginning(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name") as refused:
        await keep(tmp_path, "/" * 1_000_000, "On engines")
    assert str(refused.value) == f"not the name of an essay: {'/' * 80!r}"


@pytest.mark.parametrize("text", ["a" * 5_001, "a" * 1_000_000])
async def test_essays_that_take_too_long_to_compare_are_refused(
    pool: ProcessPoolExecutor, text: str
) -> None:
    too_long = r"^an essay of more than 5000 letters$"
    with pytest.raises(ValueError, match=too_long):
        await likeness(pool, text, "mill")
    with pytest.raises(ValueError, match=too_long):
        await likeness(pool, "mill", text)
    with pytest.raises(ValueError, match=too_long):
        await blocking_calls_avoid.likeness("mill", text)


async def test_the_longest_essay_is_compared(pool: ProcessPoolExecutor) -> None:
    assert await likeness(pool, "a" * 5_000, "b") == 0


@pytest.mark.parametrize("count", [0, -1])
def test_a_pool_without_a_process_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"^max_workers must be greater than 0$"):
        workers(count)


async def test_a_pool_that_was_shut_down_compares_nothing() -> None:
    with workers(1) as ended:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        await likeness(ended, "mill", "mile")


async def test_one_process_that_dies_breaks_its_pool_for_good() -> None:
    with workers(1) as breaks:
        with pytest.raises(BrokenProcessPool):
            breaks.submit(os._exit, 1).result(LONG_ENOUGH)
        with pytest.raises(BrokenProcessPool):
            await likeness(breaks, "mill", "mile")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("engine", "engine", 1.0, id="the same"),
        pytest.param("engine", "soup", 0.0, id="nothing in common"),
        pytest.param("mill", "mile", 0.75, id="three letters of four"),
        pytest.param("ab" * 100, "ab" * 99 + "cd", 0.99, id="long"),
        pytest.param("xab", "abcdx", 0.5, id="the order matters"),
        pytest.param("tide", "diet", 0.25, id="first against second"),
    ],
)
async def test_likeness_is_the_share_of_letters_in_common(
    pool: ProcessPoolExecutor, one: str, other: str, expected: float
) -> None:
    assert await likeness(pool, one, other) == expected


def test_a_worker_is_spawned_not_forked(pool: ProcessPoolExecutor) -> None:
    for waiting in [pool.submit(int) for _ in range(3)]:
        waiting.result(LONG_ENOUGH)
    kinds = [type(child).__name__ for child in multiprocessing.active_children()]
    assert kinds == ["SpawnProcess"]


@on_a_real_clock
async def test_a_computation_in_a_thread_leaves_the_loop_few_turns(
    pool: ProcessPoolExecutor, measured: Measured
) -> None:
    def compare() -> float:
        return SequenceMatcher(None, ONE, OTHER, autojunk=False).ratio()

    in_a_process = in_a_thread = 0
    for _ in range(TRIES):  # other work on this machine takes turns from either
        in_a_process = await most_beats_of_three(lambda: likeness(pool, ONE, OTHER))
        in_a_thread = await most_beats_of_three(
            lambda: blocking_calls_avoid.likeness(ONE, OTHER)
        )
        if in_a_thread * 2 < in_a_process:
            break
    on_the_loop = await most_beats_of_three(lambda: at_once(compare))
    measured.row(
        "Beats of a heart, 1 ms apart, during one comparison",
        "beats",
        {
            "in a process": in_a_process,
            "in a thread": in_a_thread,
            "on the loop": on_the_loop,
        },
    )
    assert on_the_loop == 0
    assert in_a_thread * 2 < in_a_process


@on_a_real_clock
async def test_a_thread_is_enough_for_c_code_that_releases_the_gil(
    measured: Measured,
) -> None:
    def digest() -> bytes:
        return hashlib.scrypt(b"secret", salt=b"salt", n=2**13, r=8, p=2)

    in_a_thread = await most_beats_of_three(lambda: asyncio.to_thread(digest))
    on_the_loop = await most_beats_of_three(lambda: at_once(digest))
    measured.row(
        "Beats during one scrypt",
        "beats",
        {"in a thread": in_a_thread, "on the loop": on_the_loop},
    )
    assert on_the_loop == 0
    assert in_a_thread > 2


async def test_cancelling_the_caller_does_not_stop_the_thread(
    disk: Disk, tmp_path: Path
) -> None:
    keeping = asyncio.create_task(keep(tmp_path, "ada.txt", "On engines"))
    await asyncio.to_thread(disk.asked.wait, LONG_ENOUGH)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert not disk.answer.is_set()
    [unfinished] = names_in(tmp_path)
    assert unfinished != "ada.txt"
    disk.answer.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert disk.answered_in_time
    assert (tmp_path / "ada.txt").read_text(encoding="utf-8") == "On engines"


async def test_a_name_lookup_waits_while_blocking_calls_hold_every_thread() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    release = Event()
    holding = asyncio.create_task(asyncio.to_thread(release.wait, LONG_ENOUGH))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await loop.getaddrinfo("127.0.0.1", 80)
    release.set()
    assert await holding
    assert await loop.getaddrinfo("127.0.0.1", 80)


async def test_fsync_on_the_loop_stops_every_other_task(
    disk: Disk, tmp_path: Path, timeline: Timeline, observe: Observe
) -> None:
    disk.patience = 0  # nobody can tell it to answer
    keeping = blocking_calls_avoid.keep(tmp_path, "ada.txt", "On engines")
    await record(timeline, keeping, disk)
    beats = timeline.told[timeline.told.index("essay waits: disk") :].index(
        "essay goes on"
    )
    observe(f"beats of the heart while the disk is busy: {beats - 1}")
    assert not disk.answered_in_time
    assert timeline.told == [
        "heart starts",
        "heart notes: beat",
        "essay starts",
        "essay waits: disk",
        "essay goes on",
        "essay ends",
        "heart notes: beat",
        "heart notes: beat",
        "heart ends",
    ]


async def test_debug_mode_names_the_blocking_step_that_no_linter_reports(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, observe: Observe
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0  # seconds; 0.1 where nobody sets it
    with caplog.at_level(logging.WARNING, "asyncio"):
        await asyncio.create_task(
            blocking_calls_avoid.keep_in_turn(
                asyncio.Lock(), tmp_path, "ada.txt", "On engines"
            ),
            name="ada's essay",
        )
    (slow,) = [each for each in caplog.messages if "ada's essay" in each]
    observe(slow.partition(" coro=")[0] + " …")
    assert slow.startswith('Executing <Task finished name="ada\'s essay"')
    assert "keep_in_turn() done" in slow


async def test_a_polling_sleep_starves_the_task_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observe: Observe
) -> None:
    class StillPollingError(Exception):
        pass

    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 600:
            raise StillPollingError

    async def upload() -> None:
        await asyncio.sleep(0)
        unfinished.unlink()

    monkeypatch.setattr(time, "sleep", nap)
    unfinished = tmp_path / "ada.part"
    unfinished.touch()
    uploading = asyncio.create_task(upload())
    with pytest.raises(StillPollingError):
        await blocking_calls_avoid.await_upload(unfinished)
    assert unfinished.exists()
    observe(f"polled for {sum(naps):.0f} s; the upload, ready to end, had no turn")
    await uploading
    assert not unfinished.exists()


async def test_an_essay_kept_on_the_loop_can_be_loaded_on_the_loop(
    tmp_path: Path,
) -> None:
    await blocking_calls_avoid.keep(tmp_path, "ada.txt", "Über Maschinen")
    assert await blocking_calls_avoid.load(tmp_path, "ada.txt") == "Über Maschinen"
