import asyncio
import logging
import math
from typing import Any, override

import anyio
import pytest
import trio
from trio.testing import MockClock

from proof.testing.basics import Observe
from proof.testing.clock import (
    CONTROLLED_ASYNCIO,
    ControlledLoop,
    controlled_trio,
)
from snippets.concurrency.anyio import fastest
from snippets.concurrency.anyio_avoid import (
    Mirror,
    fastest_on_asyncio,
    fetch_with_asyncios_clean_up,
    fetch_with_asyncios_error,
)

pytestmark = pytest.mark.anyio
only = pytest.mark.parametrize


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO if request.param == "asyncio" else controlled_trio()


class Mirrors:
    """What happened at each mirror, and how many seconds after the first request."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.begun = math.nan

    def tell(self, what: str) -> None:
        now = anyio.current_time()
        if not self.told:
            self.begun = now
        self.told.append(f"{now - self.begun:g} s: {what}")


class Fake:
    """A mirror that answers, or fails, after some seconds."""

    def __init__(
        self,
        mirrors: Mirrors,
        name: str,
        *,
        after: float,
        error: Exception | None = None,
        closes_after: float = 1,
    ) -> None:
        self.mirrors = mirrors
        self.name = name
        self.after = after
        self.error = error
        self.closes_after = closes_after
        self.close_error: Exception | None = None

    async def fetch(self) -> bytes:
        self.mirrors.tell(f"{self.name} is asked")
        await anyio.sleep(self.after)
        if self.error is not None:
            self.mirrors.tell(f"{self.name} fails")
            raise self.error
        self.mirrors.tell(f"{self.name} answers")
        return self.name.encode()

    async def aclose(self) -> None:
        await anyio.sleep(self.closes_after)
        if self.close_error is not None:
            raise self.close_error
        self.mirrors.tell(f"{self.name} is closed")


@pytest.fixture
def mirrors() -> Mirrors:
    return Mirrors()


async def test_a_mirror_that_answers_within_its_head_start_is_the_only_one_asked(
    mirrors: Mirrors,
) -> None:
    both = (Fake(mirrors, "eu", after=1), Fake(mirrors, "us", after=1))
    answer: bytes = await fastest(both, head_start=2)
    assert answer == b"eu"
    assert mirrors.told == ["0 s: eu is asked", "1 s: eu answers", "2 s: eu is closed"]


async def test_the_first_answer_wins_and_the_slow_mirror_is_cancelled_and_closed(
    mirrors: Mirrors,
) -> None:
    slow = Fake(mirrors, "eu", after=60, closes_after=2)
    quick = Fake(mirrors, "us", after=1)
    assert await fastest([slow, quick], head_start=3) == b"us"
    assert mirrors.told == [
        "0 s: eu is asked",
        "3 s: us is asked",
        "4 s: us answers",
        "5 s: us is closed",
        "6 s: eu is closed",
    ]


async def test_a_mirror_that_fails_gives_up_its_head_start(mirrors: Mirrors) -> None:
    down = Fake(mirrors, "eu", after=1, error=OSError("down"), closes_after=3)
    quick = Fake(mirrors, "us", after=1)
    assert await fastest([down, quick], head_start=60) == b"us"
    assert mirrors.told == [
        "0 s: eu is asked",
        "1 s: eu fails",
        "1 s: us is asked",
        "2 s: us answers",
        "3 s: us is closed",
        "4 s: eu is closed",
    ]


async def test_a_slow_mirror_still_counts_after_its_head_start(
    mirrors: Mirrors,
) -> None:
    slow = Fake(mirrors, "eu", after=5)
    down = Fake(mirrors, "us", after=1, error=OSError("down"))
    assert await fastest([slow, down], head_start=1) == b"eu"


async def test_of_two_answers_at_the_same_moment_the_first_is_taken(
    mirrors: Mirrors,
) -> None:
    pair = [Fake(mirrors, "eu", after=2), Fake(mirrors, "us", after=1)]
    answer = await fastest(pair, head_start=1)
    [first, *_] = [what for what in mirrors.told if what.endswith("answers")]
    assert first == f"2 s: {answer.decode()} answers"


async def test_where_every_mirror_fails_every_error_is_told(mirrors: Mirrors) -> None:
    errors = [ConnectionRefusedError("eu is down"), ConnectionResetError("us hung up")]
    names = ("eu", "us")
    all_down = [
        Fake(mirrors, name, after=1, error=error)
        for name, error in zip(names, errors, strict=True)
    ]
    with pytest.raises(ExceptionGroup) as caught:
        await fastest(all_down, head_start=0.5)
    assert caught.value.message == "no mirror answered"
    assert list(caught.value.exceptions) == errors


async def test_without_a_mirror_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(ValueError, match=r"^no mirror to ask$"):
        await fastest([], head_start=1)


async def test_a_head_start_is_named_at_the_call(mirrors: Mirrors) -> None:
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were"):
        await fastest([Fake(mirrors, "eu", after=1)], 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - refused by design


async def test_an_error_that_is_no_outage_ends_the_race(mirrors: Mirrors) -> None:
    slow = Fake(mirrors, "eu", after=60)
    broken = Fake(mirrors, "us", after=1, error=ValueError("not a file"))
    with pytest.raises(ExceptionGroup) as caught:
        await fastest([slow, broken], head_start=1)
    assert list(caught.value.exceptions) == [broken.error]
    assert mirrors.told[3:] == ["3 s: us is closed", "4 s: eu is closed"]


async def test_a_deadline_outside_ends_the_race_and_every_mirror_is_closed(
    mirrors: Mirrors,
) -> None:
    slow = Fake(mirrors, "eu", after=60, closes_after=1)
    slower = Fake(mirrors, "us", after=90, closes_after=2)
    with pytest.raises(TimeoutError):
        with anyio.fail_after(10):
            await fastest([slow, slower], head_start=1)
    assert mirrors.told == [
        "0 s: eu is asked",
        "1 s: us is asked",
        "11 s: eu is closed",
        "12 s: us is closed",
    ]


async def test_a_close_that_hangs_is_given_up_after_five_seconds(
    mirrors: Mirrors, caplog: pytest.LogCaptureFixture
) -> None:
    hanging = Fake(mirrors, "eu", after=1, closes_after=math.inf)
    with anyio.fail_after(60):
        assert await fastest([hanging], head_start=1) == b"eu"
    mirrors.tell("done")
    assert mirrors.told[2:] == ["6 s: done"]
    assert caplog.messages == ["a mirror was not closed"]


@only("loser_closes_after", [1, math.inf])
async def test_a_close_that_fails_or_hangs_is_logged_and_the_answer_is_kept(
    mirrors: Mirrors, caplog: pytest.LogCaptureFixture, loser_closes_after: float
) -> None:
    slow = Fake(mirrors, "eu", after=60, closes_after=loser_closes_after)
    quick = Fake(mirrors, "us", after=1, closes_after=0)
    slow.close_error = quick.close_error = RuntimeError("hung up")
    with anyio.fail_after(60):
        assert await fastest([slow, quick], head_start=1) == b"us"
    assert (
        caplog.record_tuples
        == [("snippets.concurrency.anyio", logging.ERROR, "a mirror was not closed")]
        * 2
    )


async def test_a_close_that_fails_does_not_replace_the_errors_of_the_mirrors(
    mirrors: Mirrors,
) -> None:
    down = Fake(mirrors, "eu", after=1, error=OSError("down"))
    down.close_error = RuntimeError("hung up")
    with pytest.raises(ExceptionGroup, match="no mirror answered") as caught:
        await fastest([down], head_start=1)
    assert list(caught.value.exceptions) == [down.error]


async def test_a_mirror_that_answers_its_cancellation_with_a_bug_ends_the_race(
    mirrors: Mirrors,
) -> None:
    class Broken(Fake):
        @override
        async def fetch(self) -> bytes:
            try:
                return await super().fetch()
            finally:
                raise bug

    bug = RuntimeError("bug")
    pair = [Broken(mirrors, "eu", after=60), Fake(mirrors, "us", after=1)]
    with pytest.raises(ExceptionGroup) as caught:
        await fastest(pair, head_start=1)
    assert list(caught.value.exceptions) == [bug]


@only("head_start", [-1, -0.001, math.nan, math.inf, 60.001, 10**400])
async def test_a_head_start_that_is_no_wait_is_refused(
    mirrors: Mirrors, head_start: float
) -> None:
    with pytest.raises(ValueError, match=r"^head_start must be from 0 to 60 seconds$"):
        await fastest([Fake(mirrors, "eu", after=1)], head_start=head_start)
    assert mirrors.told == []


async def test_without_a_head_start_all_mirrors_are_asked_at_once(
    mirrors: Mirrors,
) -> None:
    pair = [Fake(mirrors, "eu", after=2), Fake(mirrors, "us", after=1)]
    assert await fastest(pair, head_start=-0.0) == b"us"
    assert sorted(mirrors.told[:2]) == ["0 s: eu is asked", "0 s: us is asked"]


def test_a_program_for_asyncio_alone_can_await_it(mirrors: Mirrors) -> None:
    race = fastest([Fake(mirrors, "eu", after=1)], head_start=2)
    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        assert runner.run(race) == b"eu"


def test_a_program_for_trio_alone_can_await_it(mirrors: Mirrors) -> None:
    async def main() -> bytes:
        return await fastest([Fake(mirrors, "eu", after=1)], head_start=2)

    assert trio.run(main, clock=MockClock(autojump_threshold=0)) == b"eu"


@only("anyio_backend", ["asyncio"], indirect=True)
async def test_on_asyncio_a_task_group_of_its_own_does_the_same(
    mirrors: Mirrors, caplog: pytest.LogCaptureFixture
) -> None:
    down = Fake(mirrors, "eu", after=1, error=OSError("down"))
    slow = Fake(mirrors, "us", after=60)
    slow.close_error = OSError("hung up")
    quick = Fake(mirrors, "ap", after=1)
    unasked = Fake(mirrors, "sa", after=1)
    four = (down, slow, quick, unasked)
    assert await fastest_on_asyncio(four, head_start=2) == b"ap"
    assert mirrors.told == [
        "0 s: eu is asked",
        "1 s: eu fails",
        "1 s: us is asked",
        "2 s: eu is closed",
        "3 s: ap is asked",
        "4 s: ap answers",
        "5 s: ap is closed",
    ]
    assert caplog.messages == ["a mirror was not closed"]
    with pytest.raises(ExceptionGroup, match=r"^no mirror answered"):
        await fastest_on_asyncio([down], head_start=2)
    with pytest.raises(ValueError, match=r"^no mirror to ask$"):
        await fastest_on_asyncio([], head_start=2)
    with pytest.raises(ValueError, match=r"^head_start must be from 0 to 60 seconds$"):
        await fastest_on_asyncio([down], head_start=61)


@only("anyio_backend", ["trio"], indirect=True)
async def test_under_trio_a_task_group_of_asyncio_finds_no_loop(
    mirrors: Mirrors, observe: Observe
) -> None:
    with pytest.raises(RuntimeError, match=r"^no running event loop$") as caught:
        await fastest_on_asyncio([Fake(mirrors, "eu", after=1)], head_start=2)
    observe(caught.value)
    assert mirrors.told == []


@only("anyio_backend", ["asyncio"], indirect=True)
async def test_on_asyncio_its_own_error_tells_of_a_cancellation(
    mirrors: Mirrors,
) -> None:
    slow = Fake(mirrors, "eu", after=60)
    abandoned: list[Mirror] = []
    with anyio.move_on_after(1):
        await fetch_with_asyncios_error(slow, abandoned)
    assert abandoned == [slow]


@only("anyio_backend", ["trio"], indirect=True)
async def test_under_trio_asyncios_cancelled_error_never_comes(
    mirrors: Mirrors, observe: Observe
) -> None:
    abandoned: list[Mirror] = []
    with anyio.move_on_after(1) as scope:
        await fetch_with_asyncios_error(Fake(mirrors, "eu", after=60), abandoned)
    observe(f"cancelled: {scope.cancelled_caught}, abandoned: {abandoned}")
    assert scope.cancelled_caught
    assert abandoned == []


async def test_clean_up_without_a_shield_is_cut_short_at_its_first_await(
    mirrors: Mirrors, observe: Observe
) -> None:
    with anyio.move_on_after(1):
        await fetch_with_asyncios_clean_up(Fake(mirrors, "eu", after=60))
    observe(mirrors.told)
    assert mirrors.told == ["0 s: eu is asked"]
