"""Keep on the server who is logged in; the browser gets a random name for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from pydantic import AwareDatetime, BaseModel
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "__Host-session"  # browsers take this name only from this very host, by TLS
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


class Session(BaseModel):
    """What the server remembers of a log-in.

    Attributes:
        user: Who logged in.
        begun: When.
        seen: When their last request came.

    Examples:
        >>> from datetime import UTC, datetime
        >>> nine = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        >>> print(Session(user="ada", begun=nine, seen=nine.replace(hour=12)).ends)
        2026-11-02 12:30:00+00:00
        >>> print(Session(user="ada", begun=nine, seen=nine.replace(hour=16)).ends)
        2026-11-02 16:30:00+00:00
        >>> late = nine.replace(hour=16, minute=59)
        >>> print(Session(user="ada", begun=nine, seen=late).ends)
        2026-11-02 17:00:00+00:00
    """

    user: str
    begun: AwareDatetime
    seen: AwareDatetime

    @property
    def ends(self) -> datetime:
        """When it is over unless another request comes, and at the latest."""
        return min(self.seen + IDLE, self.begun + ABSOLUTE)


class Sessions:
    """Log-ins that are kept in Valkey until they end; its errors go through."""

    def __init__(self, valkey: Redis, now: Callable[[], datetime], prefix: str) -> None:
        """Set the store and the clock.

        Args:
            valkey: Where all processes of the service keep their sessions.
            now: Gives the time, with its zone.
            prefix: What the keys begin with, such as ``session:``.
        """
        self._valkey = valkey
        self._now = now
        self._prefix = prefix

    async def log_in(self, user: str, request: Request, response: Response) -> None:
        """Start a session under a new id; the one that the browser had ends.

        Args:
            user: Whose password was right.
            request: What the browser sent.
            response: What it gets; a cookie is added.
        """
        # --8<-- [start:answer]
        await self._end(request)
        token, now = token_urlsafe(32), self._now()
        session = Session(user=user, begun=now, seen=now)
        await self._valkey.set(self._key(token), session.model_dump_json(), ex=IDLE)
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="lax")
        # --8<-- [end:answer]

    async def user(self, request: Request) -> str | None:
        """Say who sent a request; that also keeps the session from going idle.

        Args:
            request: What the browser sent.

        Returns:
            The user, or ``None`` if nobody is logged in, or not any more.
        """
        key = self._key(request.cookies.get(COOKIE, ""))
        if (kept := await self._valkey.get(key)) is None:
            return None
        try:
            session = Session.model_validate_json(kept)
        except ValueError:  # written by a release with other fields
            return None
        now = self._now()
        ended = await self._valkey.get(self._ended(session.user))
        if now >= session.ends or (ended and session.begun.timestamp() <= float(ended)):
            await self._valkey.delete(key)
            return None
        session.seen = now
        # xx: a log-out that came since the `get` must not be undone
        alive = await self._valkey.set(key, session.model_dump_json(), ex=IDLE, xx=True)
        return session.user if alive else None

    async def log_out(self, request: Request, response: Response) -> None:
        """End the session, here and in every copy of the cookie.

        Args:
            request: What the browser sent.
            response: What it gets; the cookie is taken away.
        """
        await self._end(request)
        # Secure as well, or the browser refuses to change a __Host- cookie
        response.delete_cookie(COOKIE, secure=True)

    async def log_out_everywhere(self, user: str) -> None:
        """End all sessions of a user, as after a change of the password."""
        now = self._now().timestamp()
        await self._valkey.set(self._ended(user), now, ex=ABSOLUTE)

    async def _end(self, request: Request) -> None:
        """Forget the session that a request belongs to, if there is one."""
        await self._valkey.delete(self._key(request.cookies.get(COOKIE, "")))

    def _ended(self, user: str) -> str:
        """Name the moment up to which the sessions of a user have ended."""
        return f"{self._prefix}ended:{user}"

    def _key(self, token: str) -> str:
        """Hash a token, so that a stolen dump of the store opens nothing."""
        return self._prefix + sha256(token.encode()).hexdigest()
