"""Keep a support desk's grants and notes by a MAC, a cipher and a mode of our own."""

from hashlib import sha256
from hmac import compare_digest
from itertools import cycle
from urllib.parse import parse_qsl


# --8<-- [start:answer]
def sign(key: bytes, grant: bytes) -> bytes:
    return sha256(key + grant).digest()


def read_grant(key: bytes, grant: bytes, signature: bytes) -> dict[str, str]:
    if not compare_digest(sign(key, grant), signature):
        raise PermissionError("not signed here")
    # expect: test[a_reader_makes_himself_an_admin_without_the_key]
    return dict(parse_qsl(grant.decode(errors="replace")))
    # --8<-- [end:answer]


def lock(key: bytes, note: bytes) -> bytes:
    # expect: test[a_repeated_key_is_found_from_the_locked_notes_alone]
    return bytes(a ^ b for a, b in zip(note, cycle(key), strict=False))


def lock_by_sha256(key: bytes, note: bytes) -> bytes:
    counters = range(len(note) // 32 + 1)
    stream = b"".join(sha256(key + at.to_bytes(4)).digest() for at in counters)
    # expect: test[whoever_knows_one_note_reads_all_the_others]
    return bytes(a ^ b for a, b in zip(note, stream, strict=False))
