from collections.abc import Iterable
from typing import Literal, assert_type, get_overloads, overload

import pytest

from proof.testing.basics import Observe
from snippets.typesystem import overloads_avoid, overloads_types
from snippets.typesystem.overloads import Order, Orders
from snippets.typesystem.overloads_avoid import (
    is_known,
    price,
    price_as_promised,
    price_by_cast,
)

ADAS = Order("A1", 990)
BOBS = Order("B2", 120)


@pytest.fixture
def avoided() -> overloads_avoid.Orders:
    return overloads_avoid.Orders([overloads_avoid.Order("A1", 990)])


def test_an_order_that_is_there_is_found() -> None:
    orders = Orders(iter([ADAS, BOBS]))
    assert orders.get("A1") is ADAS
    assert orders.get("B2", None) is BOBS


def test_the_later_of_two_orders_with_one_number_is_kept() -> None:
    corrected = Order("A1", 900)
    assert Orders((ADAS, corrected)).get("A1") is corrected


def test_without_a_default_a_missing_order_is_an_error() -> None:
    with pytest.raises(LookupError) as missing:
        Orders([]).get("C3")
    assert repr(missing.value) == "LookupError('no order C3')"


@pytest.mark.parametrize("number", ["", " ", "a1", "A1\0", "\ud800", "A1" * 2**19])
def test_an_odd_number_is_a_missing_order_and_makes_a_short_error(number: str) -> None:
    with pytest.raises(LookupError) as missing:
        Orders([ADAS]).get(number)
    assert str(missing.value) == "no order " + number[:40]


@pytest.mark.parametrize("default", [None, 0, "", ADAS, LookupError])
def test_with_a_default_a_missing_order_is_the_default(default: object) -> None:
    assert Orders([BOBS]).get("A1", default) is default
    assert Orders([BOBS]).get("A1", default=default) is default


def test_an_order_can_not_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'cents'"):
        # ignored because it is the claim: each checker reports the assignment
        ADAS.cents = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_what_both_checkers_infer_is_so() -> None:
    for orders in (Orders([ADAS, BOBS]), Orders([ADAS])):
        overloads_types.by_the_call(orders)
        overloads_types.by_a_default_that_is_an_order(orders, BOBS)
        overloads_types.handed_on(orders, None)


def test_both_checkers_refuse_to_use_a_result_that_may_be_the_default() -> None:
    found = Orders([]).get("A1", None)
    with pytest.raises(AttributeError, match="'NoneType' object has no"):
        # ignored because it is the claim: each checker reports the attribute
        assert found.cents  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def test_at_run_time_the_body_below_the_overloads_is_all_there_is() -> None:
    promised = get_overloads(Orders.get)
    assert len(promised) == 2
    assert Orders.get not in promised


def test_overloads_without_a_body_below_them_can_not_be_called() -> None:
    # ignored because it is the claim: each checker misses the implementation
    @overload  # type: ignore[no-overload-impl]
    def ask(number: str) -> int: ...  # pyright: ignore[reportNoOverloadImplementation]
    @overload
    def ask(number: int) -> str: ...

    with pytest.raises(NotImplementedError, match="You should not call an overloaded"):
        ask("A1")


def test_both_checkers_report_an_overload_that_a_wider_one_above_it_hides() -> None:
    @overload
    def ask(number: object) -> str: ...
    @overload
    # ignored because it is the claim: each checker reports the second overload
    def ask(number: str) -> int: ...  # type: ignore[overload-cannot-match]  # pyright: ignore[reportOverlappingOverload]
    def ask(number: object) -> str | int:
        return len(number) if isinstance(number, str) else "?"

    found: object = assert_type(ask("A1"), str)
    assert found == 2


def test_both_checkers_unite_the_results_where_a_union_is_asked_for() -> None:
    @overload
    def ask(number: int) -> Order: ...
    @overload
    def ask(number: str) -> None: ...
    def ask(number: int | str) -> Order | None:
        return ADAS if isinstance(number, int) else None

    def either(number: int | str) -> Order | None:
        return assert_type(ask(number), Order | None)

    assert (either(1), either("A1")) == (ADAS, None)


@pytest.mark.parametrize("strict", [True, False])
def test_a_third_overload_takes_the_flag_that_is_in_a_variable(
    strict: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    @overload
    def ask(*, required: Literal[True]) -> Order: ...
    @overload
    def ask(*, required: Literal[False]) -> Order | None: ...
    @overload
    def ask(*, required: bool) -> Order | None: ...
    def ask(*, required: bool) -> Order | None:
        return ADAS if required else None

    assert_type(ask(required=True), Order)
    assert_type(ask(required=strict), Order | None)
    assert ask(required=strict) == (ADAS if strict else None)


def test_a_default_of_a_type_parameters_type_makes_mypy_believe_in_an_order() -> None:
    # ignored because it is the claim: mypy refuses the default, pyright does not
    def get[D](found: Order | None, default: D = None) -> Order | D:  # type: ignore[assignment]
        return found or default

    with pytest.raises(AttributeError, match="'NoneType' object has no"):
        # ignored because it is the claim: pyright alone sees the default
        assert get(None).cents  # pyright: ignore[reportOptionalMemberAccess]


def test_both_checkers_refuse_a_none_that_the_body_does_not_declare() -> None:
    def get[D](found: Order | None, _default: D) -> Order | D:
        # ignored because it is the claim: each checker reports the result
        return found  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    assert get(None, 0) is None


def test_neither_checker_takes_a_mark_of_type_object_out_of_a_union() -> None:
    absent = object()

    def get[D](default: D | object = absent) -> D:
        if default is absent:
            raise LookupError("no default")
        # ignored because it is the claim: each checker reports the result
        return default  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    assert get(ADAS) is ADAS
    with pytest.raises(LookupError, match="no default"):
        get()


def test_where_the_result_is_the_arguments_type_a_type_parameter_does() -> None:
    def cheapest[O: Order](orders: Iterable[O]) -> O:
        return min(orders, key=lambda order: order.cents)

    class Express(Order): ...

    urgent = Express("C3", 2500)
    assert assert_type(cheapest([urgent]), Express) is urgent
    assert assert_type(cheapest([ADAS, BOBS]), Order) is BOBS


def test_the_line_that_both_checkers_refuse_runs(
    avoided: overloads_avoid.Orders, observe: Observe
) -> None:
    observe(price(avoided, "A1"))
    assert price(avoided, "A1") == 990


def test_the_cast_that_silences_them_lets_none_through(
    avoided: overloads_avoid.Orders, observe: Observe
) -> None:
    with pytest.raises(AttributeError) as failure:
        price_by_cast(avoided, "B2")
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'cents'"


def test_a_flag_in_a_variable_runs(
    avoided: overloads_avoid.Orders, observe: Observe
) -> None:
    known = is_known(avoided, "B2", strict=False)
    observe(f"known: {known}")
    assert known is False
    assert is_known(avoided, "A1", strict=True) is True


def test_an_overload_promises_what_the_body_does_not_keep(
    avoided: overloads_avoid.Orders, observe: Observe
) -> None:
    assert price_as_promised(avoided, "A1") == 990
    with pytest.raises(AttributeError) as failure:
        price_as_promised(avoided, "B2")
    observe(failure.value)
    assert str(failure.value) == "'NoneType' object has no attribute 'cents'"
