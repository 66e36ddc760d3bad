"""Keep who is logged in, in four ways that let somebody else be."""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe

from pydantic import AwareDatetime, BaseModel
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "session"
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)


class SignedSessions:
    def __init__(self, key: bytes, now: Callable[[], datetime]) -> None:
        self._key = key
        self._now = now

    def log_in(self, user: str, response: Response) -> None:
        ends = self._now() + ABSOLUTE
        text = f"{user}/{ends.timestamp():.0f}"
        signed = f"{text}/{self._sign(text)}"
        # expect: test[a_copied_signed_cookie_opens_the_account_after_log_out]
        response.set_cookie(COOKIE, signed, secure=True, httponly=True)

    def log_out(self, response: Response) -> None:
        response.delete_cookie(COOKIE, secure=True, httponly=True)

    def user(self, request: Request) -> str | None:
        text, _, signature = request.cookies.get(COOKIE, "").rpartition("/")
        if not hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            return None
        user, _, ends = text.rpartition("/")
        return user if self._now().timestamp() < float(ends) else None

    def _sign(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()


class Session(BaseModel):
    user: str
    seen: AwareDatetime


class Sessions:
    def __init__(self, valkey: Redis, now: Callable[[], datetime], prefix: str) -> None:
        self._valkey = valkey
        self._now = now
        self._prefix = prefix

    # --8<-- [start:answer]
    async def log_in_under_the_old_id(
        self, user: str, request: Request, response: Response
    ) -> None:
        # expect: test[an_id_that_somebody_planted_is_the_victims_after_log_in]
        token = request.cookies.get(COOKIE) or token_urlsafe(32)
        await self._keep(token, Session(user=user, seen=self._now()))
        response.set_cookie(COOKIE, token, secure=True, httponly=True)

    async def log_in_with_default_flags(self, user: str, response: Response) -> None:
        token = token_urlsafe(32)
        await self._keep(token, Session(user=user, seen=self._now()))
        # expect: test[a_cookie_of_default_flags_is_read_by_scripts_and_on_the_wire]
        response.set_cookie(COOKIE, token)

    # --8<-- [end:answer]

    async def user_until_idle(self, request: Request) -> str | None:
        token = request.cookies.get(COOKIE, "")
        if (kept := await self._valkey.get(self._prefix + token)) is None:
            return None
        session, now = Session.model_validate_json(kept), self._now()
        # expect: test[a_thief_who_calls_every_29_minutes_stays_for_ever]
        if now >= session.seen + IDLE:
            return None
        session.seen = now
        # expect: test[a_request_under_way_brings_back_the_session_that_was_ended]
        await self._keep(token, session)
        return session.user

    async def log_out(self, request: Request, response: Response) -> None:
        await self._valkey.delete(self._prefix + request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, secure=True, httponly=True)

    async def _keep(self, token: str, session: Session) -> None:
        await self._valkey.set(self._prefix + token, session.model_dump_json(), ex=IDLE)
