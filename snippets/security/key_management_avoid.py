"""Keep the service's secret where many can read it, and use it for everything."""

import hmac
import os
from dataclasses import dataclass

from sqlalchemy import URL


def key_from_code() -> bytes:
    # expect: ruff[S105]
    # expect: test[a_secret_in_code_is_in_every_copy_of_the_code]
    secret = "n3Jx0bWk4QvT"
    return secret.encode()


def key_from_code_unreported() -> bytes:
    # expect: test[a_key_of_bytes_is_in_every_copy_too]
    return b"n3Jx0bWk4QvT"


def database_from_code() -> URL:
    return URL.create(
        "postgresql",
        username="shop",
        # expect: ruff[S106]
        # expect: test[a_password_in_code_is_the_one_that_connects]
        password="n3Jx0bWk4QvT",
    )


# --8<-- [start:answer]
@dataclass(frozen=True)
class Settings:
    link_key: bytes


def load_or_default() -> Settings:
    # expect: test[a_forgotten_variable_leaves_the_key_that_everybody_knows]
    key = os.environ.get("SHOP_KEY", "change-me")
    # expect: test[settings_write_their_key_into_the_log]
    return Settings(key.encode())
    # --8<-- [end:answer]


def sign_unsubscribe_link(settings: Settings, user: str) -> str:
    return hmac.digest(settings.link_key, user.encode(), "sha256").hex()


def is_reset_link(settings: Settings, user: str, signature: str) -> bool:
    # expect: test[a_link_to_unsubscribe_resets_the_password]
    expected = hmac.digest(settings.link_key, user.encode(), "sha256").hex()
    return hmac.compare_digest(signature, expected)
