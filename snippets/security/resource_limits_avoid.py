"""Receive a supplier's orders, at whatever cost the supplier likes."""

import asyncio
import json
import re
from collections.abc import AsyncIterable, Mapping
from io import BytesIO
from zipfile import ZipFile

from pydantic import BaseModel

MAX_PARCEL_BYTES = 1 << 20
MAX_CHUNK_SECONDS = 30
MAX_UNPACKED_BYTES = 6 << 20
MAX_REFERENCE_CHARACTERS = 40


class LimitExceededError(ValueError):
    pass


class Line(BaseModel, strict=True, extra="forbid"):
    article: str
    count: int


class Order(BaseModel, strict=True, extra="forbid"):
    reference: str
    lines: list[Line]


async def receive_as_announced(
    headers: Mapping[str, str], chunks: AsyncIterable[bytes]
) -> bytes:
    # --8<-- [start:answer]
    if int(headers.get("content-length", "0")) > MAX_PARCEL_BYTES:
        raise LimitExceededError(f"more than {MAX_PARCEL_BYTES} bytes")
    # expect: test[a_chunked_parcel_announces_no_length_and_is_read_to_its_end]
    return b"".join([chunk async for chunk in chunks])
    # --8<-- [end:answer]


async def receive_while_something_comes(chunks: AsyncIterable[bytes]) -> bytes:
    parcel = bytearray()
    incoming = aiter(chunks)
    while len(parcel) <= MAX_PARCEL_BYTES:
        # expect: test[a_byte_every_29_seconds_holds_the_connection_for_half_a_day]
        async with asyncio.timeout(MAX_CHUNK_SECONDS):
            chunk = await anext(incoming, None)
        if chunk is None:
            return bytes(parcel)
        parcel += chunk
    raise LimitExceededError(f"more than {MAX_PARCEL_BYTES} bytes")


def unpack_what_came(parcel: bytes) -> list[bytes]:
    if len(parcel) > MAX_PARCEL_BYTES:
        raise LimitExceededError(f"more than {MAX_PARCEL_BYTES} bytes")
    with ZipFile(BytesIO(parcel)) as archive:
        # expect: test[a_small_parcel_unpacks_to_a_thousand_times_its_size]
        return [archive.read(member) for member in archive.infolist()]


def unpack_as_declared(parcel: bytes) -> list[bytes]:
    with ZipFile(BytesIO(parcel)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
            raise LimitExceededError(f"more than {MAX_UNPACKED_BYTES} bytes unpacked")
        # expect: test[an_order_of_one_declared_byte_is_unpacked_to_millions_first]
        return [archive.read(member) for member in members]


def parse_to_any_depth(order: bytes) -> object:
    try:
        # expect: test[brackets_alone_raise_what_nobody_catches]
        # expect: test[a_depth_that_the_parser_takes_breaks_the_code_behind_it]
        return json.loads(order)
    except ValueError as error:
        raise ValueError("the order is no JSON") from error


def parse_and_name_every_fault(order: bytes) -> Order:
    # expect: test[an_order_of_zeros_costs_an_error_for_every_zero]
    return Order.model_validate_json(order)


def is_reference(text: str) -> bool:
    if len(text) > MAX_REFERENCE_CHARACTERS:
        return False
    # expect: test[forty_characters_keep_a_core_busy_until_a_signal_comes]
    return re.fullmatch(r"([A-Z0-9]+-?)+", text) is not None
