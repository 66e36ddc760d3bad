from collections.abc import Callable, Mapping
from inspect import getclosurevars, signature
from types import MappingProxyType

import pytest

from proof.testing.basics import Observe, untyped
from snippets.pitfalls.late_binding import (
    CallLater,
    Delivery,
    Handler,
    Send,
    handlers,
    redeliver,
)
from snippets.pitfalls.late_binding_avoid import handlers_late, redeliver_late

WEBHOOKS: Mapping[str, str] = MappingProxyType(
    {"ada": "ada.example", "bob": "bob.example", "eve": "eve.example"}
)
FAILED = (("ada", "invoice.paid"), ("bob", "card.expired"))


def receivers(got: list[tuple[str, str]], down: str = "") -> Send:
    def send(webhook: str, event: str) -> None:
        if webhook == down:
            raise ConnectionRefusedError(webhook)
        got.append((webhook, event))

    return send


def clock(calls: list[tuple[float, Callable[[], None]]]) -> CallLater:
    def call_later(delay: float, call: Callable[[], None]) -> None:
        calls.append((delay, call))

    return call_later


def nowhere(webhook: str, event: str) -> None:
    raise NotImplementedError(webhook, event)


def recorders(got: list[Delivery]) -> dict[str, Handler]:
    def recorder(tenant: str) -> Handler:
        return lambda event: got.append((tenant, event))

    return {tenant: recorder(tenant) for tenant in WEBHOOKS}


def test_each_event_goes_to_the_webhook_of_its_tenant() -> None:
    got: list[tuple[str, str]] = []
    table = handlers(WEBHOOKS, receivers(got), [])
    for tenant in ("bob", "ada", "eve"):
        table[tenant](f"hello {tenant}")
    assert got == [
        ("bob.example", "hello bob"),
        ("ada.example", "hello ada"),
        ("eve.example", "hello eve"),
    ]


def test_a_failed_delivery_is_kept_under_the_tenant_it_belongs_to() -> None:
    got: list[tuple[str, str]] = []
    failed: list[Delivery] = []
    table = handlers(WEBHOOKS, receivers(got, down="bob.example"), failed)
    table["bob"]("card.expired")
    table["ada"]("invoice.paid")
    assert failed == [("bob", "card.expired")]
    assert got == [("ada.example", "invoice.paid")]


def test_an_error_other_than_a_lost_connection_reaches_the_caller() -> None:
    table = handlers(WEBHOOKS, nowhere, [])
    with pytest.raises(NotImplementedError, match=r"^\('ada.example', 'login'\)$"):
        table["ada"]("login")


def test_each_retry_repeats_its_own_delivery_half_a_second_apart() -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    got: list[Delivery] = []
    redeliver(FAILED, recorders(got), clock(calls))
    before = got.copy()
    for _, call in calls:
        call()
    assert (before, got) == ([], [("ada", "invoice.paid"), ("bob", "card.expired")])
    assert [delay for delay, _ in calls] == [0.5, 1.0]


def test_partial_looks_the_handler_up_before_the_timer_fires() -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    with pytest.raises(KeyError, match=r"^'ada'$"):
        redeliver(FAILED, {}, clock(calls))
    assert calls == []


def test_a_missing_handler_is_reported_before_anything_is_scheduled() -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    table = recorders([])
    del table["bob"]
    with pytest.raises(KeyError, match=r"^'bob'$"):
        redeliver(iter(FAILED), table, clock(calls))
    assert calls == []


def test_a_retry_that_fails_at_once_is_not_scheduled_without_end() -> None:
    def at_once(_: float, call: Callable[[], None]) -> None:
        call()

    failed: list[Delivery] = [("bob", "card.expired")]
    table = handlers(WEBHOOKS, receivers([], down="bob.example"), failed)
    redeliver(failed, table, at_once)
    assert failed == [("bob", "card.expired")] * 2


def test_a_factory_gives_each_handler_a_cell_of_its_own() -> None:
    table = handlers(WEBHOOKS, nowhere, [])
    bound = [getclosurevars(handle).nonlocals["webhook"] for handle in table.values()]
    assert bound == ["ada.example", "bob.example", "eve.example"]


def test_a_handler_from_a_factory_takes_the_event_and_nothing_else() -> None:
    handle = handlers(WEBHOOKS, nowhere, [])["ada"]
    assert str(signature(handle)) == "(event: str) -> None"


def test_every_late_handler_sends_to_the_last_tenant(
    observe: Observe,
) -> None:
    got: list[tuple[str, str]] = []
    table = handlers_late(WEBHOOKS, receivers(got), [])
    table["ada"]("ada's invoice")
    observe(got)
    assert got == [("eve.example", "ada's invoice")]


def test_a_late_handler_blames_the_last_tenant_for_the_failure(
    observe: Observe,
) -> None:
    failed: list[Delivery] = []
    table = handlers_late(WEBHOOKS, receivers([], down="eve.example"), failed)
    table["ada"]("ada's invoice")
    observe(failed)
    assert failed == [("eve", "ada's invoice")]


def test_late_handlers_read_one_cell_that_the_loop_wrote_last() -> None:
    table = handlers_late(WEBHOOKS, nowhere, [])
    bound = [getclosurevars(handle).nonlocals["webhook"] for handle in table.values()]
    assert bound == ["eve.example", "eve.example", "eve.example"]


def test_late_retries_repeat_the_last_delivery_and_lose_the_others(
    observe: Observe,
) -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    got: list[Delivery] = []
    redeliver_late(FAILED, recorders(got), clock(calls))
    for _, call in calls:
        call()
    observe(got)
    assert got == [("bob", "card.expired"), ("bob", "card.expired")]


def test_a_late_retry_misses_its_handler_only_when_its_turn_comes() -> None:
    calls: list[tuple[float, Callable[[], None]]] = []
    redeliver_late(FAILED, {}, clock(calls))
    with pytest.raises(KeyError, match=r"^'bob'$"):
        calls[0][1]()


def test_a_default_argument_adds_a_parameter_that_redirects_the_event(
    observe: Observe,
) -> None:
    got: list[tuple[str, str]] = []
    avoid = untyped("snippets.pitfalls.late_binding_avoid")
    handle = avoid.handlers_by_default_argument(WEBHOOKS, receivers(got))["ada"]
    handle("ada's invoice", "eve.example")
    observe(f"handle{signature(handle)}: {got}")
    assert got == [("eve.example", "ada's invoice")]
