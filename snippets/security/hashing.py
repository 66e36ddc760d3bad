"""Accept webhooks by their HMAC and released files by their SHA-256."""

import hashlib
import hmac
from pathlib import Path

LEAST_KEY_BYTES = 16  # make yours of 32


def sign(key: bytes, body: bytes) -> str:
    """Compute the signature that goes with a webhook.

    Args:
        key: The secret that both sides know: 32 random bytes.
        body: The bytes as they are sent, before anything parses them.

    Returns:
        The HMAC-SHA-256 in hexadecimal.

    Raises:
        ValueError: If the key is short, or empty as an unset variable is.

    Examples:
        >>> sign(bytes(32), b'{"paid": 100}')[:16]
        '6d4f0b2b324fb672'
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, not {LEAST_KEY_BYTES} or more")
    return hmac.digest(key, body, "sha256").hex()


def is_genuine(key: bytes, body: bytes, signature: str) -> bool:
    """Tell whether a webhook was signed by somebody who knows the key.

    Args:
        key: The secret that both sides know.
        body: The bytes as they came in.
        signature: What came with them: any text that a header can hold.

    Returns:
        Whether it is the signature of these bytes.

    Raises:
        ValueError: If the key is short or empty.
    """
    # --8<-- [start:answer]
    expected = sign(key, body)
    if not signature.isascii():  # compare_digest would raise a TypeError
        return False
    return hmac.compare_digest(expected, signature)
    # --8<-- [end:answer]


def digest(path: Path) -> str:
    """Hash a file of any size, a piece at a time.

    Returns:
        Its SHA-256 in hexadecimal.

    Raises:
        OSError: If the file can't be read.
        ValueError: If the path can't be one, such as with a zero byte.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()


def is_released(path: Path, stated: str) -> bool:
    """Tell whether a file is the one that was released.

    Args:
        path: The file as it was downloaded.
        stated: All 64 hexadecimal digits that the release notes state.

    Returns:
        Whether the file has that digest.

    Raises:
        OSError: If the file can't be read.
        ValueError: If the path can't be one, such as with a zero byte.
    """
    return digest(path) == stated.lower()  # nothing here is secret
