import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import django
import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import (
    FieldError,
    FieldFetchBlocked,
    MultipleObjectsReturned,
)
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    connection,
    connections,
    models,
    transaction,
)
from django.db.models import F
from psycopg.conninfo import conninfo_to_dict

from proof.testing.basics import Observe
from proof.testing.record import Evidence, Measured

# Django has one configuration a process, which other tests may need as well: this one
# names no database. Each test puts its own in place, and takes it out again.
if not settings.configured:
    settings.configure(LOGGING_CONFIG=None)
if not apps.ready:
    django.setup()

# below, as a model can be defined only now
from snippets.databases import django_orm, django_orm_avoid
from snippets.databases.django_orm import (
    Line,
    Order,
    Product,
    SoldOutError,
    add,
    packing_slips,
    take,
)

TABLES: list[type[models.Model]] = [
    table
    for module in (django_orm, django_orm_avoid)
    for table in (module.Product, module.Order, module.Line)
]

SUBTRACT = (
    "{0}: UPDATE shop_product SET stock = (shop_product.stock - {1})"
    " WHERE (shop_product.id = 1 AND shop_product.stock >= {1})"
)


@contextmanager
def connected(url: str) -> Generator[None]:
    """Have Django use a database, and forget it again."""
    database: dict[str, object]
    if url.startswith("sqlite"):
        file = url.partition("///")[2]
        hurry = {"init_command": "PRAGMA synchronous = OFF"}
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": file}
        database["OPTIONS"] = hurry
    else:
        parts = conninfo_to_dict(url.replace("+asyncpg", ""))
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password"}
        names |= {"HOST": "host", "PORT": "port"}
        database = {"ENGINE": "django.db.backends.postgresql"}
        database |= {name: parts.get(part) or "" for name, part in names.items()}
    before = connections.databases["default"]
    filled_in = connections.configure_settings({"default": database})
    connections.databases["default"] = filled_in["default"]
    connections["default"] = connections.create_connection("default")
    shop = AppConfig("shop", django_orm)
    shop.apps, apps.app_configs["shop"] = apps, shop  # as if it were installed
    shop.import_models()
    apps.clear_cache()
    try:
        with connection.schema_editor() as editor:
            for table in TABLES:
                editor.create_model(table)
        yield
    finally:
        connection.close()
        del connections["default"]
        connections.databases["default"] = before
        del apps.app_configs["shop"]
        apps.clear_cache()


@pytest.fixture
def shop(database: str) -> Generator[None]:
    with connected(database):
        yield


@pytest.fixture
def shop_on_sqlite(tmp_path: Path) -> Generator[None]:
    with connected(f"sqlite:///{tmp_path / 'shop.sqlite'}"):
        yield


@pytest.fixture
def shop_on_postgresql(postgresql: str) -> Generator[None]:
    with connected(postgresql):
        yield


type Execute = Callable[..., object]
type Params = Iterable[object] | None


@contextmanager
def statements() -> Generator[list[str]]:
    """Gather what is sent to the database."""
    sent: list[str] = []

    def wrapper(execute: Execute, sql: str, params: Params, *rest: object) -> object:
        sent.append(told(sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(wrapper):
        yield sent


def told(sql: str, params: Params) -> str:
    values = [
        int(each) if isinstance(each, int) else repr(each) for each in params or ()
    ]
    return sql.replace('"', "") % tuple(values)


@contextmanager
def just_before(start: str, act: Callable[[], object]) -> Generator[list[str]]:
    """Have somebody else act, on a connection of their own, before a statement."""
    acts = [act]
    sent: list[str] = []

    def wrapper(execute: Execute, sql: str, params: Params, *rest: object) -> object:
        if sql.startswith(start) and acts:
            elsewhere(acts.pop(), sent)
        sent.append(f"ada: {told(sql, params)}")
        return execute(sql, params, *rest)

    with connection.execute_wrapper(wrapper):
        yield sent
    assert not acts


def elsewhere(act: Callable[[], object], sent: list[str]) -> None:
    """Act in a thread: Django gives each thread a connection of its own."""

    def work() -> None:
        try:
            with statements() as told:
                act()
            sent.extend(f"bob: {each}" for each in told)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@transaction.atomic
def fill(module: ModuleType, orders: int) -> None:
    """Place orders of three products each."""
    products = [
        module.Product.objects.create(name=name, stock=99)
        for name in ("lamp", "desk", "chair")
    ]
    for number in range(orders):
        order = module.Order.objects.create(customer=f"customer {number}")
        for product in products:
            module.add(order.pk, product.pk, 1)


def key(module: ModuleType, stock: int = 9) -> int:
    """Put a lamp on the shelf, and give its key."""
    lamp: models.Model = module.Product.objects.create(name="lamp", stock=stock)
    return int(lamp.pk)


def stock(module: ModuleType, lamp: int) -> object:
    return module.Product.objects.values_list("stock", flat=True).get(pk=lamp)


@pytest.mark.usefixtures("shop")
def test_a_slip_names_the_customer_and_what_to_pack() -> None:
    lamp, desk = (
        Product.objects.create(name=name, stock=9) for name in ("lamp", "desk")
    )
    for customer in ("ada", "bob"):
        Order.objects.create(customer=customer)
    ada, bob = Order.objects.order_by("pk")
    add(bob.pk, lamp.pk, 1)
    add(ada.pk, desk.pk, 2)
    add(ada.pk, lamp.pk, 3)
    assert packing_slips() == ["ada: 2 desk, 3 lamp", "bob: 1 lamp"]


@pytest.mark.usefixtures("shop_on_postgresql")
def test_slips_are_in_order_whatever_was_written_last() -> None:
    fill(django_orm, orders=2)
    for table, column in ((Order, "customer"), (Line, "quantity")):
        first = table.objects.order_by("pk").values_list("pk", flat=True)[0]
        table.objects.filter(pk=first).update(**{column: 5})  # the row moves to the end
    assert packing_slips() == [
        "5: 5 lamp, 1 desk, 1 chair",
        "customer 1: 1 lamp, 1 desk, 1 chair",
    ]


@pytest.mark.usefixtures("shop")
def test_two_queries_are_enough_for_any_number_of_orders() -> None:
    fill(django_orm, orders=5)
    with statements() as sent:
        assert len(packing_slips()) == 5
    assert len(sent) == 2
    assert "INNER JOIN shop_product" in sent[1]


@pytest.mark.usefixtures("shop_on_sqlite")
def test_the_number_of_queries_does_not_grow_with_the_orders(
    measured: Measured,
) -> None:
    sizes = [1, 2, 4, 8]
    counts: dict[str, list[float]] = {"joined and prefetched": [], "as they come": []}
    for module, sent in zip(
        (django_orm, django_orm_avoid), counts.values(), strict=True
    ):
        done = 0
        for size in sizes:
            fill(module, orders=size - done)
            done = size
            with statements() as told:
                assert len(module.packing_slips()) == size
            sent.append(len(told))
    assert list(counts.values()) == [[2, 2, 2, 2], [5, 9, 17, 33]]
    measured.plot(
        "Queries for the packing slips",
        "queries",
        over="orders of three lines",
        sizes=sizes,
        values=counts,
    )


@pytest.mark.usefixtures("shop_on_sqlite")
def test_a_relation_that_nobody_joined_is_an_error_under_fetch_raise() -> None:
    fill(django_orm, orders=1)
    for line in Line.objects.all().fetch_mode(models.FETCH_RAISE):
        with pytest.raises(FieldFetchBlocked, match=r"Line\.product blocked"):
            str(line.product)


@pytest.mark.usefixtures("shop_on_sqlite")
def test_the_slips_have_their_lines_blocked_in_that_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unjoined(lines: "models.QuerySet[Line]", *_: str) -> "models.QuerySet[Line]":
        return lines

    fill(django_orm, orders=1)
    monkeypatch.setattr(models.QuerySet, "select_related", unjoined)
    with pytest.raises(FieldFetchBlocked):
        packing_slips()


@pytest.mark.usefixtures("shop_on_sqlite")
def test_fetch_raise_says_nothing_of_a_forgotten_prefetch() -> None:
    fill(django_orm, orders=3)
    orders = Order.objects.all().fetch_mode(models.FETCH_RAISE)
    with statements() as sent:
        assert [order.lines.count() for order in orders] == [3, 3, 3]
    assert len(sent) == 1 + 3


@pytest.mark.usefixtures("shop_on_sqlite")
def test_the_mode_of_the_orders_does_not_reach_the_lines_that_are_prefetched() -> None:
    fill(django_orm, orders=2)
    orders = (
        Order.objects.all().fetch_mode(models.FETCH_RAISE).prefetch_related("lines")
    )
    with statements() as sent:
        for order in orders:
            assert [line.product.name for line in order.lines.all()]
    assert len(sent) == 2 + 6


@pytest.mark.usefixtures("shop_on_sqlite")
def test_a_filter_of_what_was_prefetched_is_a_query_again() -> None:
    fill(django_orm, orders=3)
    orders = Order.objects.prefetch_related("lines")
    with statements() as sent:
        assert [len(order.lines.filter(quantity=1)) for order in orders] == [3, 3, 3]
    assert len(sent) == 2 + 3


@pytest.mark.usefixtures("shop_on_sqlite")
def test_fetch_peers_loads_a_relation_of_all_lines_in_one_query() -> None:
    fill(django_orm, orders=3)
    with statements() as sent:
        lines = Line.objects.all().fetch_mode(models.FETCH_PEERS)
        assert {line.product.name for line in lines} == {"lamp", "desk", "chair"}
    assert len(sent) == 2


@pytest.mark.usefixtures("shop")
def test_what_is_taken_is_no_longer_there() -> None:
    lamp, other = key(django_orm), key(django_orm)
    take(lamp, 2)
    assert (stock(django_orm, lamp), stock(django_orm, other)) == (7, 9)


@pytest.mark.usefixtures("shop")
def test_the_last_one_can_be_taken_and_no_more() -> None:
    lamp = key(django_orm, stock=3)
    take(lamp, 3)
    with pytest.raises(SoldOutError) as none_left:
        take(lamp, 1)
    assert none_left.value.args == (lamp,)
    assert stock(django_orm, lamp) == 0


@pytest.mark.parametrize("quantity", [0, -1])
def test_nothing_cannot_be_taken(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1") as refused:
        take(1, quantity)
    assert str(refused.value) == f"quantity must be at least 1, not {quantity}"


@pytest.mark.usefixtures("shop")
def test_one_of_a_product_that_nobody_knows_is_sold_out() -> None:
    with pytest.raises(SoldOutError):
        take(1, 1)


@pytest.mark.usefixtures("shop")
def test_of_two_who_take_at_the_same_time_both_are_counted() -> None:
    lamp = key(django_orm)
    with just_before("UPDATE", lambda: take(lamp, 3)):
        take(lamp, 1)
    assert stock(django_orm, lamp) == 9 - 3 - 1


@pytest.mark.usefixtures("shop")
def test_of_two_who_take_the_last_one_at_the_same_time_one_gets_it() -> None:
    lamp = key(django_orm, stock=1)
    with just_before("UPDATE", lambda: take(lamp, 1)), pytest.raises(SoldOutError):
        take(lamp, 1)
    assert stock(django_orm, lamp) == 0


@pytest.mark.usefixtures("shop")
def test_a_constraint_refuses_what_any_other_code_gets_wrong() -> None:
    lamp = key(django_orm)
    wrong = Product.objects.filter(pk=lamp)
    with pytest.raises(IntegrityError, match="stock_not_negative"):
        wrong.update(stock=F("stock") - 10)
    assert stock(django_orm, lamp) == 9


@pytest.mark.usefixtures("shop_on_postgresql")
def test_a_second_line_for_a_product_is_refused_by_name() -> None:
    order = Order.objects.create(customer="ada")
    product = Product.objects.create(name="lamp", stock=9)
    Line.objects.create(order=order, product=product, quantity=1)
    with pytest.raises(IntegrityError, match="line_once"):
        Line.objects.create(order=order, product=product, quantity=1)
    with pytest.raises(IntegrityError, match="stock_not_negative"):
        Product.objects.create(name="lamp", stock=-1)


@pytest.mark.usefixtures("shop_on_postgresql")
def test_a_name_has_at_most_a_hundred_characters() -> None:
    assert Order.objects.create(customer="a" * 100).pk
    assert Product.objects.create(name="a" * 100, stock=0).pk
    with pytest.raises(DataError):
        Order.objects.create(customer="a" * 101)
    with pytest.raises(DataError):
        Product.objects.create(name="a" * 101, stock=0)


@pytest.mark.usefixtures("shop")
def test_an_order_goes_with_its_lines_and_a_product_stays_while_it_is_in_one() -> None:
    lamp, order = key(django_orm), Order.objects.create(customer="ada")
    add(order.pk, lamp, 1)
    with pytest.raises(models.ProtectedError):
        Product.objects.get(pk=lamp).delete()
    order.delete()
    assert not Line.objects.exists()


@pytest.mark.usefixtures("shop_on_sqlite")
def test_the_tables_have_the_name_of_the_application() -> None:
    tables = connection.introspection.table_names()
    assert {"shop_product", "shop_order", "shop_line"} <= set(tables)


@pytest.mark.usefixtures("shop")
def test_adding_to_an_order_adds_a_line_or_to_the_line() -> None:
    lamp, desk = key(django_orm), key(django_orm)
    order, other = (Order.objects.create(customer=name) for name in ("ada", "bob"))
    add(other.pk, lamp, 1)
    for product, quantity in ((lamp, 2), (desk, 1), (lamp, 3)):
        add(order.pk, product, quantity)
    assert quantities(order) == [(lamp, 5), (desk, 1)]
    assert quantities(other) == [(lamp, 1)]


def quantities(order: Order) -> list[tuple[int, int]]:
    return [(line.product.pk, line.quantity) for line in order.lines.order_by("pk")]


@pytest.mark.parametrize("quantity", [0, -1])
def test_nothing_cannot_be_added(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1") as refused:
        add(1, 1, quantity)
    assert str(refused.value) == f"quantity must be at least 1, not {quantity}"


@pytest.mark.usefixtures("shop")
def test_one_of_a_product_is_added_with_a_line() -> None:
    lamp, order = key(django_orm), Order.objects.create(customer="ada")
    add(order.pk, lamp, 1)
    assert quantities(order) == [(lamp, 1)]


@pytest.mark.usefixtures("shop")
def test_a_line_that_is_removed_in_the_midst_of_an_addition_is_missed() -> None:
    lamp, order = key(django_orm), Order.objects.create(customer="ada")
    add(order.pk, lamp, 1)
    with (
        just_before("UPDATE", Line.objects.all().delete),
        pytest.raises(Line.DoesNotExist) as missed,
    ):
        add(order.pk, lamp, 2)
    assert str(missed.value) == f"order {order.pk}, product {lamp}"
    assert quantities(order) == []


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("nobodys", ["order", "product"])
def test_a_line_of_an_order_or_product_that_is_not_there_is_refused(
    nobodys: str,
) -> None:
    lamp, order = key(django_orm), Order.objects.create(customer="ada")
    known = {"order": order.pk, "product": lamp} | {nobodys: 99}
    with pytest.raises(IntegrityError):
        add(**known, quantity=1)
    assert not Line.objects.exists()


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("number", [2**63, 10**400], ids=["2**63", "10**400"])
def test_a_number_that_no_table_holds_takes_and_adds_nothing(number: int) -> None:
    lamp, order = key(django_orm), Order.objects.create(customer="ada")
    add(order.pk, lamp, 1)
    for take_too_many in ((lamp, number), (number, 1)):
        with pytest.raises(SoldOutError):
            take(*take_too_many)
    with pytest.raises((DatabaseError, OverflowError)):
        add(order.pk, lamp, number)
    assert (quantities(order), stock(django_orm, lamp)) == ([(lamp, 1)], 9)


@pytest.mark.usefixtures("shop")
def test_of_two_who_add_the_same_product_one_makes_the_line_and_both_are_counted() -> (
    None
):
    lamp = key(django_orm)
    order = Order.objects.create(customer="ada")
    with just_before("INSERT", lambda: add(order.pk, lamp, 3)):
        add(order.pk, lamp, 2)
    assert quantities(order) == [(lamp, 5)]


@pytest.mark.usefixtures("shop")
def test_of_two_who_add_to_the_same_line_both_are_counted() -> None:
    lamp = key(django_orm)
    order = Order.objects.create(customer="ada")
    add(order.pk, lamp, 1)
    with just_before("UPDATE", lambda: add(order.pk, lamp, 3)):
        add(order.pk, lamp, 2)
    assert quantities(order) == [(lamp, 6)]


@pytest.mark.usefixtures("shop_on_postgresql")
def test_the_database_subtracts_or_python_does(evidence: Evidence) -> None:
    lamp, same = key(django_orm), key(django_orm_avoid)
    with just_before("UPDATE", lambda: take(lamp, 3)) as subtracted:
        take(lamp, 1)
    with just_before("UPDATE", lambda: django_orm_avoid.take(same, 3)) as computed:
        django_orm_avoid.take(same, 1)
    evidence.add("Sent with F(), the stock being 9", "\n".join(subtracted))
    evidence.add("Sent without", "\n".join(computed))
    assert subtracted == [SUBTRACT.format("bob", 3), SUBTRACT.format("ada", 1)]
    assert [each.split(maxsplit=2)[:2] for each in computed] == [
        ["ada:", "SELECT"],
        ["bob:", "SELECT"],
        ["bob:", "UPDATE"],
        ["ada:", "UPDATE"],
    ]


@pytest.mark.usefixtures("shop_on_sqlite")
def test_after_a_save_the_field_holds_the_number_and_not_the_expression() -> None:
    lamp = Product.objects.create(name="lamp", stock=9)
    lamp.stock = F("stock") - 1
    lamp.save()
    lamp.save()
    assert (lamp.stock, stock(django_orm, lamp.pk)) == (8, 8)


@pytest.mark.usefixtures("shop_on_sqlite")
def test_a_save_of_one_field_leaves_the_others_alone() -> None:
    lamp = Product.objects.create(name="lamp", stock=9)
    take(lamp.pk, 2)
    lamp.name = "lantern"
    lamp.save(update_fields=("name",))
    lamp.refresh_from_db()
    assert (lamp.name, lamp.stock) == ("lantern", 7)


def test_a_foreign_key_can_be_subscripted_when_it_runs_and_other_fields_cannot() -> (
    None
):
    assert hasattr(models.ForeignKey, "__class_getitem__")
    assert not hasattr(models.CharField, "__class_getitem__")
    assert not hasattr(models.IntegerField, "__class_getitem__")


def test_no_checker_knows_what_can_be_filtered_by() -> None:
    with pytest.raises(FieldError, match="Cannot resolve keyword 'stcok'"):
        Product.objects.filter(stcok=1)


@pytest.mark.usefixtures("shop_on_sqlite")
def test_a_query_for_each_order_and_each_line(observe: Observe) -> None:
    fill(django_orm_avoid, orders=10)
    with statements() as sent:
        slips = django_orm_avoid.packing_slips()
    assert slips[0] == "customer 0: 1 lamp, 1 desk, 1 chair"
    observe(f"{len(sent)} queries for {len(slips)} orders")
    assert len(sent) == 1 + 10 + 10 * 3


@pytest.mark.usefixtures("shop")
def test_two_who_read_the_same_stock_sell_more_than_there_is(observe: Observe) -> None:
    lamp = key(django_orm_avoid, stock=1)
    with just_before("UPDATE", lambda: django_orm_avoid.take(lamp, 1)):
        django_orm_avoid.take(lamp, 1)
    observe(f"sold 2 of 1, and the stock says {stock(django_orm_avoid, lamp)}")
    assert stock(django_orm_avoid, lamp) == 0
    with pytest.raises(django_orm_avoid.SoldOutError):
        django_orm_avoid.take(lamp, 1)


@pytest.mark.usefixtures("shop")
def test_a_save_undoes_a_new_name_that_it_never_looked_at(observe: Observe) -> None:
    lamp = key(django_orm_avoid)
    products = django_orm_avoid.Product.objects.filter(pk=lamp)
    with just_before("UPDATE", lambda: products.update(name="lantern")):
        django_orm_avoid.take(lamp, 1)
    name = products.get().name
    observe(f"renamed 'lantern' meanwhile, and called {name!r} again")
    assert name == "lamp"


@pytest.mark.usefixtures("shop")
def test_get_or_create_makes_two_lines_where_no_constraint_forbids_it(
    observe: Observe,
) -> None:
    lamp = key(django_orm_avoid)
    order = django_orm_avoid.Order.objects.create(customer="ada")
    with just_before("INSERT", lambda: django_orm_avoid.add(order.pk, lamp, 3)):
        django_orm_avoid.add(order.pk, lamp, 2)
    with pytest.raises(MultipleObjectsReturned) as failed:
        django_orm_avoid.add(order.pk, lamp, 1)
    observe(f"the next time: {failed.value}")
    assert order.lines.count() == 2


@pytest.mark.usefixtures("shop_on_sqlite")
def test_alone_the_counterexample_counts_as_well() -> None:
    lamp = key(django_orm_avoid, stock=3)
    order = django_orm_avoid.Order.objects.create(customer="ada")
    django_orm_avoid.take(lamp, 2)
    django_orm_avoid.add(order.pk, lamp, 1)
    django_orm_avoid.add(order.pk, lamp, 1)
    assert stock(django_orm_avoid, lamp) == 1
    assert order.lines.get().quantity == 2
