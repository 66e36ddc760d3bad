import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from struct import pack, unpack

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import no_custom_crypto_avoid as avoid
from snippets.security.no_custom_crypto import Notes, read_grant, sign

VECTORS = json.loads(
    Path(__file__)
    .with_name("no_custom_crypto_vectors.json")
    .read_text(encoding="utf-8")
)
SECRET: str = VECTORS["fernet"]["secret"]
NEWER = Fernet.generate_key().decode()
LOCKED = Notes([SECRET]).lock("call back on Monday")
TOKEN = urlsafe_b64decode(LOCKED)
KEY = sha256(b"a key for the tests").digest()
GRANT = b"user=eve&role=reader"
SIGNATURE = sign(KEY, GRANT)

DESK = b"""\
The customer called about the invoice of last month, which shows two shipments
although only one parcel came. I promised to ask the warehouse and to send a corrected
invoice before the weekend. She was friendly, but this is the third time, so please do
not let it wait again. Later in the day the warehouse answered that the second parcel
was returned by the carrier because nobody opened the door on two days. It stands on
the shelf near the gate with a yellow label. I offered to send it once more without a
charge, and she would rather have the money back. The refund needs the signature of a
team leader since the amount is above the limit that we may decide on by ourselves. I
have put the form on the desk of the manager and set a reminder for Thursday. If she
calls in the meantime, tell her that the money will be on the account within five days
after the form is signed. Her husband also asked whether the machine can be repaired
when the warranty is over. It can, there are spare parts for ten years, but the price
of the work is often higher than that of a new one. We should tell people so before
they buy. He wanted to think about it and to write to us next week. Nothing else is
open.
"""


# What an attacker does, with nothing from the snippets.
FREQUENT = dict(
    zip(
        b" etaoinsrhldcumfpgwybvk",
        (25, 20, 16, 14, 13, 12, 12, 11, 11, 11, 8, 7, 5, 5, 5, 4, 4, 4, 4, 4, 3, 2, 2),
        strict=True,
    )
)


def repeats(locked: bytes, length: int) -> float:
    """Tell how often two bytes that lie ``length`` apart are the same."""
    apart = int.from_bytes(locked[length:]) ^ int.from_bytes(locked[:-length])
    return apart.to_bytes(len(locked) - length).count(0) / (len(locked) - length)


def likely_byte(column: bytes) -> int:
    """Find the byte that turns a column into the letters which English has most."""
    seen = Counter(column)
    return max(
        (byte ^ ord(" ") for byte in seen),  # one of them is a space
        key=lambda byte: sum(w * seen[letter ^ byte] for letter, w in FREQUENT.items()),
    )


def find_key(locked: bytes) -> bytes:
    """Find the repeated key that an English text was locked with."""
    shares = {length: repeats(locked, length) for length in range(1, 65)}
    likely = 0.75 * max(shares.values())
    length = next(length for length, share in shares.items() if share > likely)
    return bytes(likely_byte(locked[at::length]) for at in range(length))


def padding(length: int) -> bytes:
    """Return what SHA-256 appends to a message of that many bytes."""
    return b"\x80" + bytes(-(length + 9) % 64) + pack(">Q", 8 * length)


def root_fraction(prime: int) -> int:
    """Return the first 32 bits of the fraction of a prime's cube root."""
    low, high = 0, prime << 33
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= prime << 96 else (low, middle)
    return low & 0xFFFFFFFF


PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, int(n**0.5) + 1))]
CONSTANTS = [root_fraction(prime) for prime in PRIMES]


def turn(word: int, *by: int) -> int:
    """Rotate a word to the right by each number, and add the results up bit by bit."""
    turned = 0
    for bits in by:
        turned ^= (word >> bits | word << (32 - bits)) & 0xFFFFFFFF
    return turned


def go_on(state: bytes, block: bytes) -> bytes:
    """Let SHA-256 go on from a state that somebody else has left."""
    words = list(unpack(">16L", block))
    for at in range(16, 64):
        early, late = words[at - 15], words[at - 2]
        mixed = turn(early, 7, 18) ^ early >> 3, turn(late, 17, 19) ^ late >> 10
        words.append(sum((words[at - 16], words[at - 7], *mixed)) & 0xFFFFFFFF)
    before = unpack(">8L", state)
    a, b, c, d, e, f, g, h = before
    for constant, word in zip(CONSTANTS, words, strict=True):
        first = h + turn(e, 6, 11, 25) + (e & f ^ ~e & g) + constant + word
        second = turn(a, 2, 13, 22) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (
            *((first + second) & 0xFFFFFFFF, a, b, c),
            *((d + first) & 0xFFFFFFFF, e, f, g),
        )
    after = zip(before, (a, b, c, d, e, f, g, h), strict=True)
    return pack(">8L", *((x + y) & 0xFFFFFFFF for x, y in after))


def forge(
    grant: bytes, signature: bytes, more: bytes, key_bytes: int
) -> tuple[bytes, bytes]:
    """Extend a grant and its ``sha256(key + grant)`` without the key."""
    glue = padding(key_bytes + len(grant))
    hashed = key_bytes + len(grant) + len(glue) + len(more)
    return grant + glue + more, go_on(signature, more + padding(hashed))


def test_a_token_of_the_fernet_specification_is_unlocked() -> None:
    published = VECTORS["fernet"]
    assert Notes([SECRET]).unlock(published["token"].encode()) == published["note"]


@pytest.mark.parametrize("why", VECTORS["fernet"]["invalid"])
def test_the_invalid_tokens_of_the_specification_are_refused(why: str) -> None:
    with pytest.raises(InvalidToken):
        Notes([SECRET]).unlock(VECTORS["fernet"]["invalid"][why].encode())


@pytest.mark.parametrize("note", ["", "ä note", "line\n" * 100])
def test_a_note_comes_back_as_it_was(note: str) -> None:
    notes = Notes((NEWER, SECRET))
    assert notes.unlock(notes.lock(note)) == note


@pytest.mark.parametrize(
    ("part", "at"),
    [
        ("version", range(1)),
        ("time", range(1, 9)),
        ("initial vector", range(9, 25)),
        ("ciphertext", range(25, len(TOKEN) - 32)),
        ("tag", range(len(TOKEN) - 32, len(TOKEN))),
    ],
)
def test_every_changed_bit_of_a_note_is_refused(part: str, at: range) -> None:
    notes = Notes([SECRET])
    accepted: list[int] = []
    for bit in range(8 * at.start, 8 * at.stop):
        changed = bytearray(TOKEN)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            notes.unlock(urlsafe_b64encode(changed))
        except InvalidToken:
            continue
        accepted.append(bit)
    assert (part, accepted) == (part, [])


def test_a_note_is_locked_under_the_newest_key() -> None:
    locked = Notes([NEWER, SECRET]).lock("call back")
    assert Notes([NEWER]).unlock(locked) == "call back"


def test_an_older_note_is_read_under_its_key_until_it_is_relocked() -> None:
    both = Notes([NEWER, SECRET])
    assert both.unlock(LOCKED) == "call back on Monday"
    relocked = both.relock(LOCKED)
    assert Notes([NEWER]).unlock(relocked) == "call back on Monday"
    with pytest.raises(InvalidToken):
        Notes([NEWER]).unlock(LOCKED)


def test_a_tokens_time_is_read_without_a_key_and_outlives_a_relock() -> None:
    published = VECTORS["fernet"]["token"].encode()
    relocked = Notes([NEWER, SECRET]).relock(published)
    for token in (published, relocked):
        assert int.from_bytes(urlsafe_b64decode(token)[1:9]) == 499_162_800


def test_notes_without_a_key_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^MultiFernet requires at least one"):
        Notes([])


def test_a_signature_is_the_published_hmac() -> None:
    published = VECTORS["hmac"]
    signature = sign(bytes.fromhex(published["key"]), published["data"].encode())
    assert signature.hex() == published["signature"]


def test_a_signed_grant_is_read() -> None:
    assert read_grant(KEY, GRANT, SIGNATURE) == {"user": "eve", "role": "reader"}


def test_a_grant_is_read_as_utf_8_whatever_its_bytes() -> None:
    grant = "user=Zoë&note=".encode() + b"\x80"
    fields = read_grant(KEY, grant, sign(KEY, grant))
    assert fields == {"user": "Zoë", "note": "\ufffd"}


@pytest.mark.parametrize(
    ("grant", "signature"),
    [
        (GRANT.replace(b"reader", b"admin"), SIGNATURE),
        (GRANT, SIGNATURE[:-1]),
        (GRANT, b""),
        (GRANT, sign(bytes(32), GRANT)),
        (GRANT + b"&role=admin", SIGNATURE),
        (b"", SIGNATURE),
    ],
    ids=["other role", "cut off", "no signature", "other key", "longer", "no grant"],
)
def test_a_grant_that_was_not_signed_so_is_refused(
    grant: bytes, signature: bytes
) -> None:
    with pytest.raises(InvalidSignature):
        read_grant(KEY, grant, signature)


@pytest.mark.parametrize("size", [0, 1, 31])
def test_a_short_key_neither_signs_nor_verifies(size: int) -> None:
    empty_mac = hmac.digest(bytes(size), GRANT, "sha256")
    uses = (
        lambda: sign(bytes(size), GRANT),
        lambda: read_grant(bytes(size), GRANT, empty_mac),
    )
    for use in uses:
        with pytest.raises(ValueError, match=r"^the key has") as refused:
            use()
        assert str(refused.value) == f"the key has {size} bytes, not 32 or more"


def test_half_a_surrogate_pair_is_not_locked() -> None:
    with pytest.raises(UnicodeEncodeError):
        Notes([SECRET]).lock("\ud800")


def test_what_is_no_text_is_not_unlocked_as_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        Notes([SECRET]).unlock(Fernet(SECRET).encrypt(b"\xff"))


@pytest.mark.parametrize("key", ["", "secret", "\ud800", "ä", 43 * "A", SECRET[:-4]])
def test_what_is_no_fernet_key_is_a_value_error(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Notes([key])


def test_a_token_opens_in_the_row_of_another_customer() -> None:
    notes = Notes([SECRET])
    rows = {"ada": notes.lock("call back"), "eve": notes.lock("")}
    rows["eve"] = rows["ada"]
    assert notes.unlock(rows["eve"]) == "call back"


def test_every_changed_bit_of_a_grant_or_its_signature_is_refused() -> None:
    accepted: list[int] = []
    for bit in range(8 * len(GRANT + SIGNATURE)):
        changed = bytearray(GRANT + SIGNATURE)
        changed[bit // 8] ^= 1 << bit % 8
        grant, signature = changed[: len(GRANT)], changed[len(GRANT) :]
        try:
            read_grant(KEY, bytes(grant), bytes(signature))
        except InvalidSignature:
            continue
        accepted.append(bit)
    assert accepted == []


@pytest.mark.parametrize("key_bytes", [5, 16, 32])
def test_a_repeated_key_is_found_from_the_locked_notes_alone(
    key_bytes: int, observe: Observe
) -> None:
    key = KEY[:key_bytes]
    locked = avoid.lock(key, DESK)
    found = find_key(locked)
    read = bytes(a ^ b for a, b in zip(locked, cycle(found), strict=False))
    observe(f"read without the key: {read[:40].decode()}…")
    assert (found, read) == (key, DESK)


def test_a_token_keeps_the_letters_of_its_note_from_being_counted() -> None:
    locked = ciphertext_of(Notes([SECRET]), DESK)
    found = find_key(locked)
    read = bytes(a ^ b for a, b in zip(locked, cycle(found), strict=False))
    assert not any(word in read for word in (b"customer", b"parcel", b"money"))


def ciphertext_of(notes: Notes, note: bytes) -> bytes:
    """Lock a note, and take the token's head off."""
    return urlsafe_b64decode(notes.lock(note.decode()))[25:]


def test_whoever_knows_one_note_reads_all_the_others(
    observe: Observe, attack: Attack
) -> None:
    mine, hers = b"x" * 80, b"the alarm code of her shop is 4711"
    attack.sent("a complaint of 80 letters x, which the desk locks as well")
    stream = bytes(
        a ^ b for a, b in zip(mine, avoid.lock_by_sha256(KEY, mine), strict=True)
    )
    locked = avoid.lock_by_sha256(KEY, hers)
    read = bytes(a ^ b for a, b in zip(locked, stream, strict=False))
    observe(read.decode())
    attack.happened(read.decode())
    assert read == hers
    notes = Notes([SECRET])
    one, other = (ciphertext_of(notes, each) for each in (mine, hers))
    stream = bytes(a ^ b for a, b in zip(mine, one, strict=False))
    assert hers[:16] != bytes(a ^ b for a, b in zip(other, stream, strict=False))[:16]
    attack.now("nothing: every note has an initial vector of its own")


def test_the_hash_that_the_forger_goes_on_with_is_sha_256() -> None:
    start = bytes.fromhex(
        "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
    )
    assert go_on(start, b"abc" + padding(3)) == sha256(b"abc").digest()


def test_a_reader_makes_himself_an_admin_without_the_key(
    observe: Observe, attack: Attack
) -> None:
    given = avoid.sign(KEY, GRANT)
    tried = 0
    for key_bytes in range(1, 65):
        tried += 1
        grant, signature = forge(GRANT, given, b"&role=admin", key_bytes)
        try:
            fields = avoid.read_grant(KEY, grant, signature)
        except PermissionError:
            continue
        break
    else:
        pytest.fail("no length of the key was right")
    attack.sent(f"{GRANT.decode()}…&role=admin, for each length of the key")
    observe(f"after {tried} tries: role={fields['role']}")
    attack.happened(f"try {tried} is read: role={fields['role']}")
    assert (fields["role"], tried) == ("admin", len(KEY))
    for key_bytes in range(1, 65):
        grant, signature = forge(GRANT, SIGNATURE, b"&role=admin", key_bytes)
        with pytest.raises(InvalidSignature):
            read_grant(KEY, grant, signature)
    attack.now("InvalidSignature, for each length of the key")
