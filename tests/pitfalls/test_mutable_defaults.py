import dis
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, make_dataclass
from typing import override

import pytest

from proof.testing.basics import Observe
from snippets.pitfalls.mutable_defaults import record
from snippets.pitfalls.mutable_defaults_avoid import record_if_truthy, record_shared


@pytest.fixture
def shared_default() -> Iterator[list[str]]:
    """Give the list that is the default, and empty it for the next test."""
    assert record_shared.__defaults__ is not None
    default: list[str] = record_shared.__defaults__[0]
    yield default
    default.clear()


class Touchy(list[str]):
    """A log that may be extended, but not asked for its truth, length or likeness."""

    @override
    def __len__(self) -> int:
        raise AssertionError

    @override
    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = None


def operations(function: Callable[..., object]) -> set[str]:
    return {instruction.opname for instruction in dis.get_instructions(function)}


def test_each_call_without_a_log_starts_a_new_one() -> None:
    first = record("login: ada")
    second = record("login: bob")
    assert (first, second) == (["login: ada"], ["login: bob"])


def test_an_explicit_none_starts_a_new_log_as_well() -> None:
    assert record("login: ada", None) == ["login: ada"]


def test_an_empty_log_of_the_caller_is_the_one_that_grows() -> None:
    mine: list[str] = []
    assert record("login: ada", mine) is mine
    assert mine == ["login: ada"]


def test_a_log_of_the_caller_keeps_its_earlier_events() -> None:
    assert record("logout: ada", ["login: ada"]) == ["login: ada", "logout: ada"]


def test_identity_asks_nothing_of_the_log() -> None:
    mine = Touchy()
    assert record("login: ada", mine) is mine
    assert list(iter(mine)) == ["login: ada"]


def test_is_none_compiles_to_a_jump_and_or_to_a_question() -> None:
    assert "POP_JUMP_IF_NOT_NONE" in operations(record)
    assert "TO_BOOL" not in operations(record)
    assert "TO_BOOL" in operations(record_if_truthy)


def test_no_checker_and_no_run_lets_a_reader_change_its_tuple() -> None:
    def announce(tags: Sequence[str] = ("audit",)) -> None:
        # ignored because it is the claim: each checker reports the assignment
        tags[0] = "seen"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]

    with pytest.raises(TypeError, match="does not support item assignment"):
        announce()


def test_a_shared_default_hands_the_events_of_one_user_to_the_next(
    shared_default: list[str], observe: Observe
) -> None:
    record_shared("ada: password reset")
    bobs = record_shared("bob: login")
    observe(bobs)
    assert bobs == ["ada: password reset", "bob: login"]
    assert bobs is shared_default


def test_whoever_changes_a_shared_default_changes_the_function(
    shared_default: list[str],
) -> None:
    record_shared("ada: login").append("forged")
    assert record_shared.__defaults__ == (["ada: login", "forged"],)
    assert shared_default == ["ada: login", "forged"]


def test_a_keyword_only_default_is_shared_as_well() -> None:
    tags: list[str] = []

    def record_by_keyword(event: str, *, log: list[str] = tags) -> list[str]:
        log.append(event)
        return log

    record_by_keyword("ada: login")
    assert record_by_keyword("bob: login") == ["ada: login", "bob: login"]
    assert record_by_keyword.__defaults__ is None
    assert record_by_keyword.__kwdefaults__ == {"log": ["ada: login", "bob: login"]}


def test_or_leaves_the_empty_log_of_the_caller_empty(observe: Observe) -> None:
    mine: list[str] = []
    record_if_truthy("ada: login", mine)
    observe(mine)
    assert mine == []


def test_a_dataclass_refuses_a_list_as_a_default() -> None:
    with pytest.raises(ValueError, match="use default_factory") as refused:
        make_dataclass("Session", [("log", list[str], field(default=[]))])
    assert str(refused.value).startswith("mutable default <class 'list'> for field log")
