"""Cache what is costly to load, as if nobody else did or died."""

from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping

from redis.asyncio import Redis

type Load = Callable[[str], Awaitable[str]]


async def get_without_a_lock(redis: Redis, key: str, load: Load) -> str | bytes:
    # --8<-- [start:answer]
    value = await redis.get(key)
    if value is None:
        # expect: test[without_a_lock_fifty_misses_at_once_load_fifty_times]
        value = await load(key)
        # expect: test[a_late_set_brings_the_old_price_back_for_good]
        await redis.set(key, value)
    # --8<-- [end:answer]
    return value


async def get_under_a_lock_for_good(redis: Redis, key: str, load: Load) -> str | bytes:
    # expect: test[a_lock_without_a_timeout_outlives_its_holder]
    async with redis.lock(f"{key}:lock"):
        value = await redis.get(key)
        if value is None:
            value = await load(key)
            await redis.set(key, value, ex=60)
    return value


async def get_under_anyones_lock(redis: Redis, key: str, load: Load) -> str | bytes:
    while True:
        if await redis.set(f"{key}:lock", 1, nx=True, ex=5):
            break
        await sleep(0.02)
    try:
        value = await redis.get(key)
        if value is None:
            value = await load(key)
            await redis.set(key, value, ex=60)
    finally:
        # expect: test[a_late_holder_deletes_the_lock_of_the_next_and_two_load_at_once]
        await redis.delete(f"{key}:lock")
    return value


async def put_one_by_one(redis: Redis, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        # expect: test[fifty_values_put_one_by_one_take_fifty_round_trips]
        await redis.set(key, value, ex=60)
