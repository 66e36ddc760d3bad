import asyncio
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Concatenate

import pytest

from proof.testing.basics import Observe, untyped
from snippets.typesystem import paramspec_avoid, paramspec_types
from snippets.typesystem.paramspec import AfterCommit, deferred, transaction


@pytest.fixture
def orders() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", autocommit=False)) as connection:
        connection.execute("CREATE TABLE orders (cents INTEGER CHECK (cents > 0))")
        connection.commit()
        yield connection


class Outbox:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, address: str, *copies: str, cents: int = 0, **notes: str) -> None:
        self.sent.append(f"{[address, *copies]} {cents} {notes}")


def committed(orders: sqlite3.Connection) -> list[int]:
    orders.rollback()  # what was not committed until now is gone
    return [cents for (cents,) in orders.execute("SELECT cents FROM orders")]


def insert(orders: sqlite3.Connection, cents: int) -> None:
    orders.execute("INSERT INTO orders VALUES (?)", (cents,))


def test_a_deferred_call_is_made_after_the_commit_with_all_its_arguments(
    orders: sqlite3.Connection,
) -> None:
    def send(address: str, *copies: str, cents: int, **notes: str) -> None:
        seen.append((committed(orders), address, copies, cents, notes))

    seen: list[object] = []
    send_later = deferred(send)
    with transaction(orders) as after:
        insert(orders, 1250)
        send_later(after, "ada", "bob", cents=1250, gift="yes")
        assert seen == []
    assert seen == [([1250], "ada", ("bob",), 1250, {"gift": "yes"})]


def test_calls_are_made_in_the_order_of_their_writing(
    orders: sqlite3.Connection,
) -> None:
    made: list[int] = []
    with transaction(orders) as after:
        after.call(made.append, 1)
        deferred(made.append)(after, 2)
        after.call(made.append, 3)
    assert made == [1, 2, 3]


def test_a_rolled_back_transaction_makes_no_call(orders: sqlite3.Connection) -> None:
    outbox = Outbox()

    def order() -> None:
        with transaction(orders) as after:
            after.call(outbox.send, "ada")
            insert(orders, 1)
            insert(orders, -1)

    with pytest.raises(sqlite3.IntegrityError):
        order()
    assert (outbox.sent, committed(orders)) == ([], [])


def test_a_call_that_fails_is_logged_and_the_others_are_made(
    orders: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ConnectionError("no mail today")

    outbox = Outbox()
    with transaction(orders) as after:
        insert(orders, 1250)
        after.call(fail)
        after.call(outbox.send, "ada")
    assert outbox.sent == ["['ada'] 0 {}"]
    assert committed(orders) == [1250]
    (record,) = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == (
        "snippets.typesystem.paramspec",
        "ERROR",
        "a call after the commit failed",
    )
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "no mail today"


def test_an_interruption_is_no_failed_call_and_each_call_is_made_once() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    made: list[int] = []
    after = AfterCommit()
    after.call(interrupt)
    after.call(made.append, 2)
    with pytest.raises(KeyboardInterrupt):
        after.run()
    assert made == []
    after.run()
    after.run()
    assert made == [2]


@pytest.mark.parametrize(
    "connect",
    [
        lambda: sqlite3.connect(":memory:"),
        lambda: sqlite3.connect(":memory:", isolation_level=None),
        lambda: sqlite3.connect(":memory:", autocommit=True),
    ],
)
def test_a_connection_that_may_commit_by_itself_is_refused(
    connect: Callable[[], sqlite3.Connection],
) -> None:
    message = r"^open the connection with autocommit=False$"
    with closing(connect()) as connection:
        with pytest.raises(ValueError, match=message), transaction(connection):
            raise AssertionError
        with (
            pytest.raises(ValueError, match=message),
            paramspec_avoid.transaction(connection),
        ):
            raise AssertionError


def test_a_commit_that_fails_is_rolled_back_and_makes_no_call() -> None:
    outbox = Outbox()
    with closing(sqlite3.connect(":memory:", autocommit=True)) as orders:
        orders.execute("PRAGMA foreign_keys = ON")
        orders.autocommit = False
        orders.execute("CREATE TABLE shops (id INTEGER PRIMARY KEY)")
        orders.execute(
            "CREATE TABLE orders (cents INTEGER,"
            " shop REFERENCES shops (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        orders.commit()

        def order() -> None:
            with transaction(orders) as after:
                orders.execute("INSERT INTO orders VALUES (1, 7)")
                after.call(outbox.send, "ada")

        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            order()
        assert (outbox.sent, committed(orders)) == ([], [])


def test_both_checkers_refuse_a_function_whose_result_has_to_be_awaited() -> None:
    async def send(address: str) -> None:
        await asyncio.sleep(0)
        raise AssertionError(address)

    after = AfterCommit()
    # ignored because it is the claim: each checker reports the function
    after.call(send, "ada")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    deferred(send)(after, "ada")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.warns(RuntimeWarning, match="send' was never awaited"):
        after.run()


def test_the_parameters_that_were_added_take_no_name_from_the_function() -> None:
    def send(self: str, function: str, after: str) -> None:
        seen.append(self + function + after)

    seen: list[str] = []
    calls = AfterCommit()
    calls.call(send, self="a", function="b", after="c")
    calls.run()
    assert seen == ["abc"]


def test_a_function_that_has_a_parameter_of_that_name_is_refused_when_decorated() -> (
    None
):
    def send(after: str) -> None:
        raise AssertionError(after)

    with pytest.raises(ValueError, match=r"^duplicate parameter name: 'after'$"):
        deferred(send)


def test_a_function_that_tells_inspect_nothing_is_refused_when_decorated() -> None:
    with pytest.raises(ValueError, match=r"^no signature found for builtin"):
        deferred(dict[str, int]().update)


def test_a_misspelt_argument_is_refused_by_both_checkers_where_it_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def send(address: str, *, cents: int) -> None:
        outbox.send(address, cents=cents)

    after, outbox = AfterCommit(), Outbox()
    # ignored because it is the claim: each checker reports the keyword
    after.call(send, "ada", cent=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    deferred(send)(after, "ada", cent=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    after.run()
    assert outbox.sent == []
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_a_value_of_the_wrong_type_is_refused_by_both_checkers() -> None:
    after, outbox = AfterCommit(), Outbox()
    # ignored because it is the claim: each checker reports the value
    after.call(outbox.send, "ada", cents="12")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    deferred(outbox.send)(after, "bob", cents="12")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    after.run()
    assert outbox.sent == ["['ada'] 12 {}", "['bob'] 12 {}"]


def test_the_parameter_in_front_has_no_name_for_a_caller() -> None:
    def send(address: str) -> None:
        raise AssertionError(address)

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        # ignored because it is the claim: each checker wants it by position
        deferred(send)(after=AfterCommit(), address="ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_inspect_shows_the_parameters_that_a_caller_gives() -> None:
    def send(address: str, *, cents: int = 0) -> None:
        raise AssertionError(address, cents)

    later = deferred(send)
    assert later.__name__ == "send"
    assert str(inspect.signature(later)) == (
        "(after: snippets.typesystem.paramspec.AfterCommit, /, "
        "address: str, *, cents: int = 0) -> None"
    )


def test_the_types_shown_hold_when_the_calls_are_made() -> None:
    after = AfterCommit()
    told: list[int] = []
    paramspec_types.names_kinds_and_defaults_are_kept()
    paramspec_types.a_bound_method_has_its_self_already()
    paramspec_types.a_generic_function_stays_generic()
    paramspec_types.each_call_is_checked_against_what_is_called(after)
    deferred(paramspec_types.Mailer().remind)(after, "ada", days=7)
    paramspec_types.send_receipt(after, "ada", cents=1250)
    paramspec_types.tell(after, 7, told.append)
    paramspec_types.OUTBOX.clear()
    assert told == []
    after.run()
    assert told == [7]
    assert paramspec_types.OUTBOX == [
        "ours: 7",
        "Oslo: A-7",
        "ada: 7 days left",
        "ada: 12.50",
    ]


def test_a_decorator_of_methods_leaves_self_in_front() -> None:
    def deferred_method[S, **P](
        method: Callable[Concatenate[S, P], None],
    ) -> Callable[Concatenate[S, AfterCommit, P], None]:
        def later(
            self: S, after: AfterCommit, /, *args: P.args, **kwargs: P.kwargs
        ) -> None:
            after.call(method, self, *args, **kwargs)

        return later

    class Mailer:
        def __init__(self) -> None:
            self.sent: list[str] = []

        @deferred_method
        def remind(self, address: str, *, days: int) -> None:
            self.sent.append(f"{address}: {days} days left")

    after, mailer = AfterCommit(), Mailer()
    mailer.remind(after, "ada", days=14)
    after.run()
    assert mailer.sent == ["ada: 14 days left"]


def test_both_checkers_keep_what_a_generic_function_asks_of_two_arguments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def shout(text: str) -> None:
        raise AssertionError(text + "!")

    after = AfterCommit()
    # ignored because it is the claim: shout takes no number, and both checkers know
    paramspec_types.tell(after, 7, shout)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    after.run()
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], TypeError)


def test_a_misspelt_argument_is_found_when_the_order_is_already_committed(
    orders: sqlite3.Connection, observe: Observe
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'cent'") as failed:
        paramspec_avoid.order(orders, 1250)
    assert committed(orders) == [1250]
    observe(failed.value)
    observe(f"committed: {committed(orders)}, receipts: none")


def test_an_async_function_is_called_and_its_work_is_not_done(
    observe: Observe,
) -> None:
    async def send(address: str) -> None:
        await asyncio.sleep(0)
        sent.append(address)

    sent: list[str] = []
    after = paramspec_avoid.AfterCommit()
    after.call(send, "ada")
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        [call() for call in after.calls]
    asyncio.run(send("bob"))
    observe(f"async def, called after the commit: {sent.count('ada')} receipts sent")
    assert sent == ["bob"]


def test_a_cast_has_the_checkers_demand_the_call_that_fails(
    orders: sqlite3.Connection, observe: Observe
) -> None:
    with pytest.raises(AttributeError) as failed:
        paramspec_avoid.bill(orders, 1250)
    observe(failed.value)
    assert str(failed.value) == "'str' object has no attribute 'call'"
    assert committed(orders) == []


def test_a_cast_has_the_checkers_refuse_the_call_that_works(
    orders: sqlite3.Connection, observe: Observe
) -> None:
    paramspec_avoid.bill_rightly(orders, 1250)
    observe(f"committed: {committed(orders)}")
    assert committed(orders) == [1250]


def test_a_decorated_method_hands_itself_over_as_the_transaction(
    orders: sqlite3.Connection, observe: Observe
) -> None:
    with pytest.raises(AttributeError) as failed:
        paramspec_avoid.remind(orders)
    observe(failed.value)
    assert str(failed.value) == "'Mailer' object has no attribute 'call'"


def test_wraps_alone_shows_inspect_a_call_that_fails(observe: Observe) -> None:
    def send(address: str, *, cents: int) -> None:
        raise AssertionError(address, cents)

    shown = str(inspect.signature(paramspec_avoid.deferred(send)))
    with pytest.raises(AttributeError) as failed:
        untyped(paramspec_avoid.__name__).deferred(send)("ada", cents=1250)
    observe(shown)
    observe(failed.value)
    assert shown == "(address: str, *, cents: int) -> None"
    assert str(failed.value) == "'str' object has no attribute 'call'"


def test_a_decorated_method_works_only_when_called_through_its_class() -> None:
    after, mailer = paramspec_avoid.AfterCommit(), paramspec_avoid.Mailer()
    paramspec_avoid.Mailer.send_reminder(after, mailer, "ada")
    (call,) = after.calls
    assert call() == "ada: please pay"


def test_with_the_right_arguments_nothing_shows(orders: sqlite3.Connection) -> None:
    with paramspec_avoid.transaction(orders) as after:
        paramspec_avoid.send_receipt(after, "ada", cents=1250)
    assert [call() for call in after.calls] == ["ada: 12.50"]
