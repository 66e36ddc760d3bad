"""Check passwords against Argon2id hashes, at the same price for every name."""

from collections.abc import Set as AbstractSet
from secrets import token_urlsafe
from unicodedata import normalize

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

LEAST_CHARACTERS = 15  # NIST's least for a password without a second factor
MOST_CHARACTERS = 256  # as normalising takes time by the square of the length


class WrongPasswordError(Exception):
    """There is no such user, or it is not their password. Never tell anyone which."""


class RefusedPasswordError(ValueError):
    """A new password is too short, too long, or one that attackers try first."""


class Passwords:
    """Hashes passwords and checks them.

    Examples:
        >>> from argon2.profiles import CHEAPEST  # for tests, as this is one
        >>> passwords = Passwords({"passwordpassword"}, CHEAPEST)
        >>> stored = passwords.hash("correct horse battery staple")
        >>> stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
        True
        >>> passwords.verify("correct horse battery staple", stored) == stored
        True
    """

    def __init__(
        self, common: AbstractSet[str], parameters: Parameters = RFC_9106_LOW_MEMORY
    ) -> None:
        """Compute the hash that unknown users are checked against.

        Args:
            common: Passwords from leaks, and your site's name, to be refused when they
                are new: NFC, in lower case.
            parameters: What a hash costs, in memory and passes over it. It stands in
                every hash, so that you can raise it later.
        """
        self._common = common
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._nobodys = self._hasher.hash(token_urlsafe())

    def verify(self, password: str, stored: str | None) -> str:
        """Check a password; one hash is computed whether or not the user exists.

        Args:
            password: As the user typed it.
            stored: What is stored for the user; None if there is no such user.

        Returns:
            What to store from now on: ``stored``, or a new hash if the parameters of
            that one are not today's.

        Raises:
            WrongPasswordError: If it is not the user's, or nobody's.
            ValueError: If what is stored is no Argon2 hash.
            VerificationError: If it is one that can't be read or computed.
        """
        if len(password) > MOST_CHARACTERS:
            raise WrongPasswordError("wrong name or password")
        # --8<-- [start:answer]
        known = self._nobodys if stored is None else stored
        try:
            self._hasher.verify(known, _octets(password))
        except VerifyMismatchError:
            raise WrongPasswordError("wrong name or password") from None
        if stored is None:  # the password was nobody's, by a miracle
            raise WrongPasswordError("wrong name or password")
        if self._hasher.check_needs_rehash(stored):
            return self._hasher.hash(_octets(password))
        return stored
        # --8<-- [end:answer]

    def hash(self, password: str) -> str:
        """Hash a new password.

        Args:
            password: As the user typed it.

        Returns:
            Algorithm, parameters, a salt of its own and the hash: all to be stored.

        Raises:
            RefusedPasswordError: If it is too short, too long or too common.
        """
        if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
            raise RefusedPasswordError(
                f"choose {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters"
            )
        if normalize("NFC", password).lower() in self._common:
            raise RefusedPasswordError("choose one that is less common")
        return self._hasher.hash(_octets(password))


def _octets(password: str) -> bytes:
    """Encode what looks the same to the same bytes, whatever keyboard it came from."""
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
