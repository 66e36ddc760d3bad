# In this file both checkers demand the mark, as the page advises:
# mypy: enable-error-code="explicit-override"
# pyright: reportImplicitOverride=true
import re
from abc import ABC, abstractmethod
from ast import Call, NodeVisitor, parse
from http.server import BaseHTTPRequestHandler
from inspect import getattr_static
from typing import Protocol, override

import pytest

from proof.testing.basics import Observe, untyped
from snippets.typesystem import override_avoid as avoid
from snippets.typesystem.override import AuditLog, CustomerLog

EVENT = "ada@example.com paid by 4929123412341881"
MARK = "__override__"


def test_the_base_masks_a_card_number_and_no_address() -> None:
    lines: list[str] = []
    AuditLog(lines).record(EVENT)
    assert lines == ["audit: ada@example.com paid by [card]"]


def test_the_override_masks_what_the_base_masks_and_more() -> None:
    lines = ["audit: started"]
    CustomerLog(lines).record(EVENT)
    assert lines == [
        "audit: started",
        "customers: [e-mail] paid by [card]",
    ]


@pytest.mark.parametrize(
    "card",
    [
        "4929 1234 1234 1881",
        "4929-1234-1234-1881",
        "378282246310005",
        "3782 822463 10005",
        "6304000000000000000",
        "4222222222222",
        "x4929123412341881",
        "_4929123412341881_",
        "４９２９１２３４１２３４１８８１",  # noqa: RUF001 - full-width digits, the claim
        "4929123412341881 4929123412341882",
        "9" * 100,
    ],
)
def test_a_card_number_is_masked_in_every_usual_spelling(card: str) -> None:
    for log in (AuditLog([]), CustomerLog([])):
        redacted = log.redact(f"paid by {card}, twice")
        assert re.fullmatch(r"paid by [x_]?\[card\]_?, twice", redacted)


@pytest.mark.parametrize(
    ("event", "redacted"),
    [
        ("order 123456789012 sent", "order 123456789012 sent"),
        ("12345678, 2025-03-0x", "12345678, 2025-03-0x"),
        ("1234567  8901234", "1234567  8901234"),
        ("to a.b+c@mail.example.com and eve@x", "to [e-mail] and [e-mail]"),
        ("to\tada@x\nand <Eve@x>;", "to\t[e-mail]\nand [e-mail]"),
        ("ada@x@y, @ada", "[e-mail] [e-mail]"),
        ("4929123412341881@x", "[e-mail]"),
        ("5 @ 3 EUR", "5 [e-mail] 3 EUR"),
        ("\ud800\0", "\ud800\0"),
        ("", ""),
    ],
)
def test_words_with_an_at_sign_are_masked_and_nothing_else(
    event: str, redacted: str
) -> None:
    assert CustomerLog([]).redact(event) == redacted


@pytest.mark.parametrize("unit", ["a", "1", "1 ", "1-", "@", "a@", "a ", "1234 "])
def test_a_long_text_is_redacted_in_linear_time(
    unit: str,
) -> None:
    event = unit * (2**17 // len(unit))
    redacted = CustomerLog([]).redact(event)
    assert redacted == CustomerLog([]).redact(redacted)


def test_every_override_carries_its_mark() -> None:
    name = getattr_static(CustomerLog, "name")
    assert getattr_static(name.fget, MARK)
    assert getattr_static(CustomerLog.redact, MARK)
    assert not hasattr(AuditLog.redact, MARK)


def test_both_ask_the_mark_of_dunder_and_abstract_methods_and_not_of_init() -> None:
    class Sink(ABC):
        def __init__(self, lines: list[str]) -> None:
            self.lines = lines

        @abstractmethod
        def write(self, line: str) -> None: ...

    class Memory(Sink):
        def __init__(self) -> None:
            super().__init__([])

        # ignored because it is the claim: each checker asks for the mark
        def write(self, line: str) -> None:  # type: ignore[explicit-override]  # pyright: ignore[reportImplicitOverride]
            self.lines.append(line)

        # ignored because it is the claim: each checker asks for the mark
        def __repr__(self) -> str:  # type: ignore[explicit-override]  # pyright: ignore[reportImplicitOverride]
            return f"Memory({len(self.lines)})"

    memory = Memory()
    memory.write("started")
    assert repr(memory) == "Memory(1)"


def test_a_base_can_ask_for_marks_when_a_subclass_is_made() -> None:
    class Strict:
        @override
        def __init_subclass__(cls) -> None:
            for name, value in vars(cls).items():
                if hasattr(value, MARK) and not hasattr(super(cls, cls), name):
                    raise TypeError(f"{cls.__name__}.{name} overrides nothing")

        def scrub(self) -> None: ...

    class Current(Strict):
        @override
        def scrub(self) -> None: ...

    with pytest.raises(TypeError, match=r"^Renamed\.redact overrides nothing$"):

        class Renamed(Strict):  # pyright: ignore[reportUnusedClass] - refused while it is made
            # ignored because it is the claim: each checker reports the method
            @override
            def redact(self) -> None: ...  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]

    assert issubclass(Current, Strict)


def test_a_visitor_has_stubs_for_its_names_so_that_a_typo_is_reported() -> None:
    class Calls(NodeVisitor):
        seen = 0

        @override
        def visit_Call(self, node: Call) -> None:
            self.seen += 1

        # ignored because it is the claim: each checker reports the method
        @override
        def visit_Cal(self, node: Call) -> None:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
            raise AssertionError

    calls = Calls()
    calls.visit(parse("pay(1)"))
    assert calls.seen == 1
    assert not hasattr(NodeVisitor, "visit_Call")


def test_a_handler_looks_its_methods_up_by_name_and_declares_none() -> None:
    class Health(BaseHTTPRequestHandler):
        # ignored because it is the claim: each checker reports the method
        @override
        def do_GET(self) -> None: ...  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]

    assert not hasattr(BaseHTTPRequestHandler, "do_GET")
    assert hasattr(Health, "do_GET")


def test_a_mixin_overrides_a_sibling_that_no_checker_can_see() -> None:
    class Quiet:
        # ignored because it is the claim: each checker reports the method
        @override
        def redact(self, event: str) -> str:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
            return f"({len(event)} characters)"

    class QuietLog(Quiet, AuditLog): ...

    lines: list[str] = []
    QuietLog(lines).record(EVENT)
    assert lines == ["audit: (40 characters)"]


def test_a_class_overrides_a_protocol_only_if_it_inherits_it() -> None:
    class Redacts(Protocol):
        def redact(self, event: str) -> str: ...

    class Named(Redacts):
        @override
        def redact(self, event: str) -> str:
            return event.upper()

    class Shaped:
        # ignored because it is the claim: each checker reports the method
        @override
        def redact(self, event: str) -> str:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
            return event.upper()

    both: list[Redacts] = [Named(), Shaped()]
    assert [each.redact("ada") for each in both] == ["ADA", "ADA"]


def test_an_override_of_the_old_name_is_called_by_nobody(observe: Observe) -> None:
    lines: list[str] = []
    avoid.UnmarkedLog(lines).record(EVENT)
    observe(f"the log says: {lines[0]}")
    assert lines == ["audit: ada@example.com paid by [card]"]


def test_its_own_unit_test_stays_green(observe: Observe) -> None:
    redacted = avoid.UnmarkedLog([]).redact(EVENT)
    observe(f"called by its test alone: {redacted}")
    assert redacted == "[e-mail] paid by 4929123412341881"


def test_the_mark_itself_stops_nothing(observe: Observe) -> None:
    lines: list[str] = []
    log = avoid.MarkedLog(lines)
    log.record(EVENT)
    observe(f"marked, and refused by both: {lines[0]}")
    assert lines == ["audit: ada@example.com paid by [card]"]
    assert log.redact(EVENT) == "[e-mail] paid by 4929123412341881"


def test_above_property_the_mark_leaves_no_trace(observe: Observe) -> None:
    named = untyped("snippets.typesystem.override_avoid").NamedLog
    assert named([]).name == "customers"
    marked = hasattr(named.name, MARK) or hasattr(named.name.fget, MARK)
    observe(f"NamedLog.name is marked: {marked}")
    assert not marked
