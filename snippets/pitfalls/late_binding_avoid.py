"""Send tenants' events to somebody's webhook."""

from collections.abc import Callable, Iterable, Mapping

type Send = Callable[[str, str], None]
type Handler = Callable[[str], None]
type Delivery = tuple[str, str]
type CallLater = Callable[[float, Callable[[], None]], object]

SPACING_SECONDS = 0.5


def redeliver_late(
    failed: Iterable[Delivery], table: Mapping[str, Handler], call_later: CallLater
) -> None:
    # --8<-- [start:answer]
    # expect: ruff[B023] x2
    # expect: test[late_retries_repeat_the_last_delivery_and_lose_the_others]
    calls = [lambda: table[tenant](event) for tenant, event in failed]
    for position, call in enumerate(calls, start=1):
        call_later(position * SPACING_SECONDS, call)
    # --8<-- [end:answer]


def handlers_late(
    webhooks: Mapping[str, str], send: Send, failed: list[Delivery]
) -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    for tenant, webhook in webhooks.items():

        def handle(event: str) -> None:
            try:
                # expect: ruff[B023]
                # expect: test[every_late_handler_sends_to_the_last_tenant]
                send(webhook, event)
            except ConnectionError:
                # expect: ruff[B023]
                # expect: test[a_late_handler_blames_the_last_tenant_for_the_failure]
                failed.append((tenant, event))

        table[tenant] = handle
    return table


def handlers_by_default_argument(
    webhooks: Mapping[str, str], send: Send
) -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    for tenant, webhook in webhooks.items():
        # expect: mypy[misc]
        # expect: test[a_default_argument_adds_a_parameter_that_redirects_the_event]
        table[tenant] = lambda event, webhook=webhook: send(webhook, event)
    return table
