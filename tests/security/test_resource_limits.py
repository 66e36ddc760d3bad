import asyncio
import contextlib
import copy
import json
import re
import signal
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from io import BytesIO
from typing import Annotated, Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Scope

from proof.testing.basics import Observe
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Attack, Measured, undisturbed
from snippets.security import resource_limits_avoid as avoid
from snippets.security.resource_limits import (
    MAX_LINES,
    MAX_ORDER_BYTES,
    MAX_ORDERS,
    MAX_PARCEL_BYTES,
    LimitExceededError,
    Line,
    Order,
    read_orders,
    receive,
)

LIMIT = 1_048_576  # what the page says: 1 MiB
ORDER = {"reference": "PO-2026-17", "lines": [{"article": "A1", "count": 2}]}
BOMB_BYTES = 8 << 20


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


class Sender:
    """Sends a body in pieces, and knows how far it was read."""

    def __init__(self, *chunks: bytes, every: float = 0) -> None:
        self.read = 0
        self._chunks = chunks
        self._every = every

    async def chunks(self) -> AsyncGenerator[bytes]:
        for chunk in self._chunks:
            await asyncio.sleep(self._every)
            self.read += len(chunk)
            yield chunk

    async def receive(self) -> Message:
        """Answer as an ASGI server does."""
        self.read += len(self._chunks[0])
        return {"type": "http.request", "body": self._chunks[0], "more_body": True}


def packed(*orders: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    parcel = BytesIO()
    with zipfile.ZipFile(parcel, "w", method) as archive:
        for number, order in enumerate(orders):
            archive.writestr(f"{number}.json", order)
    return parcel.getvalue()


def declared_as(size: int, parcel: bytes) -> bytes:
    """Write another size, and the checksum of so many zeros, into the directory."""
    changed = bytearray(parcel)
    entry = changed.index(b"PK\x01\x02")
    struct.pack_into("<I", changed, entry + 16, zlib.crc32(bytes(size)))
    struct.pack_into("<I", changed, entry + 24, size)
    return bytes(changed)


def dumped(**changes: object) -> bytes:
    return json.dumps(ORDER | changes).encode()


def padded(size: int) -> bytes:
    order = dumped()
    return order + b" " * (size - len(order))


BOMB = packed(bytes(BOMB_BYTES))


@contextmanager
def at_most(size: int) -> Generator[None]:
    """Fail if more memory than this was in use at once."""
    with peak() as used:
        yield
    assert used[0] <= size


@contextmanager
def peak() -> Generator[list[int]]:
    """Measure the most memory that is in use at once."""
    used: list[int] = []
    tracemalloc.start()
    try:
        yield used
    finally:
        used.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()


@pytest.mark.anyio
async def test_a_parcel_of_just_the_limit_is_received_whole() -> None:
    half = b"z" * (LIMIT // 2)
    assert await receive(Sender(half, b"", half).chunks()) == half + half
    assert MAX_PARCEL_BYTES == LIMIT


@pytest.mark.anyio
async def test_one_byte_more_is_refused_and_nothing_behind_it_is_read() -> None:
    sender = Sender(bytes(LIMIT), b"1", b"behind")
    async with aclosing(sender.chunks()) as chunks:
        with pytest.raises(LimitExceededError, match=r"^more than 1048576 bytes$"):
            await receive(chunks)
    assert sender.read == LIMIT + 1


@pytest.mark.anyio
async def test_a_request_that_never_ends_is_read_to_the_limit() -> None:
    sender = Sender(bytes(1 << 16))
    request = Request({"type": "http"}, sender.receive)
    async with aclosing(request.stream()) as chunks:
        with pytest.raises(LimitExceededError):
            await receive(chunks)
    assert sender.read == LIMIT + (1 << 16)


@pytest.mark.anyio
@pytest.mark.parametrize(("every", "comes"), [(2.9, True), (3.1, False)])
async def test_thirty_seconds_are_for_the_whole_parcel(
    every: float, *, comes: bool
) -> None:
    ten = Sender(*[b"z"] * 10, every=every)
    async with aclosing(ten.chunks()) as chunks:
        if comes:
            assert await receive(chunks) == b"z" * 10
        else:
            with pytest.raises(TimeoutError):
                await receive(chunks)
    assert asyncio.get_running_loop().time() == pytest.approx(29 if comes else 30)


def test_the_orders_of_a_parcel_are_read_as_they_stand_in_it() -> None:
    first, second = dumped(), dumped(reference="B", lines=[])
    assert read_orders(packed(second, first)) == [
        Order(reference="B", lines=[]),
        Order(reference="PO-2026-17", lines=[Line(article="A1", count=2)]),
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_orders_are_read(method: int) -> None:
    [order] = read_orders(packed(dumped(), method=method))
    assert order.model_dump() == ORDER


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_in_one_go_are_refused(method: int) -> None:
    with pytest.raises(LimitExceededError, match=r"^packed by a method that can't be"):
        read_orders(packed(dumped(), method=method))


def test_a_hundred_orders_are_read_and_one_more_is_refused() -> None:
    assert len(read_orders(packed(*[dumped()] * 100))) == MAX_ORDERS == 100
    with pytest.raises(LimitExceededError, match=r"^more than 100 orders$"):
        read_orders(packed(*[dumped()] * 101))


def test_an_archive_may_say_by_zip64_where_a_file_begins() -> None:
    assert len(read_orders(beginning_at(0, packed(dumped())))) == 1


def test_a_parcel_that_was_not_received_here_has_the_same_limit() -> None:
    parcel = packed(dumped())
    whole = bytes(LIMIT - len(parcel)) + parcel
    assert len(read_orders(whole)) == 1
    with pytest.raises(LimitExceededError, match=r"^more than 1048576 bytes$"):
        read_orders(b"\0" + whole)


def test_an_order_of_just_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    assert len(read_orders(packed(padded(65_536), padded(65_536)))) == 2
    assert MAX_ORDER_BYTES == 65_536
    with pytest.raises(LimitExceededError) as refused:
        read_orders(packed(padded(65_537)))
    assert str(refused.value) == "an order of more than 65536 bytes"


@pytest.mark.parametrize("declared", [65_537, BOMB_BYTES, 1 << 24])
def test_a_bomb_is_unpacked_no_further_than_the_limit(declared: int) -> None:
    bomb = declared_as(declared, BOMB)
    with at_most(8 * MAX_ORDER_BYTES), pytest.raises(LimitExceededError):
        read_orders(bomb)


@pytest.mark.parametrize("declared", [0, 1, 100])
def test_an_order_that_is_longer_than_declared_is_cut_there(declared: int) -> None:
    bomb = declared_as(declared, BOMB)
    with at_most(8 * MAX_ORDER_BYTES), pytest.raises(ValidationError):
        read_orders(bomb)


def changed(parcel: bytes, *changes: tuple[int, int]) -> bytes:
    """Write a byte at each of some positions."""
    result = bytearray(parcel)
    for position, byte in changes:
        result[position % len(result)] = byte
    return bytes(result)


def beginning_at(offset: int, parcel: bytes) -> bytes:
    """Write into the directory, by an extra field of zip64, where the file begins."""
    entry, end = parcel.index(b"PK\x01\x02"), parcel.index(b"PK\x05\x06")
    directory = bytearray(parcel[entry:end]) + struct.pack("<HHQ", 1, 8, offset)
    struct.pack_into("<H", directory, 30, 12)
    struct.pack_into("<I", directory, 42, 0xFFFFFFFF)
    closing = bytearray(parcel[end:])
    struct.pack_into("<I", closing, 12, len(directory))
    return parcel[:entry] + bytes(directory) + bytes(closing)


PARCEL = packed(dumped(), dumped())
FIRST, LAST = PARCEL.index(b"PK\x01\x02"), PARCEL.rindex(b"PK\x01\x02")


@pytest.mark.parametrize(
    ("parcel", "cause"),
    [
        (b"no archive", zipfile.BadZipFile),
        (changed(PARCEL, (FIRST + 6, 255)), NotImplementedError),  # of another version
        (changed(PARCEL, (FIRST + 8, 1)), RuntimeError),  # encrypted
        (changed(PARCEL, (36, 255)), zlib.error),  # the first byte that is deflated
        (changed(PARCEL, (29, 255), (LAST + 44, 255)), EOFError),  # begins behind it
        (beginning_at(1 << 62, packed(dumped())), zipfile.BadZipFile),
        (beginning_at(1 << 63, packed(dumped())), OverflowError),
        (b"", zipfile.BadZipFile),
    ],
)
def test_an_archive_that_cannot_be_read_is_a_value_error(
    parcel: bytes, cause: type[Exception]
) -> None:
    with pytest.raises(ValueError, match=r"^no archive that we can read$") as refused:
        read_orders(parcel)
    assert type(refused.value.__cause__) is cause


def test_a_fault_of_our_own_is_not_taken_for_the_suppliers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise MemoryError("our own")

    monkeypatch.setattr(zipfile.ZipFile, "open", broken)
    with pytest.raises(MemoryError, match="our own"):
        read_orders(PARCEL)


@settings(derandomize=True, database=None, deadline=None, max_examples=30)
@given(
    changes=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=3)
)
def test_a_damaged_parcel_raises_nothing_but_value_errors(
    changes: list[tuple[int, int]],
) -> None:
    with contextlib.suppress(ValueError):
        read_orders(changed(PARCEL, *changes))


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("depth", [201, 2_000, 30_000])
@pytest.mark.parametrize("field", ["reference", "lines", "unknown"])
def test_an_order_nested_deeper_than_200_is_refused_unparsed(
    field: str, depth: int
) -> None:
    order = b'{"%s": %s}' % (field.encode(), nested(depth))
    with pytest.raises(
        ValidationError, match=r"Invalid JSON: recursion limit exceeded"
    ):
        read_orders(packed(order))


def test_up_to_200_levels_the_model_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError) as refused:
        read_orders(packed(b'{"unknown": %s}' % nested(199)))
    assert [each["type"] for each in refused.value.errors()] == [
        "missing",
        "missing",
        "extra_forbidden",
    ]


def test_a_thousand_lines_are_read_and_a_line_more_is_one_fault() -> None:
    line = {"article": "A", "count": 1}
    [order] = read_orders(packed(dumped(lines=[line] * MAX_LINES)))
    assert len(order.lines) == MAX_LINES == 1000
    for lines in ([line] * 1001, [0] * 20_000):
        with pytest.raises(ValidationError) as refused:
            read_orders(packed(dumped(lines=lines)))
        [fault] = refused.value.errors()
        assert (fault["type"], fault["loc"]) == ("too_long", ("lines",))


@pytest.mark.parametrize(
    "reference", ["A", "7", "PO-2026-0017", "A" * 40, "A-" * 19 + "AA"]
)
def test_groups_of_letters_and_digits_are_a_reference(reference: str) -> None:
    [order] = read_orders(packed(dumped(reference=reference)))
    assert order.reference == reference


@pytest.mark.parametrize(
    "reference", ["", "-", "A-", "-A", "A--B", "a", "A1!", "A\n", "\nA", "A" * 41, 17]
)
def test_anything_else_is_none(reference: object) -> None:
    with pytest.raises(ValidationError, match=r"^1 validation error for Order"):
        read_orders(packed(dumped(reference=reference)))


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ({"article": "", "count": 1}, True),
        ({"article": "A" * 20, "count": 9_999}, True),
        ({"article": "A" * 21, "count": 1}, False),
        ({"article": "A", "count": 0}, False),
        ({"article": "A", "count": 10_000}, False),
        ({"article": "A", "count": "1"}, False),
        ({"article": "A", "count": 1, "price": 0}, False),
    ],
)
def test_a_line_is_an_article_and_a_count(
    line: dict[str, object], *, holds: bool
) -> None:
    if holds:
        [order] = read_orders(packed(dumped(lines=[line])))
        assert order.model_dump()["lines"] == [line]
    else:
        with pytest.raises(ValidationError, match=r"^1 validation error for Order"):
            read_orders(packed(dumped(lines=[line])))


def test_nothing_is_converted_on_the_way_into_an_order() -> None:
    with pytest.raises(ValidationError, match=r"Input should be a valid list"):
        Order.model_validate({"reference": "A", "lines": ()})


@pytest.mark.parametrize("digits", [4_300, 4_301])
def test_the_interpreter_bounds_the_digits_of_a_number_by_itself(digits: int) -> None:
    if digits == 4_300:
        assert json.loads("9" * digits) == 10**digits - 1
    else:
        with pytest.raises(ValueError, match=r"^Exceeds the limit \(4300 digits\)"):
            json.loads("9" * digits)


@pytest.mark.anyio
async def test_starlette_can_count_a_body_for_the_whole_application() -> None:
    async def upload(request: Request) -> Response:
        return Response(str(len(await request.body())))

    async def send(message: Message) -> None:  # noqa: RUF029 - as ASGI has it
        answers.append(message)

    answers: list[Message] = []
    sender = Sender(bytes(1 << 16))
    route = Route("/", upload, methods=["POST"])
    app = Starlette(routes=[route], max_body_size=MAX_PARCEL_BYTES)
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await app(scope, sender.receive, send)
    assert answers[0]["status"] == 413
    assert sender.read == LIMIT + (1 << 16)


def test_memory_for_json_of_empty_lists_is_a_multiple_of_its_length(
    measured: Measured,
) -> None:
    text = b"[" + b"[]," * 20_000 + b"[]]"
    with peak() as used:
        json.loads(text)
    times = used[0] / len(text)
    measured.row(
        "Memory to parse an array of empty arrays",
        "bytes per byte",
        {"json.loads": times},
    )
    assert times > 10


def test_the_time_for_a_reference_that_fails_at_its_end(measured: Measured) -> None:
    sizes = [8, 10, 12, 14, 16, 18]

    def refused(text: str) -> None:
        with contextlib.suppress(ValidationError):
            Order(reference=text, lines=[])

    def grown(check: Callable[[str], object], times: int) -> list[float]:
        seconds = [best_of_three(check, "A" * size + "!", times) for size in sizes]
        return [each / seconds[0] for each in seconds]

    kept, avoided = grown(refused, 200), grown(avoid.is_reference, 1)
    measured.plot(
        "Time to refuse letters with a `!` behind them",
        "times as long as for 8",
        over="letters",
        sizes=sizes,
        values={"Order.reference": kept, "is_reference": avoided},
    )
    assert max(kept) < 10
    assert avoided[-1] > 100


def best_of_three(check: Callable[[str], object], text: str, times: int) -> float:
    seconds: list[float] = []
    for _ in range(3):
        with undisturbed():
            begun = time.perf_counter()
            for _ in range(times):
                check(text)
            seconds.append(time.perf_counter() - begun)
    return min(seconds)


@pytest.mark.anyio
async def test_a_timeout_that_is_over_lets_a_match_run_to_its_end() -> None:
    limit = asyncio.timeout(0)
    async with limit:
        assert not avoid.is_reference("A" * 12 + "!")
    assert not limit.expired()


@pytest.mark.anyio
async def test_a_chunked_parcel_announces_no_length_and_is_read_to_its_end(
    observe: Observe, attack: Attack
) -> None:
    chunks = [bytes(1 << 16)] * 128
    sender = Sender(*chunks)
    attack.sent("Transfer-Encoding: chunked, then 128 chunks of 64 KiB")
    parcel = await avoid.receive_as_announced(
        {"transfer-encoding": "chunked"}, sender.chunks()
    )
    observe(f"{len(parcel):,} bytes in memory, {LIMIT:,} allowed")
    attack.happened(f"{sender.read:,} bytes read and kept")
    assert len(parcel) == 8 * LIMIT
    sender = Sender(*chunks)
    async with aclosing(sender.chunks()) as incoming:
        with pytest.raises(LimitExceededError) as refused:
            await receive(incoming)
    attack.now(refused.value)
    assert sender.read == LIMIT + (1 << 16)


@pytest.mark.anyio
async def test_an_announced_length_is_believed() -> None:
    with pytest.raises(avoid.LimitExceededError):
        await avoid.receive_as_announced(
            {"content-length": str(LIMIT + 1)}, Sender().chunks()
        )


@pytest.mark.anyio
async def test_a_byte_every_29_seconds_holds_the_connection_for_half_a_day(
    observe: Observe,
) -> None:
    drops = [b"z"] * 1_500
    parcel = await avoid.receive_while_something_comes(
        Sender(*drops, every=29).chunks()
    )
    hours = asyncio.get_running_loop().time() / 3_600
    observe(f"{len(parcel):,} bytes in {hours:.1f} hours")
    assert len(parcel) == 1_500
    assert hours > 12
    async with aclosing(Sender(*drops, every=29).chunks()) as incoming:
        with pytest.raises(TimeoutError):
            await receive(incoming)


@pytest.mark.anyio
async def test_counting_as_it_comes_bounds_the_size_at_least() -> None:
    sender = Sender(*[bytes(1 << 16)] * 20)
    async with aclosing(sender.chunks()) as incoming:
        with pytest.raises(avoid.LimitExceededError):
            await avoid.receive_while_something_comes(incoming)
    assert sender.read == LIMIT + (1 << 16)


def test_a_small_parcel_unpacks_to_a_thousand_times_its_size(observe: Observe) -> None:
    [order] = avoid.unpack_what_came(BOMB)
    observe(f"{len(order) // len(BOMB):,} bytes for each that was sent")
    assert len(order) == BOMB_BYTES
    assert len(order) / len(BOMB) > 1_000
    with pytest.raises(avoid.LimitExceededError):
        avoid.unpack_what_came(bytes(LIMIT + 1))


def test_an_order_of_one_declared_byte_is_unpacked_to_millions_first(
    observe: Observe, attack: Attack
) -> None:
    bomb = declared_as(1, BOMB)
    attack.sent("a zip of 8 KiB: 8 MiB of zeros, declared as one byte")
    assert len(bomb) < 9 << 10
    with peak() as used:
        [order] = avoid.unpack_as_declared(bomb)
    observe(f"{len(order)} byte returned, more than {BOMB_BYTES >> 20} MiB unpacked")
    attack.happened(f"more than {BOMB_BYTES >> 20} MiB of memory for it")
    assert order == b"\0"
    assert used[0] > BOMB_BYTES
    with at_most(8 * MAX_ORDER_BYTES), pytest.raises(ValidationError):
        read_orders(bomb)
    attack.now("one byte is unpacked, and refused: it is no JSON")
    with pytest.raises(avoid.LimitExceededError):
        avoid.unpack_as_declared(BOMB)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_asking_for_one_byte_unpacks_all_where_the_method_is_another(
    method: int,
) -> None:
    bomb = packed(bytes(1 << 20), method=method)
    with peak() as used, zipfile.ZipFile(BytesIO(bomb)) as archive:
        assert archive.open("0.json").read(1) == b"\0"
    assert used[0] > 1 << 20


def test_brackets_alone_raise_what_nobody_catches(observe: Observe) -> None:
    with pytest.raises(RecursionError) as raised:
        avoid.parse_to_any_depth(b"[" * 100_000)
    observe(raised.value)
    assert not isinstance(raised.value, ValueError)


def test_a_depth_that_the_parser_takes_breaks_the_code_behind_it(
    observe: Observe,
) -> None:
    order = avoid.parse_to_any_depth(nested(2_000))
    with pytest.raises(RecursionError) as raised:
        copy.deepcopy(order)
    observe(f"copy.deepcopy of the order: {type(raised.value).__name__}")


def test_what_is_no_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"^the order is no JSON$"):
        avoid.parse_to_any_depth(b"{")


def test_an_order_of_zeros_costs_an_error_for_every_zero(observe: Observe) -> None:
    order = dumped(lines=[0] * 20_000)
    with pytest.raises(ValidationError) as refused:
        avoid.parse_and_name_every_fault(order)
    observe(f"{refused.value.error_count():,} errors for {len(order):,} bytes")
    assert refused.value.error_count() == 20_000


def test_forty_characters_keep_a_core_busy_until_a_signal_comes(
    observe: Observe, attack: Attack
) -> None:
    def give_up(_number: int, _frame: object) -> NoReturn:
        raise InterruptedError("given up")

    reference = "A" * 39 + "!"
    attack.sent(reference)
    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)  # seconds of computing
    try:
        with pytest.raises(InterruptedError) as interrupted:
            avoid.is_reference(reference)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    observe("no answer after 0.1 s of computing; each letter more doubles it")
    attack.happened(f"no answer: {interrupted.value} after 0.1 s of computing")
    with pytest.raises(ValidationError) as refused:
        read_orders(packed(dumped(reference=reference)))
    attack.now(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize("reference", ["PO-2026-17", "A" * 41, "a"])
def test_as_long_as_it_matches_the_slow_pattern_is_fast(reference: str) -> None:
    assert avoid.is_reference(reference) == (reference == "PO-2026-17")


def test_a_pattern_in_which_each_character_is_read_one_way_is_fast_in_re_too() -> None:
    once = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")
    assert once.fullmatch("A" * 10_000 + "!") is None


def test_the_slow_pattern_is_harmless_in_pydantics_own_engine() -> None:
    slow = Field(pattern=r"^([A-Z0-9]+-?)+$")
    adapter = TypeAdapter[str](Annotated[str, slow])
    with pytest.raises(ValidationError, match=r"String should match pattern"):
        adapter.validate_python("A" * 10_000 + "!")
