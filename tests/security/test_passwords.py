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
from snippets.security.passwords import Passwords, WrongPasswordError

OWASP = replace(RFC_9106_LOW_MEMORY, memory_cost=19456, time_cost=2, parallelism=1)
CHEAP = replace(RFC_9106_LOW_MEMORY, memory_cost=64, time_cost=2, parallelism=1)
OLD = replace(CHEAP, memory_cost=32)
MESSAGE = "wrong name or password"


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
    return Passwords(CHEAP)


@pytest.fixture(scope="module")
def at_full_cost() -> Passwords:
    return Passwords()


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
@given(chosen=st.text(), typed=st.text())
def test_the_password_is_accepted_and_no_other(chosen: str, typed: str) -> None:
    passwords = Passwords(OLD)
    stored = passwords.hash(chosen)
    assert passwords.verify(chosen, stored) == stored
    if normalize("NFC", typed) != normalize("NFC", chosen):
        with pytest.raises(WrongPasswordError):
            passwords.verify(typed, stored)


def test_one_password_hashed_twice_gives_two_hashes(passwords: Passwords) -> None:
    first, second = passwords.hash("sunshine"), passwords.hash("sunshine")
    salts = {each.split("$")[4] for each in (first, second)}
    assert len(salts) == 2
    assert passwords.verify("sunshine", second) == second


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [("caf\u00e9", "cafe\u0301"), ("\u212b", "A\u030a"), ("\uac00", "\u1100\u1161")],
    ids=["accent", "Angstrom", "Hangul"],
)
def test_what_looks_the_same_is_the_same_on_every_keyboard(
    chosen: str, typed: str, passwords: Passwords
) -> None:
    stored = passwords.hash(chosen)
    assert passwords.verify(typed, stored) == stored


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("sun\0shine", "sun\0flower"),
        ("\ufb01sh", "fish"),
        ("sunshine", "sunshine "),
        ("sunshine", "\ud800"),
    ],
    ids=["after 72 bytes", "after NUL", "ligature", "space", "half a pair"],
)
def test_every_character_counts(chosen: str, typed: str, passwords: Passwords) -> None:
    with pytest.raises(WrongPasswordError):
        passwords.verify(typed, passwords.hash(chosen))


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
    old = Passwords(weaker).hash("sunshine")
    new = passwords.verify("sunshine", old)
    assert extract_parameters(old) == weaker
    assert extract_parameters(new) == CHEAP
    assert passwords.verify("sunshine", new) == new


def test_a_stronger_hash_is_replaced_as_well(passwords: Passwords) -> None:
    stronger = Passwords(replace(CHEAP, memory_cost=128)).hash("sunshine")
    assert extract_parameters(passwords.verify("sunshine", stronger)) == CHEAP


def test_a_wrong_password_replaces_nothing(
    passwords: Passwords, computed: list[str]
) -> None:
    old = PasswordHasher.from_parameters(OLD).hash("sunshine")
    computed.clear()
    with pytest.raises(WrongPasswordError):
        passwords.verify("moonlight", old)
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
    stored = {"ada": passwords.hash("sunshine")}.get(user)
    computed.clear()
    with pytest.raises(WrongPasswordError) as refused:
        passwords.verify("moonlight", stored)
    assert computed == ["m=64,t=2,p=1"]
    assert str(refused.value) == MESSAGE
    assert refused.value.__suppress_context__


def test_the_hash_for_unknown_users_is_computed_once(computed: list[str]) -> None:
    Passwords(CHEAP)
    assert computed == ["m=64,t=2,p=1"]


def test_a_user_whose_hash_is_older_still_costs_less_than_a_stranger(
    passwords: Passwords, computed: list[str]
) -> None:
    old = PasswordHasher.from_parameters(OLD).hash("sunshine")
    computed.clear()
    for stored in (old, None):
        with pytest.raises(WrongPasswordError):
            passwords.verify("moonlight", stored)
    assert computed == ["m=32,t=2,p=1", "m=64,t=2,p=1"]


def test_the_password_of_nobody_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommended, "token_urlsafe", lambda: "guessed")
    with pytest.raises(WrongPasswordError) as refused:
        Passwords(CHEAP).verify("guessed", None)
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
        Passwords(CHEAP)
    assert len(set(hashed)) == 2
    assert min(map(len, hashed)) >= 43  # 256 bits in base64


@pytest.mark.parametrize("stored", ["", "!", "$2b$12$bcrypt", "sunshine"])
def test_what_is_no_argon2_hash_is_an_error_and_no_wrong_password(
    stored: str, passwords: Passwords
) -> None:
    with pytest.raises(InvalidHashError):
        passwords.verify("sunshine", stored)


def test_a_damaged_hash_is_an_error_and_no_wrong_password(passwords: Passwords) -> None:
    damaged = passwords.hash("sunshine")[:40]
    with pytest.raises(VerificationError) as damage:
        passwords.verify("sunshine", damaged)
    assert str(damage.value) == "Decoding failed"


def test_a_hash_costs_milliseconds_and_mebibytes_on_purpose(
    at_full_cost: Passwords, measured: Measured
) -> None:
    owasp = PasswordHasher.from_parameters(OWASP)
    stored: list[str] = []
    ours = milliseconds(lambda: stored.append(at_full_cost.hash("sunshine")), runs=2)
    sha256 = milliseconds(lambda: avoid.hash_at_speed("sunshine"), runs=20)
    measured.row(
        "Time of one hash",
        "ms",
        {
            "Passwords()": ours,
            "Argon2id, OWASP's least": milliseconds(
                lambda: owasp.hash("sunshine"), runs=2
            ),
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


def test_an_unknown_user_takes_as_long_as_a_known_one(measured: Measured) -> None:
    def try_in_vain(log_in: Callable[[], object]) -> None:
        with pytest.raises((WrongPasswordError, avoid.WrongPasswordError)):
            log_in()

    parameters = replace(CHEAP, memory_cost=8192)
    passwords, hasher = (
        Passwords(parameters),
        PasswordHasher.from_parameters(parameters),
    )
    stored = passwords.hash("sunshine")

    def ratio(log_in: Callable[[str | None], object]) -> float:
        unknown = milliseconds(lambda: try_in_vain(lambda: log_in(None)), runs=7)
        known = milliseconds(lambda: try_in_vain(lambda: log_in(stored)), runs=7)
        return unknown / known

    ours = ratio(lambda stored: passwords.verify("moonlight", stored))
    other = ratio(lambda stored: avoid.verify_if_known(hasher, "moonlight", stored))
    measured.row(
        "A stranger's log-in against a user's with a wrong password",
        "times as long",
        {"Passwords.verify": ours, "verify_if_known": other},
    )
    assert 0.25 < ours < 4
    assert other < 0.1


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
    table = {"ada": passwords.hash("sunshine"), "eve": None}
    attack.sent("log in as ada, then as eve, with any password, and time both")
    told = hashes(lambda stored: avoid.verify_if_known(hasher, "moonlight", stored))
    observe(f"hashes computed for {told}")
    attack.happened(f"hashes computed for {told}. Ada has an account, eve has none")
    assert told == "ada: 1, eve: 0"
    told = hashes(lambda stored: passwords.verify("moonlight", stored))
    attack.now(f"hashes computed for {told}")
    assert told == "ada: 1, eve: 1"


def test_a_known_user_gets_in_by_either_version(passwords: Passwords) -> None:
    hasher = PasswordHasher.from_parameters(CHEAP)
    old = PasswordHasher.from_parameters(OLD).hash("sunshine")
    stored = passwords.hash("sunshine")
    assert avoid.verify_if_known(hasher, "sunshine", stored) == stored
    assert avoid.verify_if_known(hasher, "sunshine", old) != old
    assert avoid.verify_as_ever(hasher, "sunshine", stored)
    assert not avoid.verify_as_ever(hasher, "moonlight", stored)


def test_a_hash_that_was_weak_once_stays_weak(observe: Observe) -> None:
    hasher = PasswordHasher.from_parameters(CHEAP)
    table = {"ada": PasswordHasher.from_parameters(OLD).hash("sunshine")}
    assert avoid.verify_as_ever(hasher, "sunshine", table["ada"])
    assert hasher.check_needs_rehash(table["ada"])
    observe(f"after the log-in ada's hash is still of {table['ada'].split('$')[3]}")
