import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, cast
from unicodedata import normalize

import pytest
from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY, get_default_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack, Measured, undisturbed
from snippets.security import passwords as recommended
from snippets.security import passwords_avoid as avoid
from snippets.security.passwords import (
    Passwords,
    RefusedPasswordError,
    WrongPasswordError,
)

OWASP = replace(RFC_9106_LOW_MEMORY, memory_cost=19456, time_cost=2, parallelism=1)
CHEAP = replace(RFC_9106_LOW_MEMORY, memory_cost=64, time_cost=2, parallelism=1)
OLD = replace(CHEAP, memory_cost=32)
MESSAGE = "wrong name or password"
COMMON = frozenset({"passwordpassword", "caf\u00e9caf\u00e9caf\u00e9caf\u00e9"})
SUNSHINE, MOONLIGHT = "sunshine over the sea", "moonlight over the sea"


class Published(TypedDict):
    password: str
    hashes: dict[str, str]


beside = Path(__file__).with_name("passwords_vectors.json")
published = cast("Published", json.loads(beside.read_text("utf-8")))
each_published = pytest.mark.parametrize(
    "stored", published["hashes"].values(), ids=published["hashes"]
)


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(COMMON, CHEAP)


@pytest.fixture(scope="module")
def at_full_cost() -> Passwords:
    return Passwords(COMMON)


@each_published
def test_a_published_hash_accepts_its_password_and_is_replaced_by_todays(
    stored: str, passwords: Passwords
) -> None:
    kept = passwords.verify(published["password"], stored)
    assert kept.startswith("$argon2id$v=19$m=64,t=2,p=1$")
    assert passwords.verify(published["password"], kept) == kept


@each_published
def test_a_published_hash_refuses_another_password(
    stored: str, passwords: Passwords
) -> None:
    with pytest.raises(WrongPasswordError):
        passwords.verify("passwore", stored)


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(
    chosen=st.text(min_size=15, max_size=256), typed=st.text(min_size=15, max_size=256)
)
def test_the_password_is_accepted_and_no_other(chosen: str, typed: str) -> None:
    passwords = Passwords(COMMON, OLD)
    stored = passwords.hash(chosen)
    assert passwords.verify(chosen, stored) == stored
    if normalize("NFC", typed) != normalize("NFC", chosen):
        with pytest.raises(WrongPasswordError):
            passwords.verify(typed, stored)


def test_one_password_hashed_twice_gives_two_hashes(passwords: Passwords) -> None:
    first, second = passwords.hash(SUNSHINE), passwords.hash(SUNSHINE)
    salts = {each.split("$")[4] for each in (first, second)}
    assert len(salts) == 2
    assert passwords.verify(SUNSHINE, second) == second


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [("caf\u00e9", "cafe\u0301"), ("\u212b", "A\u030a"), ("\uac00", "\u1100\u1161")],
    ids=["accent", "Angstrom", "Hangul"],
)
def test_what_looks_the_same_is_the_same_on_every_keyboard(
    chosen: str, typed: str, passwords: Passwords
) -> None:
    stored = passwords.hash(15 * chosen)
    assert passwords.verify(15 * typed, stored) == stored


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("sunny\0shine", "sunny\0flower"),
        ("\ufb01sh and chips", "fish and chips"),
        ("sunshine over", "sunshine over "),
        ("sunshine over", "\ud800"),
        ("sunshine over \ud800", "sunshine over ?"),
    ],
    ids=[
        "after 72 bytes",
        "after NUL",
        "ligature",
        "space",
        "half a pair",
        "question mark",
    ],
)
def test_every_character_counts(chosen: str, typed: str, passwords: Passwords) -> None:
    with pytest.raises(WrongPasswordError):
        passwords.verify(2 * typed, passwords.hash(2 * chosen))


@pytest.mark.parametrize(
    "weaker",
    [
        replace(CHEAP, memory_cost=32),
        replace(CHEAP, time_cost=1),
        replace(CHEAP, hash_len=16),
        replace(CHEAP, salt_len=8),
        replace(CHEAP, type=Type.I),
    ],
    ids=["memory", "time", "hash", "salt", "type"],
)
def test_a_log_in_replaces_a_hash_of_weaker_parameters(
    weaker: Parameters, passwords: Passwords
) -> None:
    old = Passwords(COMMON, weaker).hash(SUNSHINE)
    new = passwords.verify(SUNSHINE, old)
    assert extract_parameters(old) == weaker
    assert extract_parameters(new) == CHEAP
    assert passwords.verify(SUNSHINE, new) == new


def test_a_stronger_hash_is_replaced_as_well(passwords: Passwords) -> None:
    stronger = Passwords(COMMON, replace(CHEAP, memory_cost=128)).hash(SUNSHINE)
    assert extract_parameters(passwords.verify(SUNSHINE, stronger)) == CHEAP


def test_a_wrong_password_replaces_nothing(
    passwords: Passwords, computed: list[str]
) -> None:
    old = PasswordHasher.from_parameters(OLD).hash(SUNSHINE)
    computed.clear()
    with pytest.raises(WrongPasswordError):
        passwords.verify(MOONLIGHT, old)
    assert computed == ["m=32,t=2,p=1"]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down the parameters of every hash that is computed from now on."""
    parameters: list[str] = []
    really_hash, really_verify = PasswordHasher.hash, PasswordHasher.verify

    def hash_(hasher: PasswordHasher, password: bytes | str) -> str:
        made = really_hash(hasher, password)
        parameters.append(made.split("$")[3])
        return made

    def verify(hasher: PasswordHasher, stored: str, password: bytes | str) -> bool:
        parameters.append(stored.split("$")[3])
        return really_verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "hash", hash_)
    monkeypatch.setattr(PasswordHasher, "verify", verify)
    return parameters


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_known_or_unknown_a_wrong_log_in_is_one_hash_and_one_message(
    user: str, passwords: Passwords, computed: list[str]
) -> None:
    stored = {"ada": passwords.hash(SUNSHINE)}.get(user)
    computed.clear()
    with pytest.raises(WrongPasswordError) as refused:
        passwords.verify(MOONLIGHT, stored)
    assert computed == ["m=64,t=2,p=1"]
    assert str(refused.value) == MESSAGE
    assert refused.value.__suppress_context__


def test_the_hash_for_unknown_users_is_computed_once(computed: list[str]) -> None:
    Passwords(COMMON, CHEAP)
    assert computed == ["m=64,t=2,p=1"]


def test_a_user_whose_hash_is_older_still_costs_less_than_a_stranger(
    passwords: Passwords, computed: list[str]
) -> None:
    old = PasswordHasher.from_parameters(OLD).hash(SUNSHINE)
    computed.clear()
    for stored in (old, None):
        with pytest.raises(WrongPasswordError):
            passwords.verify(MOONLIGHT, stored)
    assert computed == ["m=32,t=2,p=1", "m=64,t=2,p=1"]


def test_the_password_of_nobody_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommended, "token_urlsafe", lambda: "guessed")
    with pytest.raises(WrongPasswordError) as refused:
        Passwords(COMMON, CHEAP).verify("guessed", None)
    assert str(refused.value) == MESSAGE


def test_nobodys_password_is_another_in_each_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hash_(_hasher: PasswordHasher, password: bytes | str) -> str:
        hashed.append(password)
        return ""

    hashed: list[bytes | str] = []
    monkeypatch.setattr(PasswordHasher, "hash", hash_)
    for _ in range(2):
        Passwords(COMMON, CHEAP)
    assert len(set(hashed)) == 2
    assert min(map(len, hashed)) >= 43  # 256 bits in base64


@pytest.mark.parametrize("password", ["", 14 * "a", 14 * "\U0001f600", 257 * "a"])
def test_a_new_password_of_another_length_is_refused(
    password: str, passwords: Passwords
) -> None:
    with pytest.raises(RefusedPasswordError, match=r"^choose 15 to 256 characters$"):
        passwords.hash(password)


@pytest.mark.parametrize("length", [15, 256])
@pytest.mark.parametrize("letter", ["a", "\U0001f600"])
def test_a_new_password_may_have_15_to_256_characters(
    letter: str, length: int, passwords: Passwords
) -> None:
    stored = passwords.hash(length * letter)
    assert passwords.verify(length * letter, stored) == stored


@pytest.mark.parametrize(
    "password", ["passwordpassword", "PassWordPassWord", 4 * "cafe\u0301"]
)
def test_a_common_password_is_refused_in_every_spelling(
    password: str, passwords: Passwords
) -> None:
    with pytest.raises(RefusedPasswordError, match=r"^choose one that is less common$"):
        passwords.hash(password)


def test_a_password_from_before_the_bounds_still_logs_in(passwords: Passwords) -> None:
    old = PasswordHasher.from_parameters(OLD).hash("short")
    new = passwords.verify("short", old)
    assert extract_parameters(new) == CHEAP
    assert passwords.verify("short", new) == new


@pytest.mark.parametrize("stored", ["known", None])
def test_a_password_that_is_too_long_is_wrong_before_anything_is_computed(
    stored: str | None, passwords: Passwords, computed: list[str]
) -> None:
    hostile = "a" + 500_000 * "\u0327\u0301"  # would be normalised for an hour
    known = passwords.hash(SUNSHINE) if stored else None
    computed.clear()
    for password in (hostile, 257 * "a"):
        with pytest.raises(WrongPasswordError) as refused:
            passwords.verify(password, known)
        assert str(refused.value) == MESSAGE
    assert computed == []


@pytest.mark.parametrize(
    "stored", ["", "!", "$2b$12$bcrypt", "sunshine", "\xe4", "$argon2id$\ud800"]
)
def test_what_is_no_argon2_hash_is_an_error_and_no_wrong_password(
    stored: str, passwords: Passwords
) -> None:
    with pytest.raises((InvalidHashError, UnicodeEncodeError)):
        passwords.verify(SUNSHINE, stored)


def test_a_damaged_hash_is_an_error_and_no_wrong_password(passwords: Passwords) -> None:
    damaged = passwords.hash(SUNSHINE)[:40]
    with pytest.raises(VerificationError) as damage:
        passwords.verify(SUNSHINE, damaged)
    assert str(damage.value) == "Decoding failed"


def test_a_hash_costs_milliseconds_and_mebibytes_on_purpose(
    at_full_cost: Passwords, measured: Measured
) -> None:
    owasp = PasswordHasher.from_parameters(OWASP)
    stored: list[str] = []
    ours = milliseconds(lambda: stored.append(at_full_cost.hash(SUNSHINE)))
    sha256 = milliseconds(lambda: avoid.hash_at_speed("sunshine"), runs=20)
    measured.row(
        "Time of one hash",
        "ms",
        {
            "Passwords()": ours,
            "Argon2id, OWASP's least": milliseconds(lambda: owasp.hash(SUNSHINE)),
            "salted SHA-256": sha256,
        },
    )
    parameters = extract_parameters(stored[0])
    measured.row(
        "Memory of one hash",
        "MiB",
        {
            "Passwords()": parameters.memory_cost / 1024,
            "Argon2id, OWASP's least": OWASP.memory_cost / 1024,
            "salted SHA-256": 0,
        },
    )
    measured.row(
        "Guesses in the time of one log-in",
        "",
        {"Passwords()": 1, "salted SHA-256": round(ours / sha256)},
    )
    assert parameters == RFC_9106_LOW_MEMORY
    assert stored[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert ours > 100 * sha256


def test_the_librarys_own_defaults_are_the_same_today() -> None:
    assert get_default_parameters() == RFC_9106_LOW_MEMORY


def milliseconds(work: Callable[[], object], *, runs: int = 1) -> float:
    """Time the fastest of several runs."""
    taken: list[float] = []
    with undisturbed():
        for _ in range(runs):
            begun = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begun)
    return 1000 * min(taken)


@pytest.mark.parametrize("n", [2**15, 2**17])
def test_scrypt_refuses_to_use_32_mebibytes_unless_it_is_told(n: int) -> None:
    with pytest.raises(ValueError, match="memory limit exceeded"):
        hashlib.scrypt(b"sunshine", salt=bytes(16), n=n, r=8, p=1)


def test_scrypt_uses_the_memory_it_is_given() -> None:
    key = hashlib.scrypt(
        b"sunshine", salt=bytes(16), n=2**15, r=8, p=1, maxmem=33 * 2**20
    )
    assert len(key) == 64


def test_a_word_list_finds_a_password_behind_a_salted_sha_256(observe: Observe) -> None:
    salt, _, stolen = avoid.hash_at_speed("sunshine").partition("$")
    for guess, word in enumerate(("123456", "password", "qwerty", "sunshine"), 1):
        if hashlib.sha256((salt + word).encode()).hexdigest() == stolen:
            observe(f"{word}, at guess {guess}, in {guess} hashes of 40 bytes")
            assert word == "sunshine"
            break
    else:
        pytest.fail("not found")


def test_an_unknown_user_costs_no_hash_and_is_told_apart(
    observe: Observe, attack: Attack, passwords: Passwords, computed: list[str]
) -> None:
    def hashes(log_in: Callable[[str | None], object]) -> str:
        counts: list[str] = []
        for name, stored in table.items():
            computed.clear()
            with pytest.raises((WrongPasswordError, avoid.WrongPasswordError)):
                log_in(stored)
            counts.append(f"{name}: {len(computed)}")
        return ", ".join(counts)

    hasher = PasswordHasher.from_parameters(CHEAP)
    table = {"ada": passwords.hash(SUNSHINE), "eve": None}
    attack.sent("log in as ada, then as eve, with any password, and time both")
    told = hashes(lambda stored: avoid.verify_if_known(hasher, MOONLIGHT, stored))
    observe(f"hashes computed for {told}")
    attack.happened(f"hashes computed for {told}. Ada has an account, eve has none")
    assert told == "ada: 1, eve: 0"
    told = hashes(lambda stored: passwords.verify(MOONLIGHT, stored))
    attack.now(f"hashes computed for {told}")
    assert told == "ada: 1, eve: 1"


def test_the_password_that_attackers_try_first_is_accepted(
    observe: Observe, passwords: Passwords
) -> None:
    hasher = PasswordHasher.from_parameters(CHEAP)
    stored = avoid.hash_anything(hasher, "passwordpassword")
    assert hasher.verify(stored, "passwordpassword")
    assert hasher.verify(avoid.hash_anything(hasher, ""), "")
    observe("'passwordpassword' is accepted, and so is ''")
    for refused in ("passwordpassword", ""):
        with pytest.raises(RefusedPasswordError):
            passwords.hash(refused)


def test_a_known_user_gets_in_by_either_version(passwords: Passwords) -> None:
    hasher = PasswordHasher.from_parameters(CHEAP)
    old = PasswordHasher.from_parameters(OLD).hash(SUNSHINE)
    stored = passwords.hash(SUNSHINE)
    assert avoid.verify_if_known(hasher, SUNSHINE, stored) == stored
    assert avoid.verify_if_known(hasher, SUNSHINE, old) != old
    assert avoid.verify_as_ever(hasher, SUNSHINE, stored)
    assert not avoid.verify_as_ever(hasher, MOONLIGHT, stored)


def test_a_hash_that_was_weak_once_stays_weak(observe: Observe) -> None:
    hasher = PasswordHasher.from_parameters(CHEAP)
    table = {"ada": PasswordHasher.from_parameters(OLD).hash(SUNSHINE)}
    assert avoid.verify_as_ever(hasher, SUNSHINE, table["ada"])
    assert hasher.check_needs_rehash(table["ada"])
    observe(f"after the log-in ada's hash is still of {table['ada'].split('$')[3]}")
