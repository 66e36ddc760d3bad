"""Refuse forms and calls that a page of somebody else made the browser send."""

from hmac import compare_digest, digest
from secrets import token_bytes, token_urlsafe

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # they change nothing: RFC 9110
SESSION = "__Host-session"
HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
KEY_BYTES = 32
NONCE_BYTES = 16


class Csrf:
    """Makes tokens for pages, and is the dependency that asks for them.

    Give it to the application and not to single routes, so that a route which somebody
    adds tomorrow is covered: ``FastAPI(dependencies=[Depends(Csrf(key))])``.

    Examples:
        >>> from starlette.requests import Request
        >>> from starlette.responses import Response
        >>> cookie = (b"cookie", b"__Host-session=adas")
        >>> request = Request({"type": "http", "headers": [cookie]})
        >>> token = Csrf(bytes(32)).token(request, Response())
        >>> len(token), token == Csrf(bytes(32)).token(request, Response())
        (96, False)
    """

    def __init__(self, key: bytes) -> None:
        """Set the key.

        Args:
            key: At least 32 random bytes, used for nothing else.

        Raises:
            ValueError: If it is shorter.
        """
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes, not {len(key)}")
        self._key = key

    async def __call__(self, request: Request) -> None:
        """Let a request pass that is safe, or has a token of its own session.

        Args:
            request: What the browser sent.

        Raises:
            HTTPException: 403, if it is neither. What the reading of a damaged form
                raises goes through: in an application, 400.
        """
        # --8<-- [start:answer]
        if request.method in SAFE:
            return
        session = request.cookies.get(SESSION)
        sent = request.headers.get(HEADER) or (await request.form()).get(FIELD)
        if not session or not isinstance(sent, str) or not self._fits(sent, session):
            raise HTTPException(403, "This page is too old. Load it again.")
        # --8<-- [end:answer]

    def token(self, request: Request, response: Response) -> str:
        """Make a token for the forms and scripts of a page.

        Args:
            request: What asked for the page.
            response: The page; a visitor without a session gets an id with it, so that
                the log-in form is protected as well.

        Returns:
            What the page sends back, as the field ``csrf_token`` or in the header
            ``X-CSRF-Token``; another one each time. No cache may keep the page.
        """
        known: str = request.cookies.get(SESSION) or request.scope.get(SESSION, "")
        session = known or token_urlsafe(32)
        if not known:
            request.scope[SESSION] = session  # for a second form of the same page
            response.set_cookie(
                SESSION, session, secure=True, httponly=True, samesite="lax"
            )
        nonce = token_bytes(NONCE_BYTES)
        return (nonce + self._mac(nonce, session)).hex()

    def _fits(self, sent: str, session: str) -> bool:
        """Compare in a time that doesn't depend on where the first difference is."""
        try:
            octets = bytes.fromhex(sent)
        except ValueError:
            return False
        nonce, mac = octets[:NONCE_BYTES], octets[NONCE_BYTES:]
        return compare_digest(mac, self._mac(nonce, session))

    def _mac(self, nonce: bytes, session: str) -> bytes:
        """Bind a nonce, of fixed length, to a session."""
        return digest(self._key, nonce + session.encode(), "sha256")
