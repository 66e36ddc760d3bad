"""Hand out reset links and vouchers that look as if nobody could guess them."""

import random
from datetime import datetime, timedelta
from hashlib import sha256

LIFETIME = timedelta(minutes=30)
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
VOUCHER_LETTERS = 16


class Resets:
    def __init__(self) -> None:
        self._pending: dict[bytes, tuple[str, datetime]] = {}

    def issue(self, user: str, now: datetime) -> str:
        self._forget_old(now)
        # --8<-- [start:answer]
        # expect: test[the_token_of_the_next_user_is_computed_from_156_others]
        token = f"{random.getrandbits(128):032x}"
        self._pending[_kept(token)] = user, now
        return token
        # --8<-- [end:answer]

    def issue_by_time(self, user: str, now: datetime) -> str:
        self._forget_old(now)
        # expect: test[a_hash_of_the_time_is_guessed_within_a_minute_of_seconds]
        token = sha256(f"{user}{now:%Y%m%d%H%M%S}".encode()).hexdigest()
        self._pending[_kept(token)] = user, now
        return token

    def redeem(self, token: str, now: datetime) -> str | None:
        user, since = self._pending.get(_kept(token), (None, now))
        if user is None or now - since >= LIFETIME:
            return None
        self._pending = {
            kept: each for kept, each in self._pending.items() if each[0] != user
        }
        return user

    def _forget_old(self, now: datetime) -> None:
        self._pending = {
            kept: (who, since)
            for kept, (who, since) in self._pending.items()
            if now - since < LIFETIME
        }


def voucher() -> str:
    # expect: ruff[S311]
    # expect: test[the_same_tokens_give_away_every_voucher_that_follows]
    return "".join(random.choices(LETTERS, k=VOUCHER_LETTERS))


def _kept(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
