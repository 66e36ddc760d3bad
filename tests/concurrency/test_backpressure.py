import asyncio
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, override
from weakref import WeakSet

import pytest

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Measured, Timeline
from snippets.concurrency import backpressure, backpressure_avoid
from snippets.concurrency.backpressure import archive
from snippets.concurrency.backpressure_avoid import (
    archive_in_tasks,
    archive_unbounded,
    archive_what_fits,
)

pytestmark = pytest.mark.anyio

AHEAD = 10
FRAMES = 200
STORE_SECONDS = 0.25
TIME_LIMIT = 3600


VARIANTS: dict[str, Callable[..., Awaitable[None]]] = {
    "bounded queue": partial(archive, ahead=AHEAD),
    "unbounded queue": archive_unbounded,
    "a task each": partial(archive_in_tasks, ahead=AHEAD),
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class Frame:
    """A frame that is counted for as long as anybody holds it."""

    def __init__(self, number: int) -> None:
        self.number = number


async def stream[T](items: Iterable[T], *, every: float = 0) -> AsyncGenerator[T]:
    """Give the items; without ``every`` the loop gets no chance in between."""
    for item in items:
        if every:
            await asyncio.sleep(every)
        yield item


class Camera:
    """Counts how many of its frames are in memory after each."""

    def __init__(self, count: int = FRAMES) -> None:
        self._count = count
        self._alive = WeakSet[Frame]()
        self.most_in_memory = 0
        self.read = 0

    def frames(self) -> Iterator[Frame]:
        for number in range(self._count):
            frame = Frame(number)
            self.read += 1
            self._alive.add(frame)
            self.most_in_memory = max(self.most_in_memory, len(self._alive))
            yield frame


class Disk:
    """Stores slowly, and keeps the number of each frame but not the frame."""

    def __init__(self, camera: Camera | None = None) -> None:
        self._camera = camera
        self.stored: list[int] = []
        self.read_before_first: int | None = None

    async def store(self, frame: Frame) -> None:
        if self.read_before_first is None and self._camera:
            self.read_before_first = self._camera.read
        await asyncio.sleep(STORE_SECONDS)
        self.stored.append(frame.number)


async def bounded[F](awaitable: Awaitable[F]) -> F:
    """Wait for it, but not for ever: a hang is a TimeoutError."""
    async with asyncio.timeout(TIME_LIMIT):
        return await awaitable


async def test_every_frame_is_stored_in_order() -> None:
    disk = Disk()
    await bounded(archive(stream(Camera().frames()), disk.store, ahead=AHEAD))
    assert disk.stored == list(range(FRAMES))


@pytest.mark.parametrize("ahead", [1, 2, AHEAD])
async def test_the_queue_one_frame_in_each_hand_and_no_more_are_in_memory(
    ahead: int,
) -> None:
    camera = Camera()
    await bounded(archive(stream(camera.frames()), Disk().store, ahead=ahead))
    assert camera.most_in_memory == ahead + 2


async def test_the_next_frame_is_read_while_the_last_is_stored() -> None:
    frames = stream(Camera(8).frames(), every=STORE_SECONDS)
    await bounded(archive(frames, Disk().store, ahead=1))
    assert asyncio.get_running_loop().time() == (8 + 1) * STORE_SECONDS


async def test_a_disk_that_fails_stops_the_camera() -> None:
    async def store(frame: Frame) -> None:
        await asyncio.sleep(STORE_SECONDS)
        if frame.number == 3:
            raise OSError(28, "No space left on device")

    camera = Camera()
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="No space left")):
        await bounded(archive(stream(camera.frames()), store, ahead=AHEAD))
    assert camera.read == 3 + 1 + AHEAD + 1


async def test_a_camera_that_fails_stops_the_disk() -> None:
    async def frames() -> AsyncGenerator[Frame]:
        for number in range(3):
            yield Frame(number)
        await asyncio.sleep(1.5 * STORE_SECONDS)
        raise ConnectionError("camera")

    disk = Disk()
    with pytest.RaisesGroup(pytest.RaisesExc(ConnectionError, match="camera")):
        await bounded(archive(frames(), disk.store, ahead=AHEAD))
    assert disk.stored == [0]


async def test_a_store_that_ends_cancelled_ends_the_archive_cancelled() -> None:
    async def store(frame: Frame) -> None:
        await asyncio.sleep(STORE_SECONDS)
        if frame.number == 3:
            raise asyncio.CancelledError

    camera = Camera()
    with pytest.raises(asyncio.CancelledError):
        await bounded(archive(stream(camera.frames()), store, ahead=AHEAD))
    assert camera.read == 3 + 1 + AHEAD + 1


async def test_a_camera_that_ends_cancelled_is_no_end_of_the_frames() -> None:
    async def frames() -> AsyncGenerator[Frame]:
        yield Frame(0)
        await asyncio.sleep(STORE_SECONDS)
        raise asyncio.CancelledError

    disk = Disk()
    with pytest.raises(asyncio.CancelledError):
        await bounded(archive(frames(), disk.store, ahead=AHEAD))
    assert disk.stored == [0]


async def test_a_cancelled_archive_stops_camera_and_disk() -> None:
    tasks = asyncio.all_tasks()
    camera, disk = Camera(), Disk()
    archiving = archive(stream(camera.frames()), disk.store, ahead=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5 * STORE_SECONDS):
            await archiving
    assert disk.stored == [0]
    assert camera.read == 1 + 3
    assert asyncio.all_tasks() == tasks


async def test_in_aclosing_the_camera_is_closed_where_the_disk_fails() -> None:
    async def store(_frame: str) -> None:
        await asyncio.sleep(STORE_SECONDS)
        events.append("disk fails")
        raise OSError

    async def frames() -> AsyncGenerator[str]:
        try:
            while True:
                yield "frame"
        finally:
            await asyncio.sleep(0)
            events.append("camera is closed")

    events: list[str] = []
    try:
        async with aclosing(frames()) as opened:
            await bounded(archive(opened, store, ahead=1))
    except ExceptionGroup:
        events.append("the caller knows")
    assert events == ["disk fails", "camera is closed", "the caller knows"]


async def test_a_store_whose_own_queue_is_shut_down_is_a_failure_and_no_end() -> None:
    async def store(frame: Frame) -> None:
        await uploads.put(frame)

    uploads = asyncio.Queue[Frame]()
    uploads.shutdown()
    with pytest.RaisesGroup(asyncio.QueueShutDown):
        await bounded(archive(stream(Camera(1).frames()), store, ahead=1))


@pytest.mark.parametrize("ahead", [0, -1, -(10**400)])
async def test_a_bound_that_would_be_none_is_refused(ahead: int) -> None:
    with pytest.raises(ValueError, match="ahead must be") as refused:
        await archive(stream(Camera().frames()), Disk().store, ahead=ahead)
    assert str(refused.value) == f"ahead must be at least 1, not {ahead}"


@pytest.mark.parametrize("maxsize", [0, -1])
def test_a_queue_of_zero_or_less_is_never_full(maxsize: int) -> None:
    queue = asyncio.Queue[int](maxsize)
    for number in range(1000):
        queue.put_nowait(number)
    assert not queue.full()


def test_a_put_that_finds_room_ends_without_letting_the_loop_run() -> None:
    with pytest.raises(StopIteration):
        asyncio.Queue[str]().put("frame").send(None)


def test_a_camera_that_cannot_wait_is_told_that_the_queue_is_full() -> None:
    queue = asyncio.Queue[str](maxsize=1)
    queue.put_nowait("frame 1")
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait("frame 2")
    assert queue.get_nowait() == "frame 1"
    assert queue.empty()


async def test_a_consumer_that_puts_into_its_own_full_queue_waits_for_ever() -> None:
    queue = asyncio.Queue[str](maxsize=1)
    await queue.put("frame 1")
    frame = await queue.get()
    await queue.put("frame 2")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(TIME_LIMIT):
            await queue.put(f"{frame} again")


async def test_the_camera_waits_for_room(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "Queue", told_in(timeline))
    await tell(timeline, partial(archive, ahead=1))
    assert timeline.told == [
        "camera starts",
        "camera notes: frame 1",
        "camera notes: frame 2",
        "camera waits: room",
        "disk waits: writing frame 1",
        "camera goes on",
        "camera notes: frame 3",
        "camera waits: room",
        "disk goes on",
        "disk waits: writing frame 2",
        "camera goes on",
        "camera ends",
        "disk goes on",
        "disk waits: writing frame 3",
        "disk goes on",
    ]


async def test_an_unbounded_queue_lets_the_camera_run_ahead(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure_avoid, "Queue", told_in(timeline))
    await tell(timeline, archive_unbounded)
    assert timeline.told == [
        "camera starts",
        "camera notes: frame 1",
        "camera notes: frame 2",
        "camera notes: frame 3",
        "camera ends",
        "disk waits: writing frame 1",
        "disk goes on",
        "disk waits: writing frame 2",
        "disk goes on",
        "disk waits: writing frame 3",
        "disk goes on",
    ]


def told_in(timeline: Timeline) -> type[asyncio.Queue[Any]]:
    """Make a queue that tells when the camera has to wait for room."""

    class Told(asyncio.Queue[Any]):
        @override
        async def put(self, item: Any) -> None:
            if self.full():
                with timeline.wait("camera", "room"):
                    await super().put(item)
            else:
                await super().put(item)

    return Told


async def tell(timeline: Timeline, archive: Callable[..., Awaitable[None]]) -> None:
    """Archive three frames that are there at once."""

    def frames() -> Iterator[str]:
        timeline.add("camera", "starts")
        for number in (1, 2, 3):
            timeline.add("camera", "notes", f"frame {number}")
            yield f"frame {number}"
        timeline.add("camera", "ends")

    async def store(frame: str) -> None:
        with timeline.wait("disk", f"writing {frame}"):
            await asyncio.sleep(STORE_SECONDS)

    await bounded(archive(stream(frames()), store))


async def test_an_unbounded_queue_holds_all_before_the_first_is_stored(
    observe: Observe,
) -> None:
    camera = Camera()
    disk = Disk(camera)
    await bounded(archive_unbounded(stream(camera.frames()), disk.store))
    observe(f"{disk.read_before_first} of {FRAMES} read before the first is stored")
    assert disk.read_before_first == camera.most_in_memory == FRAMES
    assert disk.stored == list(range(FRAMES))


async def test_tasks_that_wait_for_a_semaphore_are_an_unbounded_queue(
    observe: Observe,
) -> None:
    camera, disk = Camera(), Disk()
    await bounded(archive_in_tasks(stream(camera.frames()), disk.store, ahead=AHEAD))
    observe(f"{camera.most_in_memory} of {FRAMES} in memory")
    assert camera.most_in_memory == FRAMES
    assert sorted(disk.stored) == list(range(FRAMES))


async def test_a_suppressed_queue_full_is_a_lost_frame(observe: Observe) -> None:
    camera, disk = Camera(8), Disk()
    await bounded(archive_what_fits(stream(camera.frames()), disk.store, ahead=2))
    observe(f"stored {disk.stored} of {camera.read} frames")
    assert disk.stored == [0, 1]


async def test_memory_stays_flat_with_a_bound_and_grows_without(
    measured: Measured,
) -> None:
    sizes = [50, 100, 200, 400]
    peaks = {
        name: [await peak_in_mib(size, each) for size in sizes]
        for name, each in VARIANTS.items()
    }
    measured.plot(
        "Most memory held", "MiB", over="frames of 16 KiB", sizes=sizes, values=peaks
    )
    flat = peaks["bounded queue"]
    assert flat[-1] < 2 * flat[0]
    for name in ("unbounded queue", "a task each"):
        assert peaks[name][-1] > 4 * peaks[name][0]
        assert peaks[name][-1] > 10 * flat[-1]


async def test_the_bound_is_what_is_held(measured: Measured) -> None:
    held: dict[str, float] = {}
    for name, each in VARIANTS.items():
        camera = Camera()
        await bounded(each(stream(camera.frames()), Disk().store))
        held[name] = camera.most_in_memory
    measured.row(f"Most of {FRAMES} frames in memory", "frames", held)
    assert list(held.values()) == [AHEAD + 2, FRAMES, FRAMES]


async def peak_in_mib(count: int, archive: Callable[..., Awaitable[None]]) -> float:
    async def store(_frame: bytes) -> None:
        await asyncio.sleep(STORE_SECONDS)

    frames = stream(bytes(16 * 1024) for _ in range(count))
    tracemalloc.start()
    try:
        await bounded(archive(frames, store))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak / 2**20
