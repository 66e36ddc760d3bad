"""What is left of a closed set after each question."""

from typing import reveal_type

from snippets.typesystem.exhaustiveness import Card, Payment, Speed, Status, Transfer


def after_two_classes(payment: Payment) -> str:
    """A class pattern takes its class out."""
    match payment:
        case Card():
            return "card"
        case Transfer():
            return "transfer"
        case _:
            # reveals: Voucher
            return reveal_type(payment).code


def after_a_guard(payment: Payment) -> Payment | None:
    """A guard may say no, so that nothing is taken out."""
    match payment:
        case Card() if payment.last_digits == "4242":
            return None
        case _:
            # reveals: Card | Transfer | Voucher
            return reveal_type(payment)


def after_a_field(payment: Payment) -> Payment | None:
    """A pattern that looks at a field takes nothing out either."""
    match payment:
        case Card(last_digits="4242"):
            return None
        case _:
            # reveals: Card | Transfer | Voucher
            return reveal_type(payment)


def after_identity(status: Status) -> Status | None:
    """A member of an enum is told by identity."""
    if status is Status.ASKED or status is Status.SENT:
        return None
    # reveals: Literal[Status.REFUSED]
    return reveal_type(status)


def after_a_container(speed: Speed) -> Speed | None:
    """Whether `in` takes anything out depends on the checker."""
    if speed in ("daily", "weekly"):
        return None
    # mypy reveals: Literal['instant'] | Literal['daily'] | Literal['weekly']
    # pyright reveals: Literal['instant']
    return reveal_type(speed)
