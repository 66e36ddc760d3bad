"""Fetch a file from a mirror, in a library that only knows asyncio."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol


class Mirror(Protocol):
    async def fetch(self) -> bytes: ...
    async def aclose(self) -> None: ...


async def fetch_with_asyncios_timeout(
    mirrors: Sequence[Mirror], *, head_start: float
) -> bytes:
    for mirror in mirrors:
        with suppress(OSError):
            # expect: test[under_trio_asyncios_primitives_find_no_loop]
            async with asyncio.timeout(head_start):
                return await mirror.fetch()
    raise ConnectionError("no mirror answered")


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
