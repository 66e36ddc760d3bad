import json
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TypedDict, cast

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import aes_gcm
from snippets.security import aes_gcm_avoid as avoid
from snippets.security.aes_gcm import DecryptionError, Keyring

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
CARD = b"4111111111111111"
PLACE = b"customer/17/card"


class Vector(TypedDict):
    name: str
    key: str
    nonce: str
    context: str
    plaintext: str
    ciphertext: str
    tag: str


def published() -> list[Vector]:
    beside = Path(__file__).with_name("aes_gcm_vectors.json")
    return cast("list[Vector]", json.loads(beside.read_text("utf-8"))["vectors"])


def stored_as(vector: Vector, *, key_id: int) -> bytes:
    parts = vector["nonce"] + vector["ciphertext"] + vector["tag"]
    return key_id.to_bytes(4) + bytes.fromhex(parts)


each_published = pytest.mark.parametrize(
    "vector", published(), ids=lambda vector: vector["name"]
)


@each_published
def test_a_published_ciphertext_decrypts_to_its_published_text(vector: Vector) -> None:
    ring = Keyring({258: bytes.fromhex(vector["key"])}, current=258)
    stored = stored_as(vector, key_id=258)
    plaintext = ring.decrypt(stored, context=bytes.fromhex(vector["context"]))
    assert plaintext.hex() == vector["plaintext"]


@each_published
def test_a_published_text_encrypts_as_published_when_its_nonce_is_drawn(
    vector: Vector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(size: int) -> bytes:
        return bytes.fromhex(vector["nonce"])[:size]

    monkeypatch.setattr(aes_gcm, "token_bytes", draw)
    ring = Keyring({258: bytes.fromhex(vector["key"])}, current=258)
    stored = ring.encrypt(
        bytes.fromhex(vector["plaintext"]), context=bytes.fromhex(vector["context"])
    )
    assert stored == stored_as(vector, key_id=258)


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(
    key_id=st.integers(0, 2**32 - 1),
    key=st.binary(min_size=32, max_size=32),
    plaintext=st.binary(),
    context=st.binary(),
)
def test_every_text_comes_back_from_its_own_place(
    key_id: int, key: bytes, plaintext: bytes, context: bytes
) -> None:
    ring = Keyring({key_id: key}, current=key_id)
    stored = ring.encrypt(plaintext, context=context)
    assert ring.decrypt(stored, context=context) == plaintext
    assert len(stored) == len(plaintext) + 4 + 12 + 16


def test_a_thousand_encryptions_of_one_text_are_a_thousand_texts_and_nonces() -> None:
    ring = Keyring({1: NEW}, current=1)
    stored = [ring.encrypt(CARD, context=PLACE) for _ in range(1000)]
    assert len({each[4:16] for each in stored}) == 1000
    assert len({each[16:] for each in stored}) == 1000


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [
        pytest.param("stored", 0, 4, id="key number"),
        pytest.param("stored", 4, 16, id="nonce"),
        pytest.param("stored", 16, 32, id="ciphertext"),
        pytest.param("stored", 32, 48, id="tag"),
        pytest.param("context", 0, len(PLACE), id="associated data"),
    ],
)
def test_every_single_bit_change_is_refused(part: str, first: int, last: int) -> None:
    ring = Keyring({2: OLD, 3: NEW}, current=3)  # the numbers are one bit apart
    sealed = {"stored": ring.encrypt(CARD, context=PLACE), "context": PLACE}
    bits = range(first * 8, last * 8)
    let_in: list[int] = []
    for bit in bits:
        changed = sealed | {part: flipped(sealed[part], bit)}
        try:
            ring.decrypt(changed["stored"], context=changed["context"])
        except DecryptionError:
            continue
        let_in.append(bit)
    assert let_in == []


def flipped(text: bytes, bit: int) -> bytes:
    whole = bytearray(text)
    whole[bit // 8] ^= 1 << bit % 8
    return bytes(whole)


FORGED = "changed, or from another place"
REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit changed": (lambda stored: flipped(stored, 130), FORGED),
    "a byte more": (lambda stored: stored + b"\0", FORGED),
    "a byte less": (lambda stored: stored[:-1], FORGED),
    "no ciphertext": (lambda stored: stored[:32], FORGED),
    "another key held": (lambda stored: b"\0\0\0\2" + stored[4:], FORGED),
    "a key not held": (lambda stored: b"\0\0\1\2" + stored[4:], "key 258 is not held"),
    "half a tag": (lambda stored: stored[:31], "31 bytes are too few"),
    "nothing": (lambda _stored: b"", "0 bytes are too few"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_what_the_operator_can_do_about_it(
    change: Callable[[bytes], bytes], message: str
) -> None:
    ring = Keyring({2: OLD, 3: NEW}, current=3)
    stored = change(ring.encrypt(CARD, context=PLACE))
    with pytest.raises(DecryptionError) as refused:
        ring.decrypt(stored, context=PLACE)
    assert str(refused.value) == message
    assert isinstance(refused.value.__cause__, InvalidTag) is (message == FORGED)


def test_after_a_rotation_old_texts_decrypt_and_new_ones_take_the_new_key() -> None:
    before = Keyring({1: OLD}, current=1)
    after = Keyring({1: OLD, 2: NEW}, current=2)
    old = before.encrypt(CARD, context=PLACE)
    new = after.encrypt(CARD, context=PLACE)
    assert after.decrypt(old, context=PLACE) == CARD
    assert Keyring({2: NEW}, current=2).decrypt(new, context=PLACE) == CARD
    with pytest.raises(DecryptionError, match="key 2 is not held"):
        before.decrypt(new, context=PLACE)


def test_a_rotated_text_no_longer_needs_the_old_key() -> None:
    old = Keyring({1: OLD}, current=1).encrypt(CARD, context=PLACE)
    moved = Keyring({1: OLD, 2: NEW}, current=2).rotate(old, context=PLACE)
    assert Keyring({2: NEW}, current=2).decrypt(moved, context=PLACE) == CARD


def test_a_backup_from_before_the_rotation_still_opens_with_the_old_key() -> None:
    backup = Keyring({1: OLD}, current=1).encrypt(CARD, context=PLACE)
    moved = Keyring({1: OLD, 2: NEW}, current=2).rotate(backup, context=PLACE)
    thief = Keyring({1: OLD}, current=1)
    assert thief.decrypt(backup, context=PLACE) == CARD
    with pytest.raises(DecryptionError, match="key 2 is not held"):
        thief.decrypt(moved, context=PLACE)


def test_a_text_of_the_current_key_is_not_written_again() -> None:
    ring = Keyring({1: OLD, 2: NEW}, current=2)
    stored = ring.encrypt(CARD, context=PLACE)
    assert ring.rotate(stored, context=PLACE) is stored


@pytest.mark.parametrize("current", [1, 2])
def test_a_rotation_refuses_a_text_from_another_place_under_either_key(
    current: int,
) -> None:
    stored = Keyring({1: OLD, 2: NEW}, current=current).encrypt(CARD, context=PLACE)
    ring = Keyring({1: OLD, 2: NEW}, current=2)
    with pytest.raises(DecryptionError, match=FORGED):
        ring.rotate(stored, context=b"customer/18/card")


def test_a_rotation_refuses_a_changed_text_under_the_current_number() -> None:
    ring = Keyring({1: OLD, 2: NEW}, current=2)
    stored = flipped(ring.encrypt(CARD, context=PLACE), 130)
    with pytest.raises(DecryptionError, match=FORGED):
        ring.rotate(stored, context=PLACE)


def test_a_rotation_takes_what_a_thief_of_the_old_key_wrote() -> None:
    thief = Keyring({1: OLD}, current=1)
    forged = thief.encrypt(b"4000000000000002", context=PLACE)
    moved = Keyring({1: OLD, 2: NEW}, current=2).rotate(forged, context=PLACE)
    after = Keyring({2: NEW}, current=2)
    assert after.decrypt(moved, context=PLACE) == b"4000000000000002"


def test_a_ring_without_the_stolen_key_refuses_what_it_wrote() -> None:
    forged = Keyring({1: OLD}, current=1).encrypt(CARD, context=PLACE)
    after = Keyring({2: NEW}, current=2)
    for use in (after.decrypt, after.rotate):
        with pytest.raises(DecryptionError, match=r"^key 1 is not held$"):
            use(forged, context=PLACE)


@pytest.mark.parametrize(("text", "context"), [(2**31, 0), (0, 2**31)])
def test_two_gibibytes_are_an_overflow_error(text: int, context: int) -> None:
    ring = Keyring({1: OLD}, current=1)
    with pytest.raises(OverflowError):
        ring.encrypt(bytes(text), context=bytes(context))


def test_a_context_of_two_gibibytes_is_an_overflow_error_for_a_reader_too() -> None:
    ring = Keyring({1: OLD}, current=1)
    stored = ring.encrypt(CARD, context=PLACE)
    for use in (ring.decrypt, ring.rotate):
        with pytest.raises(OverflowError):
            use(stored, context=bytes(2**31))


@pytest.mark.parametrize("method", [Keyring.encrypt, Keyring.decrypt, Keyring.rotate])
def test_text_and_context_are_not_told_apart_by_their_order(
    method: Callable[..., bytes],
) -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        method(Keyring({1: OLD}, current=1), CARD, PLACE)


def test_the_current_key_is_named_and_no_second_argument() -> None:
    make = cast("Callable[..., Keyring]", Keyring)
    with pytest.raises(TypeError, match="positional arguments"):
        make({1: OLD}, 1)


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_a_key_that_is_not_of_256_bits_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="key 7 has") as refused:
        Keyring({1: OLD, 7: OLD[:1] * size}, current=1)
    assert str(refused.value) == f"key 7 has {size} bytes, not 32"


def test_a_ring_without_its_current_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no key 2 to encrypt with$"):
        Keyring({1: OLD}, current=2)


@pytest.mark.parametrize("key_id", [-1, 2**32])
def test_a_number_that_cannot_be_stored_is_refused(key_id: int) -> None:
    with pytest.raises(OverflowError):
        Keyring({key_id: OLD, 1: NEW}, current=1)


def test_at_nists_limit_a_repeated_nonce_is_still_rarer_than_1_in_4_billion() -> None:
    messages, nonces = 2**32, 2 ** (8 * aes_gcm.NONCE_BYTES)
    at_most = Fraction(messages * (messages - 1), 2 * nonces)  # each pair, once
    assert at_most < Fraction(1, 2**32) < Fraction(1, 4 * 10**9)


def test_a_thousand_messages_a_second_use_a_key_up_in_eight_weeks() -> None:
    lasts = timedelta(seconds=2**32 / 1000)
    assert timedelta(weeks=7) < lasts < timedelta(weeks=8)


def test_two_texts_under_one_nonce_give_each_other_away(
    observe: Observe, attack: Attack
) -> None:
    def new_card(before: bytes, after: bytes) -> bytes:
        return xor(before[-32:-16], after[-32:-16], CARD)

    cards = (CARD, b"5500005555555559")
    attack.sent(
        "nothing: the row in the old backup XOR the row of today XOR the old card"
    )
    old, new = (avoid.encrypt_numbered(OLD, 17, card) for card in cards)
    observe(f"the new card is {new_card(old, new).decode()}")
    attack.happened(f"the new card: {new_card(old, new).decode()}")
    assert xor(old, new)[12:-16] == xor(*cards)
    assert new_card(old, new) == cards[1]
    ring = Keyring({1: OLD}, current=1)
    old, new = (ring.encrypt(card, context=PLACE) for card in cards)
    assert not set(new_card(old, new)) <= set(b"0123456789")
    attack.now("16 bytes that are no card number")


def xor(*texts: bytes) -> bytes:
    made = 0
    for text in texts:
        made ^= int.from_bytes(text)
    return made.to_bytes(max(map(len, texts)))


def test_two_texts_under_one_nonce_let_anyone_forge_a_third(observe: Observe) -> None:
    cards = (CARD, b"5500005555555559")
    old, new = (avoid.encrypt_numbered(OLD, 17, card) for card in cards)
    forged = forge(CARD, old, new, b"4000000000000002")
    accepted = avoid.decrypt_numbered(OLD, 17, forged)
    observe(f"a row made without the key decrypts to {accepted.decode()}")
    assert accepted == b"4000000000000002"


def test_what_is_forged_from_two_nonces_is_refused() -> None:
    cards = (CARD, b"5500005555555559")
    ring = Keyring({1: OLD}, current=1)
    old, new = (ring.encrypt(card, context=PLACE) for card in cards)
    with pytest.raises(DecryptionError, match="changed"):
        ring.decrypt(forge(CARD, old, new, b"4000000000000002"), context=PLACE)


def forge(known: bytes, old: bytes, new: bytes, wanted: bytes) -> bytes:
    """Encrypt a third text of one block from two that share a nonce, without the key.

    A tag is a polynomial in a secret H plus a mask that only the nonce decides. In the
    difference of two tags the mask is gone, and H can be computed.
    """
    sealed = xor(old[-32:-16], known, wanted)  # the key stream is the same
    h_squared = in_field(
        int.from_bytes(xor(old[-16:], new[-16:])),
        inverse(int.from_bytes(xor(old[-32:-16], new[-32:-16]))),
    )
    change = in_field(int.from_bytes(xor(old[-32:-16], sealed)), h_squared)
    return old[:-32] + sealed + xor(old[-16:], change.to_bytes(16))


def in_field(one: int, other: int) -> int:
    """Multiply in GF(2^128), as SP 800-38D, 6.3: the first bit counts least."""
    product = 0
    for bit in range(127, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return product


def inverse(number: int) -> int:
    """Raise to the power of 2^128 - 2."""
    power, result = number, 1 << 127
    for _ in range(127):
        power = in_field(power, power)
        result = in_field(result, power)
    return result


def test_a_card_without_context_is_shown_to_whoever_copies_it(
    observe: Observe, attack: Attack
) -> None:
    attack.sent("UPDATE customer SET card = (ada's card) WHERE name = 'eve'")
    table = {"ada": avoid.encrypt_anywhere(OLD, CARD)}
    table["eve"] = table["ada"]
    shown_to_eve = avoid.decrypt_anywhere(OLD, table["eve"])
    observe(f"on eve's page: {shown_to_eve.decode()}")
    attack.happened(f"on eve's page: {shown_to_eve.decode()}")
    assert shown_to_eve == CARD
    ring = Keyring({1: OLD}, current=1)
    table = {"ada": ring.encrypt(CARD, context=b"customer/ada/card")}
    table["eve"] = table["ada"]
    with pytest.raises(DecryptionError, match="from another place") as refused:
        ring.decrypt(table["eve"], context=b"customer/eve/card")
    attack.now(refused.value)


def test_a_text_is_handed_out_before_its_tag_is_checked(observe: Observe) -> None:
    nonce = bytes(12)
    stored = nonce + AESGCM(OLD).encrypt(nonce, b"refund 100.00 EUR", PLACE)
    changed = flipped(stored, (12 + len(b"refund ")) * 8 + 3)
    accepted = avoid.decrypt_unfinished(OLD, changed, PLACE)
    observe(f"one bit changed: {accepted.decode()}")
    assert accepted == b"refund 900.00 EUR"
    with pytest.raises(InvalidTag):
        AESGCM(OLD).decrypt(nonce, changed[12:], PLACE)


def test_aesgcm_takes_a_key_of_128_bits_without_a_word() -> None:
    nonce = bytes(12)
    assert len(AESGCM(OLD[:16]).encrypt(nonce, CARD, PLACE)) == 32


def test_a_fernet_token_opens_in_any_row_too() -> None:
    fernet = Fernet(Fernet.generate_key())
    table = {"ada": fernet.encrypt(CARD)}
    table["eve"] = table["ada"]
    assert fernet.decrypt(table["eve"]) == CARD
