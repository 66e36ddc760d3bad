"""Accept webhooks and released files, and some that are neither."""

import hashlib
import hmac
from pathlib import Path


def sign_without_key(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def is_genuine_without_key(body: bytes, signature: str) -> bool:
    # expect: test[whoever_changes_a_body_signs_it_as_well]
    return hmac.compare_digest(sign_without_key(body), signature)


def sign(key: bytes, body: bytes) -> str:
    # expect: test[an_unset_key_signs_for_everybody]
    return hmac.new(key, body, hashlib.sha256).hexdigest()


# --8<-- [start:answer]
def is_genuine(key: bytes, body: bytes, signature: str) -> bool:
    # expect: test[a_comparison_by_equality_ends_at_the_first_difference]
    return sign(key, body) == signature


def is_genuine_or_fails(key: bytes, body: bytes, signature: str) -> bool:
    # expect: test[a_letter_beyond_ascii_in_the_header_is_an_unhandled_error]
    return hmac.compare_digest(sign(key, body), signature)
    # --8<-- [end:answer]


def digest(path: Path) -> str:
    # expect: test[reading_the_file_first_takes_as_much_memory_as_the_file]
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_released(path: Path, stated: str) -> bool:
    # expect: test[another_file_with_the_same_seven_digits_is_found_in_a_moment]
    return digest(path)[:7] == stated
