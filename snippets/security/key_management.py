"""Load the service's one secret when it starts, and derive a key for each purpose."""

from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn, override

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


class UnusableKeyError(Exception):
    """The service must not start: it has no key, or not one of its form."""


class MasterKey:
    """A secret that makes other keys, and is shown to nobody.

    Examples:
        >>> key = load_master_key({"SHOP_KEY": 43 * "A" + "="})  # yours is random
        >>> key
        MasterKey(fingerprint='33392f8f')
        >>> len(key.derive(b"shop/reset-link/v1"))
        32
    """

    __slots__ = ("_secret",)  # no __dict__, so vars() has nothing to show

    def __init__(self, secret: bytes) -> None:
        """Keep a secret.

        Args:
            secret: 32 bytes from a random generator, no password.

        Raises:
            UnusableKeyError: If it is shorter or longer.
        """
        size = len(secret)
        if size != KEY_BYTES:
            del secret  # or a traceback with local variables would show it
            raise UnusableKeyError(f"the key has {size} bytes, not {KEY_BYTES}")
        self._secret = secret

    def derive(self, purpose: bytes) -> bytes:
        """Derive the key for one purpose; it tells nothing about any other.

        Args:
            purpose: Service, use and version, such as ``b"shop/reset-link/v1"``. It is
                no secret, and never comes from a client.

        Returns:
            A key of 32 bytes, the same at each call.
        """
        hkdf = HKDF(SHA256(), length=KEY_BYTES, salt=None, info=purpose)
        return hkdf.derive(self._secret)

    @override
    def __repr__(self) -> str:
        """Show which key it is, not what it is."""
        fingerprint = self.derive(b"MasterKey/fingerprint")[:4].hex()
        return f"MasterKey(fingerprint={fingerprint!r})"

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, to a cache or a job queue, say."""
        raise TypeError("a master key stays in its process")


def load_master_key(environment: Mapping[str, str]) -> MasterKey:
    """Load the key: from the file that a secret store mounts, else from a variable.

    Args:
        environment: Where ``SHOP_KEY_FILE`` or ``SHOP_KEY`` is: ``os.environ``.

    Returns:
        The key. There is no default.

    Raises:
        UnusableKeyError: If neither is set, or what is there is not base64 of 32 bytes.
        OSError: If the file can't be read.
    """
    path = environment.get("SHOP_KEY_FILE")
    text = environment.get("SHOP_KEY", "").encode(errors="replace")
    del environment
    # --8<-- [start:answer]
    try:
        if path:
            text = Path(path).read_bytes()
        if not text:
            raise UnusableKeyError("no key: set SHOP_KEY_FILE or SHOP_KEY")
        return MasterKey(b64decode(text.strip(), validate=True))
    except ValueError:
        raise UnusableKeyError("the key is not base64") from None
    finally:
        del text  # or a traceback with local variables would show it
    # --8<-- [end:answer]
