from proof.testing import Observe
from snippets.pitfalls.mutable_defaults import record
from snippets.pitfalls.mutable_defaults_avoid import record_if_truthy, record_shared


def test_each_call_without_a_log_starts_a_new_one() -> None:
    first = record("login: ada")
    second = record("login: bob")
    assert (first, second) == (["login: ada"], ["login: bob"])


def test_an_explicit_none_starts_a_new_log_as_well() -> None:
    assert record("login: ada", None) == ["login: ada"]


def test_the_callers_empty_log_is_the_one_that_grows() -> None:
    mine: list[str] = []
    assert record("login: ada", mine) is mine
    assert mine == ["login: ada"]


def test_the_callers_log_keeps_its_earlier_events() -> None:
    assert record("logout: ada", ["login: ada"]) == ["login: ada", "logout: ada"]


def test_a_shared_default_hands_one_users_events_to_the_next(observe: Observe) -> None:
    record_shared("ada: password reset")
    bobs = record_shared("bob: login")
    observe(bobs)
    assert bobs == ["ada: password reset", "bob: login"]


def test_or_leaves_the_callers_empty_log_empty(observe: Observe) -> None:
    mine: list[str] = []
    record_if_truthy("ada: login", mine)
    observe(mine)
    assert mine == []
