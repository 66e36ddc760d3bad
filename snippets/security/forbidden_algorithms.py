"""Keep contracts: tell them apart by SHA-2, store them under AES-256-GCM."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ACCEPTED = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
KEY_BYTES = 32  # AES-256; the class takes 16 as well
NONCE_BYTES = 12


def fingerprint(contract: bytes, algorithm: str = "sha256") -> str:
    """Name a contract by its bytes, and say by which algorithm.

    Args:
        contract: The document as it was delivered.
        algorithm: One of ``ACCEPTED``.

    Returns:
        The algorithm, a colon and the digest in hexadecimal.

    Raises:
        ValueError: If the algorithm is not on the list.

    Examples:
        >>> fingerprint(b"pay 0100 EUR to ACME")[:23]
        'sha256:38fae6962e55eac3'
    """
    # --8<-- [start:answer]
    if algorithm not in ACCEPTED:
        raise ValueError(f"{algorithm!r} is none of {', '.join(ACCEPTED)}")
    return f"{algorithm}:{ACCEPTED[algorithm](contract).hexdigest()}"
    # --8<-- [end:answer]


def is_approved(contract: bytes, approved: str) -> bool:
    """Tell whether this is the contract that was approved.

    Args:
        contract: The document as it is now.
        approved: The fingerprint that the supplier stated and the board approved.

    Returns:
        Whether the document has that fingerprint.

    Raises:
        ValueError: If the fingerprint's algorithm is not accepted.
    """
    algorithm, _, _ = approved.partition(":")
    return fingerprint(contract, algorithm) == approved


def etag(contract: bytes) -> str:
    """Compute the MD5 by which a bucket answers an upload: it finds accidents only.

    Args:
        contract: The document as it was sent.

    Returns:
        The digest in hexadecimal.
    """
    return hashlib.md5(contract, usedforsecurity=False).hexdigest()


def seal(key: bytes, contract: bytes, number: str) -> bytes:
    """Encrypt a contract for storage.

    Args:
        key: 32 random bytes.
        contract: The document.
        number: The contract's number, which the sealed bytes are bound to.

    Returns:
        The nonce, the ciphertext and its tag.

    Raises:
        ValueError: If the key has another length, or the number is no text.
        OverflowError: If the contract has 2 GiB or more.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _aes256(key).encrypt(nonce, contract, number.encode())


def unseal(key: bytes, sealed: bytes, number: str) -> bytes:
    """Decrypt a stored contract.

    Args:
        key: The key that it was sealed with.
        sealed: What ``seal`` returned.
        number: The number that it was sealed for.

    Returns:
        The document.

    Raises:
        InvalidTag: If a bit of it was changed, or the key or number is another.
        ValueError: If the key has another length, or the number is no text.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    if len(nonce) < NONCE_BYTES:
        raise InvalidTag
    return _aes256(key).decrypt(nonce, ciphertext, number.encode())


def _aes256(key: bytes) -> AESGCM:
    """Refuse the shorter keys that AES has as well."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes instead of {KEY_BYTES}")
    return AESGCM(key)
