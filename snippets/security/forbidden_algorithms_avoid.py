"""Keep contracts, by algorithms that somebody's old system asked for."""

import hashlib
import secrets

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BYTES = 8


def fingerprint(contract: bytes) -> str:
    # expect: ruff[S324] test[a_contract_with_the_approved_md5_says_something_else]
    return f"md5:{hashlib.md5(contract).hexdigest()}"


# --8<-- [start:answer]
def is_approved(contract: bytes, approved: str) -> bool:
    algorithm, _, digest = approved.partition(":")
    # expect: test[a_supplier_who_chooses_sha1_swaps_the_approved_contract]
    return hashlib.new(algorithm, contract).hexdigest() == digest
    # --8<-- [end:answer]


def seal(key: bytes, contract: bytes) -> bytes:
    padder = PKCS7(BLOCK_BYTES * 8).padder()
    iv = secrets.token_bytes(BLOCK_BYTES)
    encryptor = Cipher(TripleDES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(contract) + padder.finalize()
    return iv + encryptor.update(padded) + encryptor.finalize()


def unseal(key: bytes, sealed: bytes) -> bytes:
    unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
    iv, ciphertext = sealed[:BLOCK_BYTES], sealed[BLOCK_BYTES:]
    # expect: test[a_changed_amount_comes_out_of_triple_des_unnoticed]
    decryptor = Cipher(TripleDES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def seal_to_transmit(session_key: bytes, contract: bytes) -> bytes:
    # expect: ruff[S304]
    # expect: test[the_class_that_ruff_reports_is_the_class_that_it_lets_pass]
    encryptor = Cipher(algorithms.ARC4(session_key), mode=None).encryptor()
    return encryptor.update(contract) + encryptor.finalize()


def seal_to_transmit_unreported(session_key: bytes, contract: bytes) -> bytes:
    # expect: test[the_second_byte_is_read_from_many_rc4_messages_without_a_key]
    encryptor = Cipher(ARC4(session_key), mode=None).encryptor()
    return encryptor.update(contract) + encryptor.finalize()
