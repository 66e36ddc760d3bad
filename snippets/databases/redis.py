"""Cache what is costly to load, for all the processes that share a Redis or Valkey."""

import logging
import secrets
from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

type Load = Callable[[str], Awaitable[str]]

PAUSE = 0.02  # seconds until a waiter looks again
LOG = logging.getLogger(__name__)

# A value, or the lease to load it. Asking again with the same token is harmless: the
# client does that by itself when an answer is lost.
ASK = """
local value = redis.call('GET', KEYS[1])
if value then return {value, 0} end
redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {false, redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0}
"""

# Whoever lost the lease neither stores a value nor takes the lease from the next.
END = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[2])
if ARGV[2] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""


def keys_of(prefix: str, name: str) -> tuple[str, str]:
    """Name the two keys of a value.

    A cluster hashes what stands in braces, so that both are on one node, where a
    script can use them together.

    Args:
        prefix: What the keys of one cache begin with.
        name: The value's name, without braces.

    Returns:
        The key of the value, and the key of the lease to load it.

    Examples:
        >>> keys_of("price:", "A-17")
        ('price:{A-17}', 'price:{A-17}:lease')
    """
    key = f"{prefix}{{{name}}}"
    return key, f"{key}:lease"


class Cache:
    """Values by name, each loaded by one caller at a time."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        load: Load,
        *,
        ttl: int = 60,
        lease: float = 5,
    ) -> None:
        """Begin to use a cache; the server is not asked yet.

        Args:
            redis: A client made with ``decode_responses=True``.
            prefix: What the keys of this cache begin with.
            load: Loads the value of a name from where it belongs.
            ttl: For how many seconds a value may be served.
            lease: For how many seconds others wait for one who loads: for longer than
                a load takes.
        """
        self._redis = redis
        self._prefix = prefix
        self._load = load
        self._ttl = ttl
        self._lease_ms = int(lease * 1000)
        self._ask = redis.register_script(ASK)
        self._end = redis.register_script(END)

    async def get(self, name: str) -> str:
        """Give a value from the cache, or load it while all others wait.

        Args:
            name: The value's name.

        Returns:
            The value.

        Raises:
            RedisError: If the server can't be asked. Loading all the same would send
                the whole traffic to where the values come from.
        """
        keys, token = keys_of(self._prefix, name), secrets.token_hex(8)
        while True:
            asked = await self._ask(keys, [token, self._lease_ms])
            value, mine = cast("tuple[str | None, int]", asked)
            if mine:
                return await self._fill(name, keys, token)
            if value is not None:
                return value
            await sleep(PAUSE)

    async def _fill(self, name: str, keys: tuple[str, str], token: str) -> str:
        """Load a value under a lease, and end the lease whatever happens."""
        end: list[str | int] = [token]
        try:
            value = await self._load(name)
            end += [value, self._ttl]
            return value
        finally:
            try:
                await self._end(keys, end)
            except RedisError:  # the caller gets its value; the lease expires by itself
                LOG.warning("not cached: %s", keys[0], exc_info=True)

    async def put(self, values: Mapping[str, str]) -> None:
        """Store values that are known already, in one round trip.

        Args:
            values: The values by their names.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, value in values.items():
                key, lease = keys_of(self._prefix, name)
                # queued; only the types tell of something to await
                _ = pipe.delete(lease)  # who loads an older value may not store it
                _ = pipe.set(key, value, ex=self._ttl)
            await pipe.execute()

    async def forget(self, name: str) -> None:
        """Drop a value that has changed, and the value that somebody is loading.

        Args:
            name: The value's name; call it after the change was committed.
        """
        await self._redis.delete(*keys_of(self._prefix, name))
