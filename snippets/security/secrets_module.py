"""Hand out reset links and vouchers that nobody can guess."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

TOKEN_BYTES = 32
LIFETIME = timedelta(minutes=30)
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # 30: none is misread for another
VOUCHER_LETTERS = 16  # 78 bits: log2(30) for each


class Resets:
    """Password resets that were asked for and not yet done, in one thread's memory."""

    def __init__(self) -> None:
        """Start with none."""
        self._pending: dict[bytes, tuple[str, datetime]] = {}

    def issue(self, user: str, now: datetime) -> str:
        """Make the token for a link that is mailed to a user.

        Args:
            user: Who wants a new password.
            now: The time, with its zone.

        Returns:
            The token, safe in a URL. Nothing here keeps it.

        Raises:
            TypeError: If an earlier time had a zone and this one has none.

        Examples:
            >>> from datetime import UTC, datetime
            >>> now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
            >>> resets = Resets()
            >>> token = resets.issue("ada", now)
            >>> len(token)
            43
            >>> resets.redeem(token, now), resets.redeem(token, now)
            ('ada', None)
        """
        self._forget_old(now)
        # --8<-- [start:answer]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._pending[_kept(token)] = user, now
        return token
        # --8<-- [end:answer]

    def redeem(self, token: str, now: datetime) -> str | None:
        """Use a token up, and with it the other tokens of its user.

        Args:
            token: What the link brought back.
            now: The time, with its zone.

        Returns:
            Whose password may be set; ``None`` if the token is unknown, used or old.

        Raises:
            TypeError: If the time has no zone, where the token was issued with one.
        """
        user, since = self._pending.get(_kept(token), (None, now))
        if user is None or now - since >= LIFETIME:
            return None
        self._pending = {
            kept: each for kept, each in self._pending.items() if each[0] != user
        }
        return user

    def _forget_old(self, now: datetime) -> None:
        """Drop what has expired, so that memory is bounded by the rate of requests."""
        self._pending = {
            kept: (who, since)
            for kept, (who, since) in self._pending.items()
            if now - since < LIFETIME
        }


def voucher() -> str:
    """Make a code that is printed on paper and typed in.

    Returns:
        16 letters and digits, each equally likely.
    """
    return "".join(secrets.choice(LETTERS) for _ in range(VOUCHER_LETTERS))


def _kept(token: str) -> bytes:
    """Hash a token, so that a stolen table of them opens nothing."""
    octets = token.encode(errors="surrogatepass")  # whatever a client sent
    return sha256(octets).digest()  # 256 random bits need no salt
