"""Encrypt what a record holds, and lose it to whoever can read or write the table."""

from secrets import token_bytes

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM


def encrypt_numbered(key: bytes, customer: int, card: bytes) -> bytes:
    # --8<-- [start:answer]
    nonce = customer.to_bytes(12)  # unique: a customer has one card
    context = f"customer/{customer}/card".encode()
    # expect: test[two_texts_under_one_nonce_give_each_other_away]
    # expect: test[two_texts_under_one_nonce_let_anyone_forge_a_third]
    return nonce + AESGCM(key).encrypt(nonce, card, context)
    # --8<-- [end:answer]


def decrypt_numbered(key: bytes, customer: int, stored: bytes) -> bytes:
    context = f"customer/{customer}/card".encode()
    return AESGCM(key).decrypt(stored[:12], stored[12:], context)


def encrypt_anywhere(key: bytes, card: bytes) -> bytes:
    nonce = token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, card, None)


def decrypt_anywhere(key: bytes, stored: bytes) -> bytes:
    # expect: test[a_card_without_context_is_shown_to_whoever_copies_it]
    return AESGCM(key).decrypt(stored[:12], stored[12:], None)


def decrypt_unfinished(key: bytes, stored: bytes, context: bytes) -> bytes:
    nonce, ciphertext, tag = stored[:12], stored[12:-16], stored[-16:]
    decryptor = Cipher(AES(key), GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(context)
    # expect: test[a_text_is_handed_out_before_its_tag_is_checked]
    return decryptor.update(ciphertext)
