import hmac
import pickle
import signal
import string
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any, NoReturn, override

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import deserialization_avoid as avoid
from snippets.security.deserialization import (
    Price,
    PriceList,
    Quote,
    RefusedError,
    issue,
    read_prices,
    redeem,
)

KEY = bytes(range(32))
QUOTE = Quote(account="ada", article="lamp", cents=990, expires=100)
LIST = "supplier: acme\nprices:\n- {article: lamp, cents: 500}\n"
words = st.text('aä山\0\n"\\.=<\N{GRINNING FACE}', max_size=20)
steady = settings(derandomize=True, database=None, deadline=None, max_examples=50)


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the path of a file which is there once foreign code ran."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pwned"


class Touch:
    """Pickles as a call of ``Path("pwned").touch()``."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("pwned"),)


class Exec:
    """Pickles as a call of ``exec`` with the same."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import pathlib; pathlib.Path('pwned').touch()",)


CALL = "!!python/object/apply:os.mkdir [pwned]"


def pickled(value: object) -> str:
    return b64encode(pickle.dumps(value)).decode()


def signed(key: bytes, body: str) -> str:
    """Sign as the snippet does: this pins the purpose and the form."""
    return (
        f"{body}.{hmac.digest(key, b'shop/quote/v1:' + body.encode(), 'sha256').hex()}"
    )


def encoded(body: str) -> str:
    return urlsafe_b64encode(body.encode()).decode()


def redeemed(token: str, *, account: str = "ada", now: int = 99) -> Quote:
    return redeem(KEY, token, account=account, now=now)


def test_a_quote_comes_back_as_it_was_issued() -> None:
    assert redeemed(issue(KEY, QUOTE)) == QUOTE


def test_a_quote_can_be_brought_back_again_until_it_expires() -> None:
    token = issue(KEY, QUOTE)
    assert [redeemed(token, now=now) for now in (1, 50, 99)] == [QUOTE] * 3


def test_a_token_has_the_published_form() -> None:
    body = encoded('{"account":"ada","article":"lamp","cents":990,"expires":100}')
    assert issue(KEY, QUOTE) == signed(KEY, body)


@given(words, words, st.integers(1, 10**9 - 1), st.integers())
@steady
def test_any_quote_survives_the_journey(
    account: str, article: str, cents: int, expires: int
) -> None:
    quote = Quote(account=account, article=article, cents=cents, expires=expires)
    token = issue(KEY, quote)
    assert set(token) <= {*string.ascii_letters, *string.digits, *"-_=."}
    assert redeem(KEY, token, account=account, now=expires - 1) == quote


@pytest.mark.parametrize("at", range(len(issue(KEY, QUOTE))))
def test_a_change_of_any_character_is_refused(at: int) -> None:
    token = issue(KEY, QUOTE)
    changed = "B" if token[at] == "A" else "A"
    with pytest.raises(RefusedError, match=r"^not a quote of ours$"):
        redeemed(token[:at] + changed + token[at + 1 :])


@pytest.mark.parametrize(
    "token",
    ["", ".", "a", "a.b.c", "ä.ä", "\ud800", "\0", f"{issue(KEY, QUOTE)}.", pickled(1)],
)
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(RefusedError, match=r"^not a quote of ours$"):
        redeemed(token)


@pytest.mark.parametrize(
    ("account", "now"), [("eve", 99), ("ada", 100), ("ada", 10**9), ("", 0)]
)
def test_a_quote_is_for_one_customer_and_ends_when_it_says(
    account: str, now: int
) -> None:
    with pytest.raises(RefusedError, match=r"^not a quote for this customer and time$"):
        redeemed(issue(KEY, QUOTE), account=account, now=now)


def test_another_key_or_purpose_makes_no_quotes() -> None:
    body = issue(KEY, QUOTE).partition(".")[0]
    other = hmac.digest(KEY, f"shop/reset/v1:{body}".encode(), "sha256").hex()
    for token in (issue(KEY[::-1], QUOTE), f"{body}.{other}"):
        with pytest.raises(RefusedError, match=r"^not a quote of ours$"):
            redeemed(token)


@pytest.mark.parametrize(
    "body",
    [
        '{"account":"ada","article":"lamp","cents":990}',
        '{"account":"ada","article":"lamp","cents":990,"expires":100,"vat":19}',
        '{"account":"ada","article":"lamp","cents":"990","expires":100}',
        '{"account":"ada","article":"lamp","cents":0,"expires":100}',
        "[" * 10_000,
    ],
)
def test_even_what_we_signed_has_to_be_a_quote(body: str) -> None:
    with pytest.raises(RefusedError, match=r"^not a quote of ours$") as refused:
        redeemed(signed(KEY, encoded(body)))
    assert isinstance(refused.value.__cause__, ValueError)


def test_a_key_that_is_too_short_signs_and_checks_nothing() -> None:
    for key in (b"", KEY[:31]):
        message = rf"^the key has {len(key)} bytes, not 32$"
        with pytest.raises(ValueError, match=message):
            issue(key, QUOTE)
        with pytest.raises(ValueError, match=message):
            redeem(key, signed(key, encoded("{}")), account="ada", now=99)


def test_a_quote_with_half_of_a_surrogate_pair_is_not_issued() -> None:
    half = QUOTE.model_copy(update={"account": "\ud800"})
    with pytest.raises(ValueError, match="surrogates not allowed"):
        issue(KEY, half)


def test_who_asks_and_when_are_named_at_the_call() -> None:
    unchecked: Any = redeem
    with pytest.raises(TypeError, match="positional arguments"):
        unchecked(KEY, issue(KEY, QUOTE), "ada", 99)


def test_a_quote_is_not_changed_afterwards() -> None:
    unchecked: Any = QUOTE
    with pytest.raises(ValueError, match="frozen"):
        unchecked.cents = 1


def test_a_price_list_is_not_changed_afterwards() -> None:
    unchecked: Any = read_prices(LIST)
    with pytest.raises(ValueError, match="frozen"):
        unchecked.supplier = "eve"


def test_a_price_is_not_changed_afterwards() -> None:
    unchecked: Any = read_prices(LIST).prices[0]
    with pytest.raises(ValueError, match="frozen"):
        unchecked.cents = 1


def test_nothing_is_converted_on_the_way_into_a_price_list() -> None:
    with pytest.raises(ValueError, match="valid list"):
        PriceList.model_validate({"supplier": "acme", "prices": ()})


def test_a_price_list_is_read() -> None:
    prices = [Price(article="lamp", cents=500)]
    assert read_prices(LIST) == PriceList(supplier="acme", prices=prices)


REFUSED = r"^this is no price list in plain YAML$"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "supplier: acme",
        LIST + "stock: 5\n",
        LIST.replace("500", "'500'"),
        LIST.replace("500", "5.00"),
        LIST.replace("500", "yes"),
        LIST.replace("500", "0"),
        LIST.replace("500", "1000000000"),
        LIST.replace("500", "!!int x"),
        LIST.replace("500", "2026-02-30"),
        LIST.replace("500", "9" * 5000),
        LIST.replace("acme", "\ud800"),
    ],
)
def test_whatever_is_no_price_list_is_refused_by_one_error(text: str) -> None:
    with pytest.raises(RefusedError, match=REFUSED) as refused:
        read_prices(text)
    assert isinstance(refused.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("!!int ''", IndexError),
        ("!!bool maybe", KeyError),
        ("!!timestamp soon", AttributeError),
        ("1:" * 400 + "1.0", OverflowError),
    ],
)
def test_a_scalar_that_the_loader_chokes_on_is_refused_by_the_same_error(
    value: str, cause: type[Exception]
) -> None:
    with pytest.raises(cause):
        yaml.safe_load(value)
    with pytest.raises(RefusedError, match=REFUSED) as refused:
        read_prices(LIST.replace("500", value))
    assert type(refused.value.__cause__) is cause


@pytest.mark.parametrize(
    "text", ["{", "\0", "a: b: c", "*a", "{[]: 1}", "---\n---", CALL]
)
def test_what_is_not_yaml_or_not_plain_data_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=REFUSED) as refused:
        read_prices(text)
    assert isinstance(refused.value.__cause__, (yaml.YAMLError, RefusedError))


TAGS = ["int", "float", "bool", "timestamp", "binary", "set", "omap", "pairs", "null"]
letters = st.text("[]{}:,-!&*#'\"\\\n ?|>%@`~=0.x_a1:", max_size=30)


@given(st.sampled_from(["", *(f"!!{tag} " for tag in TAGS)]), letters)
@steady
def test_any_text_is_a_list_or_refused(tag: str, text: str) -> None:
    with pytest.raises(RefusedError):
        read_prices(tag + text)


def test_the_length_of_a_price_list_is_bounded() -> None:
    longest = LIST.ljust(50_000, "\n")
    assert read_prices(longest) == read_prices(LIST)
    with pytest.raises(RefusedError, match=REFUSED) as refused:
        read_prices(longest + "\n")
    assert str(refused.value.__cause__) == "too long"


def test_a_fault_of_our_own_is_not_taken_for_the_suppliers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("our own")

    monkeypatch.setattr(yaml, "load", broken)
    with pytest.raises(RuntimeError, match="our own"):
        read_prices(LIST)


def test_a_list_of_many_prices_is_no_deeper_than_one_of_one() -> None:
    lines = "- {article: lamp, cents: 500}\n" * 100
    assert len(read_prices(f"supplier: acme\nprices:\n{lines}").prices) == 100


def test_a_cent_less_than_ten_million_is_a_price() -> None:
    [price] = read_prices(LIST.replace("500", "999999999")).prices
    assert price.cents == 10**9 - 1


MERGED = "a0: &a0 {k: v}\n" + "".join(
    f"a{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 9)}]}}\n" for at in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        MERGED,  # would take 9**8 steps
        LIST.replace("- {", "- &lamp {") + "- *lamp\n",
        "&a [*a]",
        "[[[[]]]]",
        "- - - - deep",
        "{a: {b: {c: {}}}}",
        "[" * 50_000,
        "- " * 25_000,
    ],
)
def test_what_unfolds_or_recurses_is_refused_before_it_is_built(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "load", None)
    with pytest.raises(RefusedError, match=REFUSED) as refused:
        read_prices(text)
    assert str(refused.value.__cause__) == "nested too deeply, or with an alias"


def test_a_merge_key_makes_safe_load_repeat_itself_ninefold_with_each_line() -> None:
    def merged(lines: int) -> int:
        text = "\n".join(MERGED.splitlines()[: lines + 1])
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        loader: Any = yaml.SafeLoader("")
        loader.construct_document(root)
        [*_, (_, last)] = root.value
        length: int = len(last.value)
        return length

    assert [merged(lines) for lines in (1, 2, 3)] == [9, 81, 729]


def test_the_loader_in_c_ends_the_process_on_a_deep_text_and_the_other_raises() -> None:
    program = "import yaml; yaml.load('- ' * 200_000, Loader=yaml.CSafeLoader)"
    done = subprocess.run(  # noqa: S603 - the interpreter itself, with text from here
        [sys.executable, "-c", program], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGSEGV
    with pytest.raises(RecursionError):
        yaml.safe_load("- " * 1_000)


def test_the_numbers_of_yaml_are_those_of_its_version_1_1() -> None:
    octal = LIST.replace("500", "010")
    assert [price.cents for price in read_prices(octal).prices] == [8]
    assert yaml.safe_load("[1:30, 1_000, no]") == [90, 1000, False]


def test_a_pickle_runs_while_it_is_loaded(
    marker: Path, attack: Attack, observe: Observe
) -> None:
    token = pickled(Touch())
    attack.sent("a pickle that says: call pathlib.Path.touch with Path('pwned')")
    unchecked: Any = avoid.redeem_pickle(token)
    assert marker.exists()
    observe(f"{unchecked}, and a file called pwned")
    attack.happened("the call was made; what came back is None")
    marker.unlink()
    with pytest.raises(RefusedError) as refused:
        redeemed(token)
    assert not marker.exists()
    attack.now(refused.value)


def test_a_list_of_forbidden_modules_leaves_exec(
    marker: Path, observe: Observe
) -> None:
    unchecked: Any = avoid.redeem_without_the_dangerous_modules(pickled(Exec()))
    assert marker.exists()
    observe(f"{unchecked}, by builtins.exec, and a file called pwned")
    with pytest.raises(pickle.UnpicklingError, match="os is forbidden"):
        avoid.redeem_without_the_dangerous_modules(b64encode(b"cos\nx\n.").decode())


def test_a_signature_inside_the_pickle_is_checked_too_late(
    marker: Path, observe: Observe
) -> None:
    body = b'{"account":"ada","article":"lamp","cents":990}'
    genuine = (body, hmac.digest(KEY, body, "sha256"))
    call_and_drop = pickle.dumps(Touch(), protocol=0).removesuffix(b".") + b"0"
    token = b64encode(call_and_drop + pickle.dumps(genuine, protocol=0)).decode()
    cents = avoid.redeem_and_then_check(KEY, token).cents
    assert marker.exists()
    assert cents == 990
    observe(f"a genuine quote of {cents} cents, and a file called pwned")
    with pytest.raises(ValueError, match="not a quote of ours"):
        avoid.redeem_and_then_check(KEY, pickled((body, b"false")))


def test_a_model_believes_a_price_that_the_customer_made_up(
    attack: Attack, observe: Observe
) -> None:
    body = '{"account":"ada","article":"lamp","cents":1}'
    attack.sent(f"base64 of {body}")
    paid = avoid.redeem_without_signature(b64encode(body.encode()).decode()).cents
    assert paid == 1
    observe(f"{paid} cent for a lamp")
    attack.happened("a lamp for a cent")
    made_up = body.replace("}", ',"expires":100}')
    with pytest.raises(RefusedError) as refused:
        redeemed(encoded(made_up))
    attack.now(refused.value)


def test_a_yaml_tag_calls_any_function(
    marker: Path, attack: Attack, observe: Observe
) -> None:
    attack.sent(CALL)
    assert avoid.read_prices_by_loader(CALL) is None
    assert marker.exists()
    observe("None, and a folder called pwned")
    attack.happened("the call was made")
    marker.rmdir()
    with pytest.raises(RefusedError) as refused:
        read_prices(CALL)
    assert not marker.exists()
    attack.now(refused.value)


def test_unsafe_load_does_the_same_and_ruff_passes_it(
    marker: Path, observe: Observe
) -> None:
    assert avoid.read_prices_unsafe(CALL) is None
    assert marker.exists()
    observe("None, and a folder called pwned")


def test_all_of_them_work_in_the_demonstration() -> None:
    honest = avoid.Quote(account="ada", article="lamp", cents=990)
    body = honest.model_dump_json().encode()
    token = pickled((body, hmac.digest(KEY, body, "sha256")))
    assert avoid.redeem_and_then_check(KEY, token) == honest
    assert avoid.redeem_pickle(pickled(honest)) == honest
    assert avoid.redeem_without_the_dangerous_modules(pickled(honest)) == honest
    assert avoid.redeem_without_signature(b64encode(body).decode()) == honest
    assert avoid.read_prices_by_loader(LIST) == avoid.read_prices_unsafe(LIST)


def test_a_changed_token_is_refused_before_anything_looks_into_it() -> None:
    changed = encoded("no JSON at all")
    with pytest.raises(RefusedError) as refused:
        redeemed(f"{changed}.{'0' * 64}")
    assert refused.value.__cause__ is None
