"""Fetch a file from the mirror that answers first, in a library that needs asyncio."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
MAX_HEAD_START = 60.0


class Mirror(Protocol):
    async def fetch(self) -> bytes: ...
    async def aclose(self) -> None: ...


async def fastest_on_asyncio(mirrors: Sequence[Mirror], *, head_start: float) -> bytes:
    if not mirrors:
        raise ValueError("no mirror to ask")
    if not 0 <= head_start <= MAX_HEAD_START:
        raise ValueError("head_start must be from 0 to 60 seconds")
    answers: list[bytes] = []
    errors: list[OSError] = []
    racing: list[asyncio.Task[None]] = []

    async def ask(mirror: Mirror, ended: asyncio.Event) -> None:
        try:
            answers.append(await mirror.fetch())
            for other in racing:
                if other is not asyncio.current_task():
                    other.cancel()
        except OSError as error:
            errors.append(error)
        finally:
            ended.set()
            await _close(mirror)

    # --8<-- [start:answer]
    # expect: test[under_trio_a_task_group_of_asyncio_finds_no_loop]
    async with asyncio.TaskGroup() as race:
        for mirror in mirrors:
            ended = asyncio.Event()
            racing.append(race.create_task(ask(mirror, ended)))
            with suppress(TimeoutError):
                async with asyncio.timeout(head_start):
                    await ended.wait()
            if answers:
                break
    # --8<-- [end:answer]
    if not answers:
        raise ExceptionGroup("no mirror answered", errors)
    return answers[0]


async def _close(mirror: Mirror) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await mirror.aclose()
    except Exception:
        log.exception("a mirror was not closed")


async def fetch_with_asyncios_error(mirror: Mirror, abandoned: list[Mirror]) -> bytes:
    try:
        return await mirror.fetch()
    # expect: test[under_trio_asyncios_cancelled_error_never_comes]
    except asyncio.CancelledError:
        abandoned.append(mirror)
        raise


async def fetch_with_asyncios_clean_up(mirror: Mirror) -> bytes:
    try:
        return await mirror.fetch()
    finally:
        # expect: test[clean_up_without_a_shield_is_cut_short_at_its_first_await]
        await mirror.aclose()
