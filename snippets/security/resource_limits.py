"""Receive a supplier's orders, at a cost that we set and not the supplier."""

import asyncio
import zlib
from collections.abc import AsyncIterable
from io import BytesIO
from typing import Annotated
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pydantic import BaseModel, Field, StringConstraints

MAX_PARCEL_BYTES = 1 << 20
MAX_PARCEL_SECONDS = 30
MAX_ORDERS = 100
MAX_ORDER_BYTES = 1 << 16
MAX_LINES = 1000
STOPPABLE = (ZIP_STORED, ZIP_DEFLATED)  # the others unpack far more than is read


class LimitExceededError(ValueError):
    """More was sent than we accept."""


async def receive(chunks: AsyncIterable[bytes]) -> bytes:
    """Read a parcel as it comes in, and count instead of believing its headers.

    Args:
        chunks: The pieces of the body, such as ``request.stream()``; an iterable that
            never waits is not interrupted.

    Returns:
        The whole parcel.

    Raises:
        LimitExceededError: If it is too large. The rest of it is not read, and
            ``chunks`` is left for the caller to close.
        TimeoutError: If all of it together takes too long. What ``chunks`` raises goes
            through.
    """
    # --8<-- [start:answer]
    parcel = bytearray()
    async with asyncio.timeout(MAX_PARCEL_SECONDS):
        async for chunk in chunks:
            if len(parcel) + len(chunk) > MAX_PARCEL_BYTES:
                raise LimitExceededError(f"more than {MAX_PARCEL_BYTES} bytes")
            parcel += chunk
    return bytes(parcel)
    # --8<-- [end:answer]


class Line(BaseModel, strict=True, extra="forbid"):
    """One line of an order.

    Attributes:
        article: The article's number.
        count: How many of it.
    """

    article: Annotated[str, StringConstraints(max_length=20)]
    count: Annotated[int, Field(gt=0, lt=10_000)]


class Order(BaseModel, strict=True, extra="forbid"):
    """What a supplier sends.

    Attributes:
        reference: Letters and digits in groups, with a hyphen between two.
        lines: What is ordered.
    """

    reference: Annotated[
        str, StringConstraints(max_length=40, pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$")
    ]
    lines: Annotated[list[Line], Field(max_length=MAX_LINES)]


def read_orders(parcel: bytes) -> list[Order]:
    """Unpack and parse the orders of a parcel.

    Args:
        parcel: A zip archive with a JSON file for each order.

    Returns:
        The orders as they stand in the archive.

    Raises:
        LimitExceededError: If the parcel is too large, or has too many orders, or one
            that is too large or packed by a method that can't be stopped half way.
        ValidationError: If one is nested too deeply, too long or no order.
        ValueError: If it is no archive, or a damaged or encrypted one.
    """
    if len(parcel) > MAX_PARCEL_BYTES:
        raise LimitExceededError(f"more than {MAX_PARCEL_BYTES} bytes")
    try:
        with ZipFile(BytesIO(parcel)) as archive:
            unpacked = _unpack(archive)
    except (BadZipFile, EOFError, OverflowError, RuntimeError, zlib.error) as error:
        raise ValueError("no archive that we can read") from error
    return [Order.model_validate_json(order) for order in unpacked]


def _unpack(archive: ZipFile) -> list[bytes]:
    """Unpack each file of an archive, no further than one byte past the limit."""
    members = archive.infolist()
    if len(members) > MAX_ORDERS:
        raise LimitExceededError(f"more than {MAX_ORDERS} orders")
    unpacked: list[bytes] = []
    for member in members:
        if member.compress_type not in STOPPABLE:
            raise LimitExceededError("packed by a method that can't be stopped")
        with archive.open(member) as file:
            order = file.read(MAX_ORDER_BYTES + 1)
        if len(order) > MAX_ORDER_BYTES:
            raise LimitExceededError(f"an order of more than {MAX_ORDER_BYTES} bytes")
        unpacked.append(order)
    return unpacked
