"""An order that is data, and a class for each department that asks for changes."""

from copy import replace
from dataclasses import dataclass

VAT_PERCENT = 20
PARCEL_GRAMS = 10_000
PARCEL_CENTS = 490
POINT_CENTS = 100
MEMBER_PERCENT_OFF = 15


@dataclass(frozen=True)
class Line:
    """One article of an order.

    Attributes:
        item: What it is.
        cents: Its list price before tax.
        grams: Its weight.
        shelf: Where the warehouse keeps it.
    """

    item: str
    cents: int
    grams: int
    shelf: str


@dataclass(frozen=True)
class Order:
    """What the customer ordered: all that the departments share.

    Sales makes another one with ``copy.replace``. The checkout has checked the values.

    Attributes:
        customer: Who ordered.
        address: Where it goes.
        lines: What was ordered, as the customer listed it.
        percent_off: The discount of a coupon, 0 to 100.
    """

    customer: str
    address: str
    lines: tuple[Line, ...] = ()
    percent_off: int = 0


@dataclass(frozen=True)
class Invoice:
    """What accounting asks for.

    Attributes:
        lines: What was ordered, as the customer listed it.
        percent_off: The discount on all lines.

    Examples:
        >>> kettle = Line("kettle", cents=4000, grams=1200, shelf="B2")
        >>> full = Invoice((kettle,))
        >>> Letter("Ada", full).member_total(), full.total()
        (4080, 4800)
    """

    lines: tuple[Line, ...]
    percent_off: int = 0

    def net(self) -> int:
        """Sum up the cents, less the discount, before tax."""
        full = sum(line.cents for line in self.lines)
        return full - full * self.percent_off // 100

    def total(self) -> int:
        """Return the cents to pay, with the tax, which is rounded down."""
        return self.net() + self.net() * VAT_PERCENT // 100

    def text(self) -> str:
        """List the items as the customer did, and the total."""
        items = ", ".join(line.item for line in self.lines)
        return f"{items}: {self.total()} cents"


@dataclass(frozen=True)
class Letter:
    """What marketing asks for: it reads the invoice and cannot change it.

    Attributes:
        customer: Who is thanked.
        invoice: What the customer pays.
    """

    # --8<-- [start:answer]
    customer: str
    invoice: Invoice

    def member_total(self) -> int:
        """Return the cents that a member would have paid."""
        return replace(self.invoice, percent_off=MEMBER_PERCENT_OFF).total()

    # --8<-- [end:answer]

    def points(self) -> int:
        """Count the points earned, none for a rest below ``POINT_CENTS``."""
        return self.invoice.net() // POINT_CENTS

    def text(self) -> str:
        """Thank for the order, and advertise the membership."""
        offer = f"Members pay {self.member_total()} cents."
        return f"Dear {self.customer}, you earned {self.points()} points. {offer}"


@dataclass(frozen=True)
class Shipment:
    """What the warehouse asks for.

    Attributes:
        address: Where the parcels go.
        lines: What to fetch and pack.
    """

    address: str
    lines: tuple[Line, ...]

    def pick_list(self) -> list[str]:
        """List the items in the order of the shelves."""
        return [line.item for line in sorted(self.lines, key=lambda line: line.shelf)]

    def parcels(self) -> int:
        """Count the parcels that the weight needs."""
        return -(-sum(line.grams for line in self.lines) // PARCEL_GRAMS)

    def postage(self) -> int:
        """Return the cents that the carrier takes."""
        return self.parcels() * PARCEL_CENTS

    def label(self) -> str:
        """Return what is printed on each parcel."""
        return f"{self.address} ({self.parcels()})"


def paperwork(order: Order) -> tuple[Invoice, Shipment, Letter]:
    """Hand each department the part of the order that it reads.

    Args:
        order: The order as it was placed.

    Returns:
        What accounting, the warehouse and marketing work with.
    """
    invoice = Invoice(order.lines, order.percent_off)
    shipment = Shipment(order.address, order.lines)
    return invoice, shipment, Letter(order.customer, invoice)
