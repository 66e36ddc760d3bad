import base64
import copy
import hmac
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FunctionType, TracebackType
from typing import TypedDict, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import key_management_avoid as avoid
from snippets.security.key_management import (
    MasterKey,
    UnusableKeyError,
    load_master_key,
)

SECRET = bytes(range(100, 132))
IN_BASE64 = base64.b64encode(SECRET).decode()
NO_KEY = "no key: set SHOP_KEY_FILE or SHOP_KEY"
steady = settings(derandomize=True, database=None, deadline=None, max_examples=30)
secrets = st.binary(min_size=32, max_size=32)


class Vector(TypedDict):
    name: str
    secret: str
    purpose: str
    output: str


beside = Path(__file__).with_name("key_management_vectors.json")
published = cast("list[Vector]", json.loads(beside.read_text("utf-8"))["vectors"])


@pytest.mark.parametrize("vector", published, ids=lambda vector: vector["name"])
def test_a_key_is_derived_as_published(vector: Vector) -> None:
    key = MasterKey(bytes.fromhex(vector["secret"]))
    derived = key.derive(bytes.fromhex(vector["purpose"]))
    assert derived.hex() == vector["output"][:64]


@steady
@given(secret=secrets, purpose=st.binary())
def test_a_key_is_two_hmacs_by_the_letter_of_rfc_5869(
    secret: bytes, purpose: bytes
) -> None:
    extracted = hmac.digest(bytes(32), secret, "sha256")
    expanded = hmac.digest(extracted, purpose + b"\1", "sha256")
    assert MasterKey(secret).derive(purpose) == expanded


@steady
@given(purposes=st.sets(st.binary(), min_size=2))
def test_every_purpose_has_a_key_of_its_own_and_none_is_the_secret(
    purposes: set[bytes],
) -> None:
    key = MasterKey(SECRET)
    derived = {key.derive(purpose) for purpose in purposes}
    assert len(derived | {SECRET}) == len(purposes) + 1


@pytest.mark.parametrize(
    "written", [IN_BASE64, f" {IN_BASE64}\n"], ids=["bare", "with blanks"]
)
def test_the_key_comes_from_the_variable(written: str) -> None:
    key = load_master_key({"SHOP_KEY": written})
    assert key.derive(b"test") == MasterKey(SECRET).derive(b"test")


@pytest.mark.parametrize(
    "written", [IN_BASE64, f"{IN_BASE64}\r\n"], ids=["bare", "with a line end"]
)
def test_the_key_comes_from_the_file_if_there_is_one(
    written: str, tmp_path: Path
) -> None:
    mounted = tmp_path / "shop-key"
    mounted.write_text(written, "utf-8")
    key = load_master_key({"SHOP_KEY_FILE": str(mounted), "SHOP_KEY": "ignored"})
    assert key.derive(b"test") == MasterKey(SECRET).derive(b"test")


NO_BASE64 = "the key is not base64"
UNUSABLE = {
    "nothing": ("", NO_KEY),
    "a placeholder": ("change-me", NO_BASE64),
    "a placeholder that is base64": ("changeme", "the key has 6 bytes, not 32"),
    "another alphabet": (IN_BASE64.replace("a", "-", 1), NO_BASE64),
    "no ASCII": ("schl\u00fcssel", NO_BASE64),
    "blanks": (" \n", "the key has 0 bytes, not 32"),
    "cut short": (IN_BASE64.removesuffix("="), NO_BASE64),
    "31 bytes": (
        base64.b64encode(SECRET[:31]).decode(),
        "the key has 31 bytes, not 32",
    ),
    "33 bytes": (
        base64.b64encode(SECRET + b"!").decode(),
        "the key has 33 bytes, not 32",
    ),
}


@pytest.mark.parametrize("name", ["SHOP_KEY", "SHOP_KEY_FILE"])
@pytest.mark.parametrize(("written", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_service_with_an_unusable_key_does_not_start(
    written: str, message: str, name: str, tmp_path: Path
) -> None:
    mounted = tmp_path / "shop-key"
    mounted.write_text(written, "utf-8")
    value = {"SHOP_KEY": written, "SHOP_KEY_FILE": str(mounted)}[name]
    with pytest.raises(UnusableKeyError) as refused:
        load_master_key({name: value})
    assert str(refused.value) == message
    assert refused.value.__cause__ is None


def test_a_variable_that_is_not_utf_8_is_no_key() -> None:
    with pytest.raises(UnusableKeyError) as refused:
        load_master_key({"SHOP_KEY": "\udcff" + IN_BASE64})
    assert str(refused.value) == NO_BASE64


def locals_shown(error: BaseException) -> str:
    """Format an error with all local variables, as error reporters do."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format())


@pytest.mark.parametrize("name", ["SHOP_KEY", "SHOP_KEY_FILE"])
@pytest.mark.parametrize(
    ("end", "message"), [("!", NO_BASE64), ("AAAAA", "the key has 36 bytes, not 32")]
)
def test_the_traceback_of_a_refused_key_does_not_show_it(
    name: str, end: str, message: str, tmp_path: Path
) -> None:
    mounted = tmp_path / "shop-key"
    mounted.write_text(IN_BASE64.removesuffix("=") + end, "utf-8")
    value = {"SHOP_KEY": mounted.read_text("utf-8"), "SHOP_KEY_FILE": str(mounted)}
    with pytest.raises(UnusableKeyError) as refused:
        load_master_key({name: value[name]})
    assert str(refused.value) == message
    refused.value.__traceback__ = of_the_snippet(refused.value.__traceback__)
    text = locals_shown(refused.value)
    assert "load_master_key" in text
    assert shows_no_part_of_the_secret(text)


def of_the_snippet(told: TracebackType | None) -> TracebackType | None:
    """Drop the frames of the test, whose own variables hold the secret."""
    while told is not None and told.tb_frame.f_code.co_filename == __file__:
        told = told.tb_next
    return told


def test_the_traceback_of_a_file_that_is_not_there_does_not_show_the_variable(
    tmp_path: Path,
) -> None:
    environment = {"SHOP_KEY_FILE": str(tmp_path / "absent"), "SHOP_KEY": IN_BASE64}
    with pytest.raises(FileNotFoundError) as refused:
        load_master_key(environment)
    refused.value.__traceback__ = of_the_snippet(refused.value.__traceback__)
    text = locals_shown(refused.value)
    assert "load_master_key" in text
    assert shows_no_part_of_the_secret(text)


def test_a_service_without_a_key_does_not_start() -> None:
    with pytest.raises(UnusableKeyError) as refused:
        load_master_key({})
    assert str(refused.value) == NO_KEY


def test_a_file_that_is_not_mounted_is_named_and_the_variable_not_used(
    tmp_path: Path,
) -> None:
    environment = {"SHOP_KEY_FILE": str(tmp_path / "absent"), "SHOP_KEY": IN_BASE64}
    with pytest.raises(FileNotFoundError, match="absent"):
        load_master_key(environment)


@dataclass
class Settings:
    key: MasterKey


SHOWN: dict[str, Callable[[MasterKey], str]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda key: f"{key}",
    "in a dataclass": lambda key: repr(Settings(key)),
    "in a container": lambda key: repr({"keys": [key]}),
    "in a log line": lambda key: logging.LogRecord(
        "shop", logging.INFO, "shop.py", 1, "starting with %s", (key,), None
    ).getMessage(),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_whatever_shows_the_key_shows_its_fingerprint(
    show: Callable[[MasterKey], str],
) -> None:
    shown = show(MasterKey(SECRET))
    assert "MasterKey(fingerprint='ee1c1a81')" in shown
    assert shows_no_part_of_the_secret(shown)


def shows_no_part_of_the_secret(text: str) -> bool:
    forms = (str(SECRET)[2:-1], SECRET.hex(), IN_BASE64, SECRET.decode("latin-1"))
    return not any(form[:8] in text for form in forms)


def test_a_traceback_with_local_variables_does_not_show_the_key() -> None:
    def start(key: MasterKey) -> None:
        key.derive(cast("bytes", "no bytes"))

    with pytest.raises(TypeError) as failed:
        start(MasterKey(SECRET))
    text = locals_shown(failed.value)
    assert "key = MasterKey(fingerprint=" in text
    assert shows_no_part_of_the_secret(text)


def test_a_fingerprint_tells_keys_apart_and_is_the_same_in_each_process() -> None:
    assert repr(MasterKey(SECRET)) == "MasterKey(fingerprint='ee1c1a81')"
    assert repr(MasterKey(SECRET)) != repr(MasterKey(SECRET[::-1]))


def test_the_fingerprint_is_part_of_no_key_for_a_purpose_of_that_name() -> None:
    key = MasterKey(SECRET)
    assert key.derive(b"fingerprint")[:4].hex() not in repr(key)
    assert key.derive(b"MasterKey/fingerprint")[:4].hex() in repr(key)


def test_the_key_has_no_attributes_to_list() -> None:
    with pytest.raises(TypeError):
        vars(MasterKey(SECRET))


LEAVES: dict[str, Callable[[MasterKey], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "asdict": lambda key: asdict(Settings(key)),
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
def test_the_key_is_neither_pickled_nor_copied(
    leave: Callable[[MasterKey], object],
) -> None:
    with pytest.raises(TypeError) as refused:
        leave(MasterKey(SECRET))
    assert str(refused.value) == "a master key stays in its process"


def test_a_secret_in_code_is_in_every_copy_of_the_code(observe: Observe) -> None:
    constants = code_of(avoid.key_from_code).co_consts
    observe(f"among the constants of the compiled function: {constants[-1]!r}")
    assert avoid.key_from_code().decode() in constants


def code_of(function: Callable[[], object]) -> CodeType:
    return cast("FunctionType", function).__code__


def test_a_key_of_bytes_is_in_every_copy_too(observe: Observe) -> None:
    key = avoid.key_from_code_unreported()
    constants = code_of(avoid.key_from_code_unreported).co_consts
    observe(f"among the constants of the compiled function: {constants[-1]!r}")
    assert key in constants


def test_a_password_in_code_is_the_one_that_connects(observe: Observe) -> None:
    url = avoid.database_from_code()
    observe(
        f"{url} in the log, {url.render_as_string(hide_password=False)} in the code"
    )
    assert str(url) == "postgresql://shop:***@"
    assert url.password in code_of(avoid.database_from_code).co_consts


def test_a_forgotten_variable_leaves_the_key_that_everybody_knows(
    observe: Observe, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    forged = hmac.digest(b"change-me", b"ada", "sha256").hex()
    attack.sent(f"/reset?user=ada&signature=HMAC('change-me', 'ada')={forged[:8]}...")
    accepted = avoid.is_reset_link(avoid.load_or_default(), "ada", forged)
    observe(f"a link that eve signed with the default is accepted: {accepted}")
    attack.happened(f"accepted: {accepted}. Eve sets ada's password")
    assert accepted
    with pytest.raises(UnusableKeyError) as refused:
        load_master_key({})
    attack.now(refused.value)


def test_settings_write_their_key_into_the_log(
    observe: Observe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SHOP_KEY", "n3Jx0bWk4QvT")
    with caplog.at_level(logging.INFO):
        logging.getLogger("shop").info("starting with %s", avoid.load_or_default())
    observe(caplog.messages[0])
    assert "n3Jx0bWk4QvT" in caplog.text


def test_a_link_to_unsubscribe_resets_the_password(
    observe: Observe, attack: Attack
) -> None:
    one_key = avoid.Settings(SECRET)
    from_a_newsletter = avoid.sign_unsubscribe_link(one_key, "ada")
    attack.sent("/reset?user=ada with the signature of ada's unsubscribe link")
    accepted = avoid.is_reset_link(one_key, "ada", from_a_newsletter)
    observe(f"whoever was forwarded a newsletter resets the password: {accepted}")
    attack.happened(f"accepted: {accepted}")
    assert accepted
    key = MasterKey(SECRET)
    unsubscribe = avoid.Settings(key.derive(b"shop/unsubscribe-link/v1"))
    reset = avoid.Settings(key.derive(b"shop/reset-link/v1"))
    from_a_newsletter = avoid.sign_unsubscribe_link(unsubscribe, "ada")
    accepted = avoid.is_reset_link(reset, "ada", from_a_newsletter)
    attack.now(f"with a key for each kind of link, accepted: {accepted}")
    assert not accepted
