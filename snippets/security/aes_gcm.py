"""Encrypt what a record holds, so that it opens unchanged and in its own place only."""

from collections.abc import Mapping
from secrets import token_bytes
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32  # AESGCM takes 16 and 24 too, which make AES-128 and AES-192
KEY_ID_BYTES: Final = 4
NONCE_BYTES: Final = 12  # what GCM is made for; it hashes any other length first
TAG_BYTES: Final = 16


class DecryptionError(Exception):
    """The text was changed or moved, or its key is not held."""


class Keyring:
    """Encrypts with one key, and decrypts with every key that is still held.

    What it stores is the key's number, the nonce, the ciphertext and the tag. The
    context is not stored: whoever decrypts says where the text was found.

    Examples:
        >>> from secrets import token_bytes
        >>> ring = Keyring({1: token_bytes(32)}, current=1)
        >>> stored = ring.encrypt(b"4111111111111111", context=b"customer/17/card")
        >>> ring.decrypt(stored, context=b"customer/17/card")
        b'4111111111111111'
        >>> len(stored) - len(b"4111111111111111")
        32
    """

    def __init__(self, keys: Mapping[int, bytes], *, current: int) -> None:
        """Take the keys.

        Args:
            keys: Each key by its number, which is stored with every text, in the clear.
            current: The number of the key to encrypt with.

        Raises:
            ValueError: If a key is not of 256 bits, or the current one is missing.
            OverflowError: If a number is negative or too big to be stored.
        """
        for key_id, key in keys.items():
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
        if current not in keys:
            raise ValueError(f"no key {current} to encrypt with")
        self._current = current.to_bytes(KEY_ID_BYTES)
        self._ciphers = {
            key_id.to_bytes(KEY_ID_BYTES): AESGCM(key) for key_id, key in keys.items()
        }

    def encrypt(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Encrypt with the current key and a nonce drawn for this text.

        Args:
            plaintext: What to hide. Its length stays visible.
            context: What the text belongs to: table, row and column, say.

        Returns:
            What to store.

        Raises:
            OverflowError: If the plaintext or the context has 2 GiB or more.
        """
        # --8<-- [start:answer]
        nonce = token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plaintext, context)
        return self._current + nonce + sealed
        # --8<-- [end:answer]

    def decrypt(self, stored: bytes, *, context: bytes) -> bytes:
        """Decrypt what was stored, if it is as it was and where it was.

        Args:
            stored: What `encrypt` returned.
            context: What the text was found at.

        Returns:
            The plaintext.

        Raises:
            DecryptionError: If text or context is another, or the key is not held.
            OverflowError: If the context has 2 GiB or more.
        """
        if len(stored) < KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES:
            raise DecryptionError(f"{len(stored)} bytes are too few")
        key_id, rest = stored[:KEY_ID_BYTES], stored[KEY_ID_BYTES:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise DecryptionError(f"key {int.from_bytes(key_id)} is not held")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context)
        except InvalidTag as error:
            raise DecryptionError("changed, or from another place") from error

    def rotate(self, stored: bytes, *, context: bytes) -> bytes:
        """Check a text, and encrypt it with the current key if another one did.

        Args:
            stored: What `encrypt` returned, today or years ago.
            context: What the text was found at.

        Returns:
            What to store instead; ``stored`` if the current key encrypted it.

        Raises:
            DecryptionError: If it can't be decrypted.
            OverflowError: If the context has 2 GiB or more.
        """
        plaintext = self.decrypt(stored, context=context)
        if stored.startswith(self._current):
            return stored
        return self.encrypt(plaintext, context=context)
