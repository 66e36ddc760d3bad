"""An order that does the work of four departments."""

from dataclasses import dataclass

VAT_PERCENT = 20
PARCEL_GRAMS = 10_000
PARCEL_CENTS = 490
POINT_CENTS = 100
MEMBER_PERCENT_OFF = 15


@dataclass
class Line:
    item: str
    cents: int
    grams: int
    shelf: str


# expect: ruff[PLR0904]
class Order:
    def __init__(self, customer: str, address: str) -> None:
        self.customer = customer
        self.address = address
        self.lines: list[Line] = []
        self.percent_off = 0

    # sales

    def add(self, line: Line) -> None:
        self.lines.append(line)

    def remove(self, item: str) -> None:
        self.lines = [line for line in self.lines if line.item != item]

    def redeem(self, percent_off: int) -> None:
        self.percent_off = percent_off

    def count(self) -> int:
        return len(self.lines)

    # accounting

    def items(self) -> str:
        return ", ".join(line.item for line in self.lines)

    def list_price(self) -> int:
        return sum(line.cents for line in self.lines)

    def discount(self) -> int:
        return self.list_price() * self.percent_off // 100

    def net(self) -> int:
        return self.list_price() - self.discount()

    def vat(self) -> int:
        return self.net() * VAT_PERCENT // 100

    def total(self) -> int:
        return self.net() + self.vat()

    def invoice(self) -> str:
        return f"{self.items()}: {self.total()} cents"

    # marketing

    # --8<-- [start:answer]
    def member_total(self) -> int:
        # expect: test[writing_the_letter_lowers_the_invoice]
        self.redeem(MEMBER_PERCENT_OFF)
        return self.total()

    # --8<-- [end:answer]

    def points(self) -> int:
        return self.net() // POINT_CENTS

    def greeting(self) -> str:
        return f"Dear {self.customer}, you earned {self.points()} points."

    def offer(self) -> str:
        return f"Members pay {self.member_total()} cents."

    def letter(self) -> str:
        return f"{self.greeting()} {self.offer()}"

    # warehouse

    def pick_list(self) -> list[str]:
        # expect: test[printing_the_pick_list_reorders_the_customers_invoice]
        self.lines.sort(key=lambda line: line.shelf)
        return [line.item for line in self.lines]

    def parcels(self) -> int:
        return -(-sum(line.grams for line in self.lines) // PARCEL_GRAMS)

    def postage(self) -> int:
        return self.parcels() * PARCEL_CENTS

    def label(self) -> str:
        return f"{self.address} ({self.parcels()})"
