"""Sell from a stock what is no longer there, and pack it one query at a time."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class SoldOutError(Exception):
    pass


class Product(models.Model):
    name: "models.CharField[str, str]" = models.CharField(max_length=100)
    stock: "models.IntegerField[int, int]" = models.IntegerField()

    class Meta:
        app_label = "shop_avoid"


class Order(models.Model):
    customer: "models.CharField[str, str]" = models.CharField(max_length=100)
    lines: "RelatedManager[Line]"

    class Meta:
        app_label = "shop_avoid"


class Line(models.Model):
    order: "models.ForeignKey[Order, Order]" = models.ForeignKey(
        Order, models.CASCADE, related_name="lines"
    )
    product: "models.ForeignKey[Product, Product]" = models.ForeignKey(
        Product, models.PROTECT
    )
    quantity: "models.IntegerField[int, int]" = models.IntegerField()

    class Meta:
        app_label = "shop_avoid"


def packing_slips() -> list[str]:
    # --8<-- [start:answer]
    orders = Order.objects.order_by("pk")
    # expect: test[a_query_for_each_order_and_each_line]
    return [f"{order.customer}: {_contents(order)}" for order in orders]
    # --8<-- [end:answer]


def _contents(order: Order) -> str:
    lines = [f"{line.quantity} {line.product.name}" for line in order.lines.all()]
    return ", ".join(lines)


def take(product: int, quantity: int) -> None:
    found = Product.objects.get(pk=product)
    if found.stock < quantity:
        raise SoldOutError(product)
    found.stock -= quantity
    # expect: test[two_who_read_the_same_stock_sell_more_than_there_is]
    # expect: test[a_save_undoes_a_new_name_that_it_never_looked_at]
    found.save()


def add(order: int, product: int, quantity: int) -> None:
    # expect: test[get_or_create_makes_two_lines_where_no_constraint_forbids_it]
    line, created = Line.objects.get_or_create(
        order_id=order, product_id=product, defaults={"quantity": quantity}
    )
    if not created:
        line.quantity += quantity
        line.save()
