"""Ask a carrier where parcels are, and break its contract."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

ANSWER_SECONDS = 10


class RateLimiter(Protocol):
    async def wait(self) -> None: ...


class CarrierRatedBySemaphore:
    def __init__(
        self, ask: Callable[[str], Awaitable[str]], *, per_second: int
    ) -> None:
        self._ask = ask
        self._per_second = asyncio.Semaphore(per_second)

    # --8<-- [start:answer]
    async def track(self, parcel: str) -> str:
        # expect: test[a_semaphore_lets_a_call_begin_whenever_another_ends]
        async with self._per_second, asyncio.timeout(ANSWER_SECONDS):
            return await self._ask(parcel)

    # --8<-- [end:answer]


class CarrierWithTurnBeforeSlot:
    def __init__(
        self,
        ask: Callable[[str], Awaitable[str]],
        *,
        at_once: int,
        limiter: RateLimiter,
    ) -> None:
        self._ask = ask
        self._slots = asyncio.Semaphore(at_once)
        self._limiter = limiter

    async def track(self, parcel: str) -> str:
        # expect: test[turns_saved_up_while_slots_are_taken_are_all_used_at_once]
        await self._limiter.wait()
        async with self._slots, asyncio.timeout(ANSWER_SECONDS):
            return await self._ask(parcel)


class CarrierSleepingInSlot:
    def __init__(
        self, ask: Callable[[str], Awaitable[str]], *, per_second: int
    ) -> None:
        self._ask = ask
        self._per_second = asyncio.Semaphore(per_second)

    async def track(self, parcel: str) -> str:
        async with self._per_second:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._ask(parcel)
            # expect: test[a_sleep_in_the_slot_delays_answers_that_are_there]
            await asyncio.sleep(1)
            return answer
