"""Check passwords, and help whoever guesses them."""

from hashlib import sha256
from secrets import token_hex

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError


class WrongPasswordError(Exception):
    """There is no such user, or it is not their password."""


def hash_at_speed(password: str) -> str:
    salt = token_hex(16)
    # expect: test[a_word_list_finds_a_password_behind_a_salted_sha_256]
    return f"{salt}${sha256((salt + password).encode()).hexdigest()}"


def hash_anything(hasher: PasswordHasher, password: str) -> str:
    # expect: test[the_password_that_attackers_try_first_is_accepted]
    return hasher.hash(password)


def verify_if_known(hasher: PasswordHasher, password: str, stored: str | None) -> str:
    # --8<-- [start:answer]
    if stored is None:
        # expect: test[an_unknown_user_costs_no_hash_and_is_told_apart]
        raise WrongPasswordError("wrong name or password")
    try:
        hasher.verify(stored, password)
    except VerifyMismatchError:
        raise WrongPasswordError("wrong name or password") from None
    return hasher.hash(password) if hasher.check_needs_rehash(stored) else stored
    # --8<-- [end:answer]


def verify_as_ever(hasher: PasswordHasher, password: str, stored: str) -> bool:
    try:
        # expect: test[a_hash_that_was_weak_once_stays_weak]
        return hasher.verify(stored, password)
    except VerifyMismatchError:
        return False
