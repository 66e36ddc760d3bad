"""Sell from a stock, and pack what was ordered."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Prefetch, Q

if TYPE_CHECKING:  # RelatedManager has a name in the stubs only
    from django.db.models.expressions import Combinable
    from django.db.models.fields.related_descriptors import RelatedManager


class SoldOutError(Exception):
    """Less is left of a product than somebody wants."""


class Product(models.Model):
    """What the shop sells."""

    name: "models.CharField[str, str]" = models.CharField(max_length=100)
    stock: "models.IntegerField[int | Combinable, int]" = models.IntegerField()

    class Meta:
        """What must hold, whoever writes."""

        app_label = "shop"
        constraints = (
            models.CheckConstraint(
                condition=Q(stock__gte=0), name="stock_not_negative"
            ),
        )


class Order(models.Model):
    """What a customer wants."""

    customer: "models.CharField[str, str]" = models.CharField(max_length=100)
    lines: "RelatedManager[Line]"

    class Meta:
        """Where it belongs."""

        app_label = "shop"


class Line(models.Model):
    """How many of a product."""

    order: "models.ForeignKey[Order, Order]" = models.ForeignKey(
        Order, models.CASCADE, related_name="lines"
    )
    product: "models.ForeignKey[Product, Product]" = models.ForeignKey(
        Product, models.PROTECT
    )
    quantity: "models.IntegerField[int, int]" = models.IntegerField()

    class Meta:
        """What must hold, whoever writes."""

        app_label = "shop"
        constraints = (
            models.UniqueConstraint(fields=("order", "product"), name="line_once"),
        )


def packing_slips() -> list[str]:
    """List what is in each order, in two queries however many orders there are.

    Returns:
        A slip for each order, the oldest first.

    Raises:
        DatabaseError: If the database is lost.
    """
    # --8<-- [start:answer]
    lines = Line.objects.select_related("product").order_by("pk")
    blocked = lines.fetch_mode(models.FETCH_RAISE)  # what is not joined is an error
    orders = Order.objects.prefetch_related(Prefetch("lines", blocked)).order_by("pk")
    # --8<-- [end:answer]
    return [f"{order.customer}: {_contents(order)}" for order in orders]


def _contents(order: Order) -> str:
    """Name the products of an order whose lines are loaded."""
    lines = [f"{line.quantity} {line.product.name}" for line in order.lines.all()]
    return ", ".join(lines)


def take(product: int, quantity: int) -> None:
    """Take something off the shelf.

    Args:
        product: The product's key.
        quantity: How many of it.

    Raises:
        ValueError: If that is nothing, or less.
        SoldOutError: If so many are not left.
        DatabaseError: If the database is lost.
    """
    if quantity < 1:
        raise ValueError(f"quantity must be at least 1, not {quantity}")
    enough = Product.objects.filter(pk=product, stock__gte=quantity)
    if not enough.update(stock=F("stock") - quantity):  # the database subtracts
        raise SoldOutError(product)


def add(order: int, product: int, quantity: int) -> None:
    """Add something to an order, which has one line for each product.

    Args:
        order: The order's key.
        product: The product's key.
        quantity: How many of it.

    Raises:
        ValueError: If that is nothing, or less.
        Line.DoesNotExist: If the line was removed meanwhile; nothing is added.
        IntegrityError: If there is no such order or product; in a transaction it comes
            with the commit.
        DatabaseError: If the database is lost or can't take the quantity.
        OverflowError: If SQLite can't.
    """
    if quantity < 1:
        raise ValueError(f"quantity must be at least 1, not {quantity}")
    line, created = Line.objects.get_or_create(
        order_id=order, product_id=product, defaults={"quantity": quantity}
    )
    same = Line.objects.filter(pk=line.pk)
    if not created and not same.update(quantity=F("quantity") + quantity):
        raise Line.DoesNotExist(f"order {order}, product {product}")
