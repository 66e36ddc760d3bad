"""Refuse forged forms by things that the forger has as well."""

from secrets import token_hex, token_urlsafe
from typing import Any

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SESSION = "__Host-session"
FIELD = "csrf_token"


class SameSiteAlone:
    def token(self, request: Request, response: Response) -> str:
        session = request.cookies.get(SESSION) or token_urlsafe(32)
        # expect: test[lax_sends_the_session_with_a_form_of_a_sibling_host]
        response.set_cookie(
            SESSION, session, secure=True, httponly=True, samesite="lax"
        )
        return "not needed"

    async def __call__(self, request: Request) -> None:
        if request.method not in SAFE and SESSION not in request.cookies:
            raise HTTPException(403, "Log in.")


class DoubleSubmit:
    def token(self, _request: Request, response: Response) -> str:
        token = token_hex(32)
        response.set_cookie("csrf", token, secure=True, samesite="strict")
        return token

    async def __call__(self, request: Request) -> None:
        # --8<-- [start:answer]
        if request.method in SAFE:
            return
        sent = (await request.form()).get(FIELD)
        # expect: test[whoever_plants_the_cookie_chooses_the_token]
        if not sent or sent != request.cookies.get("csrf"):
            raise HTTPException(403, "This page is too old. Load it again.")
        # --8<-- [end:answer]


class AnyOfOurs:
    def __init__(self) -> None:
        self._issued = set[str]()

    def token(self, _request: Request, _response: Response) -> str:
        token = token_hex(32)
        self._issued.add(token)
        return token

    async def __call__(self, request: Request) -> None:
        if request.method in SAFE:
            return
        sent = (await request.form()).get(FIELD)
        # expect: test[a_token_that_eve_was_given_is_good_for_ada]
        if sent not in self._issued:
            raise HTTPException(403, "This page is too old. Load it again.")


async def read_json(request: Request) -> Any:  # noqa: ANN401 - it is not yet validated
    if SESSION not in request.cookies:
        raise HTTPException(403, "Log in.")
    # expect: test[a_form_of_plain_text_can_send_json]
    return await request.json()
