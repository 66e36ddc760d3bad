import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import secrets_module_avoid as avoid
from snippets.security.secrets_module import LETTERS, Resets, voucher

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OUTPUTS = 624  # that many words are the generator's whole state
MODULUS = 1 << 32


# What an attacker does: CPython's generator is the Mersenne Twister MT19937. It hands
# out its state word by word, each mixed by four steps that lose no bit.


def without_right_shift(mixed: int, bits: int) -> int:
    """Undo ``word ^ word >> bits``."""
    word = mixed
    for _ in range(32 // bits):
        word = mixed ^ word >> bits
    return word


def without_left_shift(mixed: int, bits: int, mask: int) -> int:
    """Undo ``word ^ word << bits & mask``."""
    word = mixed
    for _ in range(32 // bits):
        word = mixed ^ word << bits & mask
    return word % MODULUS


def word_of_state(output: int) -> int:
    """Undo the mixing of one output."""
    word = without_right_shift(output, 18)
    word = without_left_shift(word, 15, 0xEFC60000)
    word = without_left_shift(word, 7, 0x9D2C5680)
    return without_right_shift(word, 11)


def outputs(tokens: list[bytes]) -> Iterator[int]:
    """Take the generator's outputs out of what it gave, the first one first."""
    for token in tokens:  # its first output is the last of a token's words
        for at in range(len(token) - 4, -1, -4):
            yield int.from_bytes(token[at : at + 4])


def twin(tokens: list[bytes]) -> random.Random:
    """Make a generator in the state in which another one has made the tokens."""
    words = tuple(word_of_state(output) for output in outputs(tokens))
    assert len(words) == OUTPUTS
    generator = random.Random()  # noqa: S311 - the attack is on it
    generator.setstate((3, (*words, OUTPUTS), None))
    return generator


def tokens_for_eve(issue: Callable[[str, datetime], str]) -> list[bytes]:
    """Ask for resets of one's own password, as often as it takes."""
    return [bytes.fromhex(issue("eve", NOW)) for _ in range(OUTPUTS // 4)]


def opened_by_computing(resets: Resets) -> str | None:
    """Compute the token that follows as many of one's own as it takes, and use it."""
    mine = [
        urlsafe_b64decode(f"{resets.issue('eve', NOW)}=")[::-1]
        for _ in range(OUTPUTS // 8)
    ]
    resets.issue("ada", NOW)
    computed = urlsafe_b64encode(twin(mine).randbytes(32)).decode().rstrip("=")
    return resets.redeem(computed, NOW)


def test_a_token_is_redeemed_once_and_for_its_user() -> None:
    resets = Resets()
    for_ada, for_bob = resets.issue("ada", NOW), resets.issue("bob", NOW)
    assert [resets.redeem(each, NOW) for each in (for_bob, for_ada, for_ada)] == [
        "bob",
        "ada",
        None,
    ]


@pytest.mark.parametrize("token", ["", "guess", "ä", "\0", "\ud800", 1_000_000 * "a"])
def test_an_unknown_token_is_nobodys(token: str) -> None:
    resets = Resets()
    good = resets.issue("ada", NOW)
    assert resets.redeem(token, NOW) is None
    assert resets.redeem(good, NOW) == "ada"


def test_a_redeemed_token_uses_up_the_others_of_its_user() -> None:
    resets = Resets()
    forwarded, fresh = resets.issue("ada", NOW), resets.issue("ada", NOW)
    for_bob = resets.issue("bob", NOW)
    assert resets.redeem(fresh, NOW) == "ada"
    assert resets.redeem(forwarded, NOW) is None
    assert resets.redeem(for_bob, NOW) == "bob"


def test_expired_tokens_are_forgotten_when_the_next_is_issued() -> None:
    resets = Resets()
    for _ in range(3):
        resets.issue("ada", NOW)
    young = resets.issue("bob", NOW + SECOND)
    resets.issue("eve", NOW + timedelta(minutes=30))
    assert repr(vars(resets)).count("'ada'") == 0
    assert resets.redeem(young, NOW + timedelta(minutes=30)) == "bob"


@pytest.mark.parametrize(
    "now", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)], ids=str
)
def test_a_token_holds_at_the_ends_of_time(now: datetime) -> None:
    resets = Resets()
    assert resets.redeem(resets.issue("ada", now), now) == "ada"


def test_a_time_without_its_zone_is_a_type_error_and_uses_nothing_up() -> None:
    resets = Resets()
    token = resets.issue("ada", NOW)
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        resets.redeem(token, naive)
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        resets.issue("bob", naive)
    assert resets.redeem(token, NOW) == "ada"


def test_a_token_holds_for_half_an_hour_and_not_a_moment_longer() -> None:
    resets = Resets()
    early, late = resets.issue("ada", NOW), resets.issue("bob", NOW)
    until = NOW + timedelta(minutes=30)
    assert resets.redeem(early, until - timedelta.resolution) == "ada"
    assert resets.redeem(late, until) is None


def test_a_token_is_32_bytes_from_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def urandom(size: int) -> bytes:
        asked.append(size)
        return bytes(range(size))

    monkeypatch.setattr("random._urandom", urandom)
    token = Resets().issue("ada", NOW)
    assert urlsafe_b64decode(f"{token}=") == bytes(range(32))
    assert asked == [32]


def test_what_is_stored_opens_nothing() -> None:
    resets = Resets()
    token = resets.issue("ada", NOW)
    stored = repr(vars(resets))
    assert "ada" in stored
    assert token not in stored


def test_a_voucher_has_sixteen_letters_and_any_of_the_thirty() -> None:
    made = [voucher() for _ in range(200)]
    assert {len(each) for each in made} == {16}
    assert set("".join(made)) == set(LETTERS) == set("23456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_a_seed_changes_nothing_and_nothing_is_taken_from_random() -> None:
    resets = Resets()
    made: list[str] = []
    for _ in range(2):
        random.seed(1)
        before = random.getstate()
        made += [resets.issue("ada", NOW), voucher()]
        assert random.getstate() == before
    assert len(set(made)) == 4


def test_the_token_of_the_next_user_is_computed_from_156_others(
    observe: Observe, attack: Attack
) -> None:
    theirs = avoid.Resets()
    mine = tokens_for_eve(theirs.issue)
    attack.sent(f"{len(mine)} requests for eve's own password, then one for ada's")
    theirs.issue("ada", NOW)  # goes to ada's mail only
    computed = f"{twin(mine).getrandbits(128):032x}"
    opened = theirs.redeem(computed, NOW)
    observe(f"the computed token resets the password of {opened}")
    attack.happened(f"the computed token resets the password of {opened}")
    assert opened == "ada"

    assert opened_by_computing(Resets()) is None
    attack.now("the token computed in the same way is nobody's")


def test_the_same_attack_would_succeed_if_the_kernel_gave_what_random_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random._urandom", random.randbytes)  # noqa: S311 - the attack is on it
    assert opened_by_computing(Resets()) == "ada"


def test_the_same_tokens_give_away_every_voucher_that_follows(
    observe: Observe,
) -> None:
    computed = twin(tokens_for_eve(avoid.Resets().issue))
    made = [avoid.voucher() for _ in range(100)]
    assert ["".join(computed.choices(LETTERS, k=16)) for _ in range(100)] == made
    observe("the next 100 vouchers were computed before they were made")


def test_a_hash_of_the_time_is_guessed_within_a_minute_of_seconds(
    observe: Observe, attack: Attack
) -> None:
    theirs, resets = avoid.Resets(), Resets()
    asked = NOW + 17 * SECOND  # somewhere within the minute, for all that eve knows
    guesses = [
        sha256(f"ada{NOW + n * SECOND:%Y%m%d%H%M%S}".encode()).hexdigest()
        for n in range(60)
    ]
    attack.sent("one request for ada's password, then a hash for each second since")
    assert theirs.issue_by_time("ada", asked) == guesses[17]
    opened = [theirs.redeem(guess, asked) for guess in guesses]
    observe(f"guess {opened.index('ada') + 1} of 60 resets the password of ada")
    attack.happened(f"guess {opened.index('ada') + 1} of 60 resets ada's password")
    assert opened.count("ada") == 1
    resets.issue("ada", asked)
    assert not any(resets.redeem(guess, asked) for guess in guesses)
    attack.now("none of them is ada's token")


def test_the_outputs_of_the_generator_are_its_state_and_nothing_else() -> None:
    generator = random.Random(4711)  # noqa: S311 - the attack is on it
    words = [generator.getrandbits(32) for _ in range(OUTPUTS)]
    _, internal, _ = generator.getstate()
    assert tuple(map(word_of_state, words)) == internal[:-1]
