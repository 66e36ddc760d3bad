import hashlib
import json
import os
import ssl
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.utils import CryptographyDeprecationWarning

from proof.testing.basics import Observe, lacking
from proof.testing.record import Attack, Evidence
from snippets.security import forbidden_algorithms as kept
from snippets.security import forbidden_algorithms_avoid as avoid

ROOT = Path(__file__).parents[2]
RUFF = Path(sys.executable).with_name("ruff")
BAN = ROOT / "snippets/security/forbidden_algorithms.toml"
VECTORS = json.loads(
    Path(__file__)
    .with_name("forbidden_algorithms_vectors.json")
    .read_text(encoding="utf-8")
)
KEY = bytes(range(32))
CONTRACT = b"pay 0100 EUR to ACME"
SEALED = kept.seal(KEY, CONTRACT, "C-17")
TOO_LONG_SECONDS = 20
SESSIONS = 1 << 12


def collision(algorithm: str) -> tuple[bytes, bytes]:
    """Return two messages that were published because their digests are the same."""
    published = VECTORS["collisions"][algorithm]
    return bytes.fromhex(published["one"]), bytes.fromhex(published["other"])


def handed_on() -> dict[str, object]:
    """Return the decrepit ciphers that primitives hands on, with a warning each."""
    with warnings.catch_warnings(category=CryptographyDeprecationWarning):
        warnings.simplefilter("ignore")
        named = {name: getattr(algorithms, name) for name in dir(algorithms)}
    return {
        name: value
        for name, value in named.items()
        if getattr(value, "__module__", "") == decrepit.__name__
    }


def findings(folder: Path, *paths: Path, code: str = "") -> list[str]:
    """Lint by the published block alone; return the code, line and message of each."""
    configuration = folder / "pyproject.toml"
    configuration.write_bytes(BAN.read_bytes())
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        [
            *(RUFF, "check", "--no-cache", "--output-format=json"),
            *(f"--config={configuration}", "--select=S303,S304,S324,TID251"),
            *([str(path) for path in paths] or ["-"]),
        ],
        check=False,
        input=code,
        capture_output=True,
        encoding="utf-8",
        timeout=TOO_LONG_SECONDS,
    )
    return [
        f"line {each['location']['row']}: {each['code']} {each['message']}"
        for each in json.loads(done.stdout)
    ]


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_fingerprint_is_the_published_digest(algorithm: str) -> None:
    vector = VECTORS["digests"]
    stated = f"{algorithm}:{vector[algorithm]}"
    assert kept.fingerprint(vector["message"].encode(), algorithm) == stated
    assert kept.is_approved(vector["message"].encode(), stated)


def test_a_fingerprint_is_by_sha_256_if_not_told_otherwise() -> None:
    assert kept.fingerprint(CONTRACT) == kept.fingerprint(CONTRACT, "sha256")


def test_a_changed_contract_is_not_the_approved_one() -> None:
    approved = kept.fingerprint(CONTRACT)
    assert not kept.is_approved(CONTRACT.replace(b"0", b"9"), approved)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "SHA256", "shake_128", ""])
def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        kept.is_approved(CONTRACT, f"{algorithm}:00")
    assert str(refused.value) == f"{algorithm!r} is none of sha256, sha512"


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_the_published_collisions_are_told_apart_by_sha_256(algorithm: str) -> None:
    one, other = collision(algorithm)
    assert kept.fingerprint(one) != kept.fingerprint(other)


def test_a_sealed_contract_comes_back_for_its_number() -> None:
    assert kept.unseal(KEY, SEALED, "C-17") == CONTRACT
    assert len(SEALED) == 12 + len(CONTRACT) + 16


def test_a_contract_sealed_twice_has_two_nonces() -> None:
    again = kept.seal(KEY, CONTRACT, "C-17")
    assert again[:12] != SEALED[:12]


@pytest.mark.parametrize("number", ["C-18", ""])
def test_a_contract_sealed_for_another_number_is_refused(number: str) -> None:
    with pytest.raises(InvalidTag):
        kept.unseal(KEY, SEALED, number)


@pytest.mark.parametrize("byte", range(len(SEALED)))
def test_every_changed_bit_is_refused(byte: int) -> None:
    changed = bytearray(SEALED)
    for bit in range(8):
        changed[byte] = SEALED[byte] ^ 1 << bit
        with pytest.raises(InvalidTag):
            kept.unseal(KEY, bytes(changed), "C-17")


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_every_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(InvalidTag):
        kept.unseal(KEY, SEALED[:length], "C-17")


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_neither_seals_nor_unseals(length: int) -> None:
    message = rf"^the key has {length} bytes instead of 32$"
    with pytest.raises(ValueError, match=message):
        kept.seal(bytes(length), CONTRACT, "C-17")
    with pytest.raises(ValueError, match=message):
        kept.unseal(bytes(length), SEALED, "C-17")


def test_a_number_that_is_no_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        kept.seal(KEY, CONTRACT, "\ud800")
    with pytest.raises(ValueError, match="surrogates not allowed"):
        kept.unseal(KEY, SEALED, "\ud800")


def test_a_contract_of_two_gibibytes_is_an_overflow_error() -> None:
    with pytest.raises(OverflowError):
        kept.seal(KEY, bytes(2**31), "C-17")


def test_an_etag_is_the_md5_that_a_bucket_answers() -> None:
    vector = VECTORS["md5"]
    assert kept.etag(vector["message"].encode()) == vector["digest"]


def test_under_a_fips_policy_md5_fails_unless_it_is_declared_harmless(
    tmp_path: Path, evidence: Evidence
) -> None:
    if ssl.OPENSSL_VERSION_INFO < (3,):
        lacking("OpenSSL 3")
    policy = tmp_path / "openssl.cnf"
    policy.write_text(
        "openssl_conf = init\n[init]\nalg_section = algorithms\n"
        "[algorithms]\ndefault_properties = fips=yes\n",
        encoding="utf-8",
    )
    tried = (
        "import hashlib\n"
        "from snippets.security.forbidden_algorithms import etag\n"
        "print(etag(b'abc'))\n"
        "print(hashlib.new('md5', b'abc').hexdigest())\n"
        "try:\n"
        "    hashlib.md5(b'abc')\n"
        "except ValueError as refused:\n"
        "    print(refused)\n"
    )
    done = subprocess.run(  # noqa: S603 - the interpreter itself, with text from here
        [sys.executable, "-c", tried],
        cwd=ROOT,
        env={**os.environ, "OPENSSL_CONF": str(policy)},
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=TOO_LONG_SECONDS,
    )
    declared, by_name, refused = done.stdout.splitlines()
    evidence.add(
        "Where OpenSSL has a FIPS policy",
        f"hashlib.md5(b'abc'): {refused}\n"
        f"hashlib.md5(b'abc', usedforsecurity=False): {declared}\n"
        f"hashlib.new('md5', b'abc'): {by_name}",
    )
    assert declared == by_name == "900150983cd24fb0d6963f7d28e17f72"
    assert refused == "[digital envelope routines] unsupported"


def test_the_ban_reports_what_the_rules_of_ruff_let_pass(
    tmp_path: Path, evidence: Evidence
) -> None:
    found = findings(tmp_path, Path(avoid.__file__))
    said = sorted(each.partition(": ")[2] for each in found)
    evidence.add("ruff with the ban, on the counterexample", "\n".join(said))
    in_primitives = "cryptography.hazmat.primitives.ciphers.algorithms"
    assert said == [
        "S304 Use of insecure cipher, replace with a known secure cipher such as AES",
        "S324 Probable use of insecure hash functions in `hashlib`: `md5`",
        "TID251 `cryptography.hazmat.decrepit` is banned: Outdated: use AESGCM.",
        f"TID251 `{in_primitives}.ARC4` is banned: Broken: use AESGCM.",
        (
            "TID251 `hashlib.new` is banned: Data chooses the algorithm: "
            "use a table of the accepted ones."
        ),
    ]


def test_the_ban_has_nothing_against_the_recommended_module(tmp_path: Path) -> None:
    assert findings(tmp_path, Path(kept.__file__)) == []


def reported_by(code: str, names: list[str], folder: Path) -> list[str]:
    """Use each cipher of primitives once; return those that a rule of ruff reports."""
    use = "from cryptography.hazmat.primitives.ciphers import algorithms\n"
    use += "".join(f"algorithms.{name}(key)\n" for name in names)
    found = [each.split() for each in findings(folder, code=use)]
    return [names[int(row[:-1]) - 2] for _, row, rule, *_ in found if rule == code]


def test_the_ban_names_every_decrepit_cipher_that_primitives_hands_on(
    tmp_path: Path,
) -> None:
    names = sorted(handed_on())
    assert "TripleDES" in names
    assert reported_by("TID251", names, tmp_path) == names


def test_s304_knows_three_of_them_and_not_triple_des(tmp_path: Path) -> None:
    names = sorted(handed_on())
    assert reported_by("S304", names, tmp_path) == ["ARC4", "Blowfish", "IDEA"]


@pytest.mark.parametrize(
    "use", ['hmac.digest(key, body, "md5")', 'hashlib.file_digest(file, "sha1")']
)
def test_neither_sees_an_algorithm_that_is_named_in_a_string(
    use: str, tmp_path: Path
) -> None:
    assert findings(tmp_path, code=f"import hashlib, hmac\n{use}\n") == []


def test_a_contract_with_the_approved_md5_says_something_else(
    observe: Observe,
) -> None:
    one, other = collision("md5")
    approved = avoid.fingerprint(one)
    observe(f"…{one[18:26].decode()}… and …{other[18:26].decode()}… are {approved}")
    assert one != other
    assert (
        avoid.fingerprint(other) == approved == "md5:faad49866e9498fc1719f5289e7a0269"
    )


def test_a_supplier_who_chooses_sha1_swaps_the_approved_contract(
    observe: Observe, attack: Attack
) -> None:
    one, other = (each + b" the same pages follow" for each in collision("sha1"))
    stated = f"sha1:{hashlib.sha1(one).hexdigest()}"  # noqa: S324 - the attack is on it
    attack.sent(f"contract.pdf, and as its fingerprint {stated}")
    assert avoid.is_approved(one, stated)
    assert avoid.is_approved(other, stated)
    observe("the swapped file is the approved one")
    attack.happened("after the approval, another contract.pdf passes for it")
    with pytest.raises(ValueError, match=r"^'sha1' is none of") as refused:
        kept.is_approved(one, stated)
    attack.now(refused.value)


def test_a_changed_amount_comes_out_of_triple_des_unnoticed(
    observe: Observe, attack: Attack
) -> None:
    key = bytes(range(24))
    sealed = bytearray(avoid.seal(key, CONTRACT))
    assert avoid.unseal(key, bytes(sealed)) == CONTRACT
    sealed[4] ^= ord("0") ^ ord("9")  # in the initial vector, which nobody encrypts
    attack.sent("the sealed file with two bits of its fifth byte changed")
    unsealed = avoid.unseal(key, bytes(sealed)).decode()
    observe(unsealed)
    attack.happened(unsealed)
    assert unsealed == "pay 9100 EUR to ACME"
    changed = bytearray(SEALED)
    changed[4] ^= ord("0") ^ ord("9")
    with pytest.raises(InvalidTag) as refused:
        kept.unseal(KEY, bytes(changed), "C-17")
    attack.now(type(refused.value).__name__)


def test_triple_des_has_no_authenticated_mode() -> None:
    mode = modes.GCM(bytes(12))
    with pytest.raises(UnsupportedAlgorithm, match=r"^cipher 3DES in GCM mode is not"):
        Cipher(decrepit.TripleDES(bytes(24)), mode).encryptor()


def test_des_ignores_every_eighth_bit_of_its_key() -> None:
    key = bytes(range(24))
    sealed = avoid.seal(key, CONTRACT)
    assert avoid.unseal(bytes(each ^ 1 for each in key), sealed) == CONTRACT


def test_the_class_that_ruff_reports_is_the_class_that_it_lets_pass(
    observe: Observe,
) -> None:
    same = handed_on()["ARC4"]
    observe(f"algorithms.ARC4 is {decrepit.__name__}.ARC4")
    assert same is decrepit.ARC4
    with pytest.warns(CryptographyDeprecationWarning, match=r"^ARC4 has been moved"):
        one = avoid.seal_to_transmit(bytes(16), CONTRACT)
    assert avoid.seal_to_transmit_unreported(bytes(16), CONTRACT) == one


def test_the_second_byte_is_read_from_many_rc4_messages_without_a_key(
    observe: Observe,
) -> None:
    seen = Counter(
        avoid.seal_to_transmit_unreported(
            hashlib.sha256(session.to_bytes(4)).digest()[:16], b"4711 is your PIN"
        )[1]
        for session in range(SESSIONS)
    )
    [(byte, times), (_, next_best)] = seen.most_common(2)
    observe(
        f"of {SESSIONS:,} messages, {times} have {chr(byte)!r}, the next {next_best}"
    )
    assert chr(byte) == "7"
