"""Hand out reset links and vouchers that nobody can guess."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

TOKEN_BYTES = 32
LIFETIME = timedelta(minutes=30)
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # 30: none is misread for another
VOUCHER_LETTERS = 16  # 78 bits: log2(30) for each


class Resets:
    """Password resets that were asked for and not yet done."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pending: dict[bytes, tuple[str, datetime]] = {}

    def issue(self, user: str, now: datetime) -> str:
        """Make the token for a link that is mailed to a user.

        Args:
            user: Who wants a new password.
            now: The time, with its zone.

        Returns:
            The token, safe in a URL. Nothing here keeps it.

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
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._pending[_kept(token)] = user, now + LIFETIME
        return token

    def redeem(self, token: str, now: datetime) -> str | None:
        """Use a token up.

        Args:
            token: What the link brought back.
            now: The time, with its zone.

        Returns:
            Whose password may be set; ``None`` if the token is unknown, used or old.
        """
        user, until = self._pending.pop(_kept(token), (None, now))
        return user if now < until else None


def voucher() -> str:
    """Make a code that is printed on paper and typed in.

    Returns:
        16 letters and digits, each equally likely.
    """
    return "".join(secrets.choice(LETTERS) for _ in range(VOUCHER_LETTERS))


def _kept(token: str) -> bytes:
    """Hash a token, so that a stolen table of them opens nothing."""
    return sha256(token.encode()).digest()  # 256 random bits need no salt
