"""Keep a support desk's grants genuine and its notes secret, by recipes that exist."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

LEAST_KEY_BYTES = 32


def sign(key: bytes, grant: bytes) -> bytes:
    """Compute the MAC that makes a grant genuine.

    Args:
        key: At least 32 random bytes, used for nothing else.
        grant: Fields such as ``user=ada&role=reader``, made by ``urlencode``.

    Returns:
        The 32 bytes to hand out with the grant.

    Raises:
        ValueError: If the key is short or empty.
    """
    return _mac(key, grant).finalize()


def read_grant(key: bytes, grant: bytes, signature: bytes) -> dict[str, str]:
    """Read the fields of a grant that was signed here.

    Args:
        key: The key that it was signed with.
        grant: The fields as they came back.
        signature: What came back with them.

    Returns:
        Each field with its value.

    Raises:
        ValueError: If the key is short or empty.
        cryptography.exceptions.InvalidSignature: If it was not signed with the key.
    """
    _mac(key, grant).verify(signature)  # before anything looks into it
    return dict(parse_qsl(grant.decode(errors="replace")))


def _mac(key: bytes, grant: bytes) -> HMAC:
    """Start the MAC of a grant."""
    # --8<-- [start:answer]
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, not {LEAST_KEY_BYTES} or more")
    mac = HMAC(key, SHA256())
    mac.update(grant)
    return mac
    # --8<-- [end:answer]


class Notes:
    """Locks notes under the newest key and unlocks them under any of the keys."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Take the keys, the newest first.

        Args:
            keys: Each as ``Fernet.generate_key`` made it.

        Raises:
            ValueError: If there is no key, or one is no Fernet key.
        """
        self._recipe = MultiFernet([Fernet(key) for key in keys])

    def lock(self, note: str) -> bytes:
        """Encrypt a note.

        Args:
            note: What the desk wrote about a customer.

        Returns:
            A token: the time in clear, then the note encrypted, then a MAC of it all.

        Raises:
            UnicodeEncodeError: If the note holds half a surrogate pair.

        Examples:
            >>> from cryptography.fernet import Fernet
            >>> notes = Notes([Fernet.generate_key().decode()])
            >>> locked = notes.lock("call back on Monday")
            >>> locked == notes.lock("call back on Monday")
            False
            >>> notes.unlock(locked)
            'call back on Monday'
        """
        return self._recipe.encrypt(note.encode())

    def unlock(self, locked: bytes) -> str:
        """Decrypt a note.

        Args:
            locked: The token that ``lock`` returned.

        Returns:
            The note.

        Raises:
            cryptography.fernet.InvalidToken: If it was changed, or no key fits.
            UnicodeDecodeError: If something other than text was locked with the key.
        """
        return self._recipe.decrypt(locked).decode()

    def relock(self, locked: bytes) -> bytes:
        """Move a note to the newest key; its time stays.

        Args:
            locked: A token under any of the keys.

        Returns:
            A token under the newest one.

        Raises:
            cryptography.fernet.InvalidToken: If it was changed, or no key fits.
        """
        return self._recipe.rotate(locked)
