import typing
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from json import dumps, loads
from types import UnionType
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from proof.testing.basics import Observe, untyped
from snippets.typesystem.modern_syntax import Event, Json, by_kind, received, redacted
from snippets.typesystem.modern_syntax_avoid import Event as OldEvent
from snippets.typesystem.modern_syntax_types import containers, leaves, unions

avoid = untyped("snippets.typesystem.modern_syntax_avoid")
PAID = Event("order.paid", {"order": 7}, "ada@example.org")
SHIPPED = Event("order.shipped", {"order": 7})
SECRET = frozenset({"token", "cvc"})

documents: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(0, 9) | st.text("aé\n"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["Token", "cvc", "order"]), inner)
    ),
    max_leaves=6,
)
laws = settings(derandomize=True, database=None, deadline=None, max_examples=15)

type Receipts = list[Receipt]
type Receipt = dict[str, Json]


@pytest.mark.parametrize("encode", [str, str.encode])
def test_a_body_becomes_an_event(encode: Callable[[str], str | bytes]) -> None:
    body = (
        '{"kind": "order.paid", "payload": {"order": 7}, "reply_to": "ada@example.org"}'
    )
    assert received(encode(body)) == PAID


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert received('{"kind": "order.shipped", "payload": {"order": 7}}') == SHIPPED


@laws
@given(document=documents)
def test_every_value_of_a_payload_arrives_as_the_type_it_was_sent(
    document: Json,
) -> None:
    event = received(dumps({"kind": "any", "payload": {"it": document}}))
    assert repr(event.payload["it"]) == repr(loads(dumps(document)))


def test_a_checker_reads_int_into_float_and_pydantic_converts() -> None:
    order: float = 2**53 + 1
    assert TypeAdapter[float](float).validate_python(order) == 2.0**53
    event = received(dumps({"kind": "any", "payload": {"order": order}}))
    assert event.payload["order"] == 2**53 + 1


def test_a_body_that_is_no_event_is_refused_with_the_path_of_each_fault() -> None:
    with pytest.raises(ValidationError) as refused:
        received('{"payload": [], "reply_to": 5}')
    assert [(each["loc"], each["msg"]) for each in refused.value.errors()] == [
        (("kind",), "Field required"),
        (("payload",), "Input should be an object"),
        (("reply_to",), "Input should be a valid string"),
    ]


def test_an_event_stays_as_it_was_received() -> None:
    with pytest.raises(FrozenInstanceError):
        PAID.kind = "order.void"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - refused by design
    assert not hasattr(PAID, "__dict__")


def test_events_are_grouped_in_the_order_they_came() -> None:
    again = Event("order.paid", {"order": 8})
    grouped = by_kind(event for event in (PAID, SHIPPED, again))
    assert list(grouped.items()) == [
        ("order.paid", [PAID, again]),
        ("order.shipped", [SHIPPED]),
    ]


def test_a_kind_that_does_not_occur_is_missing_and_stays_so() -> None:
    grouped = by_kind([])
    with pytest.raises(KeyError):
        _ = grouped["order.void"]
    assert grouped == {}


def test_a_secret_field_is_left_out_at_any_depth_however_it_is_spelt() -> None:
    document: Json = {"a": [{"Token": {"x": 1}, "b": 2}], "CVC": "123", "c": None}
    assert redacted(document, SECRET) == {"a": [{"b": 2}], "c": None}


def test_a_secret_field_is_known_by_its_lower_case() -> None:
    assert redacted({"Straße": 1, "STRASSE": 2}, frozenset({"straße"})) == {
        "STRASSE": 2
    }


@pytest.mark.parametrize("mask", ["***", ""])
def test_a_mask_takes_the_place_of_a_secret_even_an_empty_one(mask: str) -> None:
    document: Json = [{"login": {"token": ["s3cr3t"]}, "order": 7}]
    masked: Json = [{"login": {"token": mask}, "order": 7}]
    assert redacted(document, SECRET, mask) == masked


@laws
@given(document=documents)
def test_what_has_no_secret_field_is_copied_as_it_is(document: Json) -> None:
    assert repr(redacted(document, frozenset())) == repr(document)


def test_a_document_deeper_than_the_stack_is_a_recursion_error() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        redacted(deep, SECRET)


@pytest.mark.parametrize(
    "body", ["", "\ud800", b"\xff", "[" * 100_000, '{"kind": 1e999}']
)
def test_what_is_no_json_of_an_event_is_a_validation_error(body: str | bytes) -> None:
    with pytest.raises(ValidationError):
        received(body)


def test_a_copy_shares_no_container_with_the_original() -> None:
    inner: list[Json] = []
    copy = redacted([inner, {"kept": inner}], SECRET)
    inner.append("later")
    assert copy == [[], {"kept": []}]


def test_the_checkers_and_the_run_agree_on_the_types() -> None:
    assert unions(SHIPPED) == "no answer wanted"
    assert unions(PAID) == "ada@example.org"
    assert containers(PAID) == [PAID]
    assert leaves({"a": [1, "x", None], "b": 2.5}) == 4


def test_a_builtin_with_parameters_is_called_like_the_builtin() -> None:
    assert list[Event]() == []
    assert type(list[Event]([PAID])) is list


def test_both_spellings_of_a_union_compare_equal() -> None:
    old = next(each.type for each in fields(avoid.Event) if each.name == "reply_to")
    assert old == str | None
    assert not isinstance(old, UnionType)


def test_a_quoted_name_takes_no_part_in_a_union() -> None:
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \|"):
        untyped("operator").or_("Event", None)


def test_a_type_statement_may_name_what_stands_further_down() -> None:
    assert Receipts.__value__ == list[Receipt]


def test_the_alias_is_an_object_of_its_own_and_no_union() -> None:
    assert isinstance(7, str | int)
    with pytest.raises(TypeError, match="arg 2 must be a type"):
        isinstance(7, Json)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - refused by both


def test_another_module_reads_hints_that_hold_the_alias() -> None:
    def handle(document: Json) -> None: ...

    handle(None)
    assert get_type_hints(handle)["document"] is Json


def test_another_module_can_not_resolve_an_alias_that_quotes_itself() -> None:
    def handle(document: object) -> None: ...

    handle(None)
    handle.__annotations__["document"] = avoid.Json
    with pytest.raises(NameError, match="name 'Json' is not defined"):
        get_type_hints(handle, globalns={"typing": typing})


def test_an_alias_that_quotes_itself_has_no_end_for_whoever_reads_it_at_run_time(
    observe: Observe,
) -> None:
    with pytest.raises(RecursionError) as endless:
        avoid.received('{"kind": "order.paid", "payload": {}, "reply_to": null}')
    observe(type(endless.value).__name__)


def test_a_field_that_is_optional_may_not_be_left_out(observe: Observe) -> None:
    with pytest.raises(TypeError) as refused:
        avoid.replayed('{"kind": "order.paid", "payload": {}}')
    observe(refused.value)
    assert str(refused.value).endswith("required positional argument: 'reply_to'")
    assert avoid.replayed('{"kind": "a", "payload": {}, "reply_to": null}').kind == "a"


def test_the_checkers_see_what_is_left_out_of_a_call() -> None:
    with pytest.raises(TypeError, match="'reply_to'"):
        # ignored because it is the claim
        OldEvent("order.paid", {})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_list_with_a_capital_letter_makes_no_list(observe: Observe) -> None:
    assert avoid.by_kind([]) == {}
    with pytest.raises(TypeError) as refused:
        avoid.by_kind([PAID])
    observe(refused.value)
    assert str(refused.value) == "Type List cannot be instantiated; use list() instead"
