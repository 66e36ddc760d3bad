"""Cache what is costly to load, for all the processes that share a Redis or Valkey."""

import secrets
from asyncio import sleep, timeout
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

PAUSE = 0.02  # seconds until a waiter looks again

# --8<-- [start:answer]
# A value, or 1 with the lease to load it. To ask again with the same token is harmless:
# the client does so by itself when an answer is lost.
ASK = """
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[2]) == ARGV[1] and 1
"""

# Whoever lost the lease neither stores a value nor takes the lease from the next.
END = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[2])
if ARGV[2] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""
# --8<-- [end:answer]


def keys_of(prefix: str, name: str) -> tuple[str, str]:
    """Name the key of a value, and the key of the lease to load it.

    A cluster hashes what stands in braces, so that both are on one node, where a
    script can use them together: a prefix or name with braces of its own, or an empty
    name, is for a single server only.

    Examples:
        >>> keys_of("price:", "A-17")
        ('price:{A-17}', 'price:{A-17}:lease')
    """
    return f"{prefix}{{{name}}}", f"{prefix}{{{name}}}:lease"


@dataclass(frozen=True)
class Cache:
    """Values by name, each loaded by one caller at a time.

    Attributes:
        redis: A client made with ``decode_responses=True`` and a ``socket_timeout``.
        prefix: What the keys of this cache begin with.
        load: Loads the value of a name from where it belongs.
        ttl: For how many seconds a value may be served.
        patience: For how many seconds a ``get`` may wait and load.

    Raises:
        ValueError: If ``ttl`` is below 1, or ``patience`` below 0.02 or infinite.
    """

    redis: Redis
    prefix: str
    load: Callable[[str], Awaitable[str]]
    ttl: int = 60
    patience: float = 5

    def __post_init__(self) -> None:
        """Refuse times in which nothing could be cached."""
        if self.ttl < 1 or not PAUSE <= self.patience < float("inf"):
            raise ValueError(f"ttl={self.ttl}, patience={self.patience}")

    async def get(self, name: str) -> str:
        """Give a value from the cache, or load it while all others wait.

        Raises:
            TimeoutError: If there is no value after ``patience`` seconds; a load by
                this call is cancelled then.
            RedisError: If the server can't be asked. Loading all the same would send
                the whole traffic to where the values come from.
            UnicodeEncodeError: If name or value has a lone surrogate.
            Exception: What ``load`` raised; the next who waits loads again.
        """
        keys, token = keys_of(self.prefix, name), secrets.token_hex(8)
        ask: list[str | int] = [token, round(self.patience * 1000)]
        async with timeout(self.patience):  # so that a load ends before its lease
            while (answer := await self.redis.register_script(ASK)(keys, ask)) != 1:
                if isinstance(answer, str):
                    return answer
                await sleep(PAUSE)
            return await self._fill(name, keys, token)

    async def _fill(self, name: str, keys: tuple[str, str], token: str) -> str:
        """Load and store a value under a lease, and end the lease whatever happens."""
        end = self.redis.register_script(END)
        try:
            value = await self.load(name)
        except BaseException:  # cancelled, too
            with suppress(RedisError):  # else it expires by itself
                await end(keys, [token])
            raise
        await end(keys, [token, value, self.ttl])
        return value

    async def put(self, values: Mapping[str, str]) -> None:
        """Store values that are known already, in one round trip.

        Raises:
            RedisError: If the server can't be asked; it may have stored some.
            UnicodeEncodeError: If a name or value has a lone surrogate.
        """
        async with self.redis.pipeline(transaction=False) as pipe:
            for name, value in values.items():
                key, lease = keys_of(self.prefix, name)
                # queued; only the types tell of something to await
                _ = pipe.delete(lease)  # first, or a load that ends now overwrites it
                _ = pipe.set(key, value, ex=self.ttl)
            await pipe.execute()

    async def forget(self, name: str) -> None:
        """Drop a value that has changed, and a load of it that is under way.

        Call it after the change was committed.

        Raises:
            RedisError: If the server can't be asked: what it has may be served for
                ``ttl`` seconds more.
            UnicodeEncodeError: If the name has a lone surrogate.
        """
        await self.redis.delete(*keys_of(self.prefix, name))
