"""Send each tenant's events to its own webhook, and retry later what failed."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

type Send = Callable[[str, str], None]  # webhook, event
type Handler = Callable[[str], None]  # event
type Delivery = tuple[str, str]  # tenant, event
type CallLater = Callable[[float, Callable[[], None]], object]

SPACING_SECONDS = 0.5  # a receiver that comes back up is not flooded


def redeliver(
    failed: Iterable[Delivery], table: Mapping[str, Handler], call_later: CallLater
) -> None:
    """Schedule a second attempt for each failed delivery.

    Args:
        failed: What could not be delivered.
        table: The handlers, by tenant.
        call_later: Calls a function after so many seconds, as an event loop does.

    Raises:
        KeyError: If a tenant has no handler; then nothing is scheduled.
    """
    # --8<-- [start:answer]
    calls = [partial(table[tenant], event) for tenant, event in failed]
    for position, call in enumerate(calls, start=1):
        call_later(position * SPACING_SECONDS, call)
    # --8<-- [end:answer]


def handlers(
    webhooks: Mapping[str, str], send: Send, failed: list[Delivery]
) -> dict[str, Handler]:
    """Make one event handler for each tenant.

    Args:
        webhooks: The address of each tenant's webhook, by tenant.
        send: Delivers an event to an address, or raises ``ConnectionError``.
        failed: Takes what could not be delivered, for ``redeliver``.

    Returns:
        The handlers, by tenant.

    Examples:
        >>> sent: list[tuple[str, str]] = []
        >>> def send(webhook: str, event: str) -> None:
        ...     sent.append((webhook, event))
        >>> table = handlers({"ada": "ada.example", "bob": "bob.example"}, send, [])
        >>> table["ada"]("invoice.paid")
        >>> sent
        [('ada.example', 'invoice.paid')]
    """
    return {
        tenant: _handler(tenant, webhook, send, failed)
        for tenant, webhook in webhooks.items()
    }


def _handler(tenant: str, webhook: str, send: Send, failed: list[Delivery]) -> Handler:
    """Bind one tenant: each call of this function has variables of its own."""

    def handle(event: str) -> None:
        try:
            send(webhook, event)
        except ConnectionError:
            failed.append((tenant, event))

    return handle
