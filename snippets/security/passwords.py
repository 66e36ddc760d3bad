"""Check passwords against Argon2id hashes, at the same price for every name."""

from secrets import token_urlsafe
from unicodedata import normalize

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY


class WrongPasswordError(Exception):
    """There is no such user, or it is not their password. Never tell anyone which."""


class Passwords:
    """Hashes passwords and checks them.

    Examples:
        >>> from argon2.profiles import CHEAPEST  # for tests, as this is one
        >>> passwords = Passwords(CHEAPEST)
        >>> stored = passwords.hash("correct horse battery staple")
        >>> stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
        True
        >>> passwords.verify("correct horse battery staple", stored) == stored
        True
    """

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        """Compute the hash that unknown users are checked against.

        Args:
            parameters: What a hash costs, in memory and passes over it. It stands in
                every hash, so that you can raise it later.
        """
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._nobodys = self._hasher.hash(token_urlsafe())

    def hash(self, password: str) -> str:
        """Hash a new password.

        Args:
            password: As the user typed it.

        Returns:
            Algorithm, parameters, a salt of its own and the hash: all to be stored.
        """
        return self._hasher.hash(_octets(password))

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
            InvalidHashError: If what is stored is no Argon2 hash.
            VerificationError: If it is one that was damaged.
        """
        known = self._nobodys if stored is None else stored
        try:
            self._hasher.verify(known, _octets(password))
        except VerifyMismatchError:
            raise WrongPasswordError("wrong name or password") from None
        if stored is None:  # the password was nobody's, by a miracle
            raise WrongPasswordError("wrong name or password")
        if self._hasher.check_needs_rehash(stored):
            return self.hash(password)
        return stored


def _octets(password: str) -> bytes:
    """Encode what looks the same to the same bytes, whatever keyboard it came from."""
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
