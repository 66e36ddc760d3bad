import json
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import (
    AsyncClient,
    ConnectError,
    HTTPError,
    HTTPStatusError,
    MockTransport,
    Request,
    Response,
)
from pydantic import TypeAdapter, ValidationError

from proof.testing.basics import Observe, untyped
from proof.testing.clock import CONTROLLED_ASYNCIO
from proof.testing.record import Evidence
from snippets.typesystem import api_responses_avoid as avoid
from snippets.typesystem import api_responses_types as types
from snippets.typesystem.api_responses import (
    Board,
    Departure,
    Received,
    UnexpectedResponseError,
    departures,
    read_board,
    to_call,
)

SENT: Mapping[str, object] = {
    "flight": "OS 101",
    "at": "2025-03-03T08:15:00Z",
    "status": "boarding",
    "delay_minutes": 5,
    "gate": "F12",
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return CONTROLLED_ASYNCIO


def board(*changes: Mapping[str, object]) -> bytes:
    """Write what the airport sends, with these changes."""
    return json.dumps({"departures": [{**SENT, **each} for each in changes]}).encode()


def airport(
    body: bytes, status: int = 200, asked: Callable[[Request], None] = lambda _: None
) -> AsyncClient:
    """Open a client for an airport that always answers the same."""

    def answer(request: Request) -> Response:
        asked(request)
        return Response(status, content=body, request=request)

    return AsyncClient(base_url="https://vie.test", transport=MockTransport(answer))


def without(key: str) -> bytes:
    sent = {name: value for name, value in SENT.items() if name != key}
    return json.dumps({"departures": [sent]}).encode()


@pytest.mark.anyio
async def test_a_board_is_asked_for_and_parsed() -> None:
    asked: list[Request] = []
    async with airport(board({}), asked=asked.append) as client:
        received = await departures(client, "VIE")
    departure = Departure(
        flight="OS 101",
        at=datetime(2025, 3, 3, 8, 15, tzinfo=UTC),
        status="boarding",
        delay_minutes=5,
        gate="F12",
    )
    assert received == Board(departures=(departure,))
    assert [(each.method, str(each.url)) for each in asked] == [
        ("GET", "https://vie.test/departures?airport=VIE")
    ]


@pytest.mark.anyio
async def test_a_refusal_is_an_error_and_its_body_is_not_parsed() -> None:
    async with airport(board({}), status=503) as client:
        with pytest.raises(HTTPStatusError, match="503 Service Unavailable"):
            await departures(client, "VIE")


@pytest.mark.anyio
async def test_a_redirect_is_no_board_either() -> None:
    async with airport(board({}), status=302) as client:
        with pytest.raises(HTTPStatusError, match="302 Found"):
            await departures(client, "VIE")


@pytest.mark.anyio
async def test_an_airport_that_can_not_be_reached_is_an_http_error() -> None:
    def refuse(request: Request) -> None:
        raise ConnectError("refused", request=request)

    async with airport(board({}), asked=refuse) as client:
        with pytest.raises(HTTPError, match=r"^refused$"):
            await departures(client, "VIE")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "code",
    ["", "VI", "VIEN", "vie", "VIE\n", "\uff36\uff29\uff25", "\ud800", "V" * 100_000],
)
async def test_what_is_no_airports_code_is_not_sent(code: str) -> None:
    asked: list[Request] = []
    async with airport(board({}), asked=asked.append) as client:
        with pytest.raises(ValueError, match=r"^no airport's code: ") as refused:
            await departures(client, code)
    assert str(refused.value) == f"no airport's code: {code[:10]!r}"
    assert asked == []


@pytest.mark.anyio
async def test_html_from_a_proxy_and_a_quota_with_status_200_are_refused_alike() -> (
    None
):
    for body in (b"<html>", b'{"error": "quota"}'):
        async with airport(body) as client:
            with pytest.raises(UnexpectedResponseError):
                await departures(client, "VIE")
    async with airport(board({})) as client:
        assert await departures(client, "VIE") == read_board(board({}))


def test_those_are_called_who_board_and_have_a_gate() -> None:
    sent = board(
        {"flight": "OS 101"},
        {"flight": "OS 102", "status": "planned"},
        {"flight": "OS 103", "gate": None},
        {"flight": "OS 104", "status": "gone"},
        {"flight": "OS 105", "gate": "G1"},
    )
    assert to_call(read_board(sent)) == ["OS 101: gate F12", "OS 105: gate G1"]


@pytest.mark.parametrize("status", ["planned", "boarding", "gone"])
def test_each_status_that_was_agreed_is_read(status: str) -> None:
    assert read_board(board({"status": status})).departures[0].status == status


def test_a_key_that_is_new_to_us_changes_nothing() -> None:
    assert read_board(board({"terminal": 3})) == read_board(board({}))


def test_a_delay_may_be_left_out_and_is_none_then() -> None:
    assert read_board(without("delay_minutes")).departures[0].delay_minutes == 0


@pytest.mark.parametrize("key", ["flight", "at", "status", "gate"])
def test_any_other_key_has_to_be_there(key: str) -> None:
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(without(key))
    assert str(refused.value) == f"departures.0.{key}: Field required"


def test_a_default_of_none_hides_that_a_key_was_renamed() -> None:
    class Lenient(Received):
        gate: str | None = None

    assert Lenient.model_validate_json(b'{"gates": "F12"}').gate is None


def test_all_that_is_wrong_is_told_at_once_each_at_its_path(
    evidence: Evidence,
) -> None:
    sent = board(
        {"at": "tomorrow", "delay_minutes": "25"},
        {},
        {"status": "cancelled", "gate": 12},
    )
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(sent)
    problems = str(refused.value).split("; ")
    evidence.add("One response of three departures", "\n".join(problems))
    assert [each.split(": ")[0] for each in problems] == [
        "departures.0.at",
        "departures.0.delay_minutes",
        "departures.2.status",
        "departures.2.gate",
    ]
    assert problems[1:] == [
        "departures.0.delay_minutes: Input should be a valid integer",
        "departures.2.status: Input should be 'planned', 'boarding' or 'gone'",
        "departures.2.gate: Input should be a valid string",
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"[]", "body: Input should be an object"),
        (b'{"error": "quota"}', "departures: Field required"),
        (b'{"departures": null}', "departures: Input should be a valid array"),
        (b"<html>", "body: Invalid JSON: expected value at line 1 column 1"),
        (b"", "body: Invalid JSON: EOF while parsing a value at line 1 column 0"),
    ],
)
def test_what_is_no_board_is_refused_by_name(body: bytes, problem: str) -> None:
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(body)
    assert str(refused.value) == problem


@pytest.mark.parametrize("at", ["2025-03-03T08:15:00", 1740989700])
def test_a_time_without_its_zone_is_refused(at: object) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"^departures\.0\.at: "):
        read_board(board({"at": at}))


def test_neither_the_refusal_nor_its_traceback_shows_anybodys_data() -> None:
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(board({"gate": ["Ada Lovelace"]}))
    context = refused.value.__context__
    assert isinstance(context, ValidationError)
    assert "departures.0.gate" in str(refused.value)
    assert "Ada" not in f"{refused.value} {context}"


def test_a_large_body_makes_no_large_message_and_no_large_traceback() -> None:
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(json.dumps({"departures": [{}] * 1_000}).encode())
    problems = str(refused.value).split("; ")
    assert len(problems) == 11
    assert problems[9:] == ["departures.2.at: Field required", "and 3990 more"]
    logged = "".join(traceback.format_exception(refused.value))
    assert "departures.2.at" in logged
    assert "departures.2.status" not in logged


def test_ten_problems_are_all_told() -> None:
    sent = [{}, {}, {key: SENT[key] for key in ("flight", "at")}]
    with pytest.raises(UnexpectedResponseError) as refused:
        read_board(json.dumps({"departures": sent}).encode())
    assert str(refused.value).split("; ")[-1] == "departures.2.gate: Field required"


@pytest.mark.parametrize("key", ["flight", "gate"])
@pytest.mark.parametrize("code", ["", "x" * 21, "F1\n", "F1\0", "\uff26\uff11"])
def test_what_can_not_be_called_out_is_no_code(key: str, code: str) -> None:
    with pytest.raises(UnexpectedResponseError, match=rf"^departures\.0\.{key}: "):
        read_board(board({key: code}))


@pytest.mark.parametrize("code", ["x" * 20, "~", " "])
def test_a_code_has_up_to_twenty_printable_characters(code: str) -> None:
    assert read_board(board({"gate": code})).departures[0].gate == code


def test_a_departure_stays_what_was_received() -> None:
    departure = read_board(board({})).departures[0]
    with pytest.raises(ValidationError, match="Instance is frozen"):
        departure.gate = "F1"


def test_strict_reads_a_time_in_json_and_refuses_it_in_what_was_decoded() -> None:
    assert Board.model_validate_json(board({})) == read_board(board({}))
    with pytest.raises(ValidationError) as refused:
        Board.model_validate(json.loads(board({})))
    assert [each["type"] for each in refused.value.errors()] == ["tuple_type"]
    with pytest.raises(ValidationError) as refused:
        Departure.model_validate(json.loads(board({}))["departures"][0])
    assert [each["type"] for each in refused.value.errors()] == ["datetime_type"]


def test_what_is_bad_alone_can_be_left_out_where_that_is_meant() -> None:
    rows = TypeAdapter(list[dict[str, object]]).validate_python(
        json.loads(board({}, {"gate": 12}, {"gate": "F2"}))["departures"]
    )
    good: list[Departure] = []
    for each in rows:
        try:
            good.append(Departure.model_validate_json(json.dumps(each)))
        except ValidationError:
            continue
    assert [each.gate for each in good] == ["F12", "F2"]


def test_what_the_checkers_infer_is_so() -> None:
    response = Response(200, content=board({}))
    types.received(response)
    assert types.parsed(response) == read_board(response.content)


@pytest.mark.anyio
async def test_a_failure_sent_as_a_success_is_a_key_error(observe: Observe) -> None:
    async with airport(b'{"error": "quota"}') as client:
        with pytest.raises(KeyError) as failure:
            await avoid.received(client, "VIE")
    observe(failure.value)
    assert str(failure.value) == "'departures'"


@pytest.mark.anyio
async def test_a_misspelt_key_passes_and_fails_at_the_first_departure(
    observe: Observe,
) -> None:
    async with airport(board({"status": "planned"})) as client:
        assert await avoid.to_call(client, "VIE") == []
    async with airport(board({})) as client:
        with pytest.raises(KeyError) as failure:
            await avoid.to_call(client, "VIE")
    observe(failure.value)
    assert str(failure.value) == "'fligth'"


@pytest.mark.anyio
async def test_a_misspelt_key_with_a_default_finds_nobody_late(
    observe: Observe,
) -> None:
    async with airport(board({"delay_minutes": 90})) as client:
        late = await avoid.late(client, "VIE")
    observe(f"90 minutes late; found: {late}")
    assert late == []


@pytest.mark.anyio
async def test_what_was_cast_to_a_number_is_compared_as_text(observe: Observe) -> None:
    async with airport(
        board({"delay_minutes": "9"}, {"delay_minutes": "25"})
    ) as client:
        longest: object = await avoid.longest_delay(client, "VIE")
    observe(f"the longest of '9' and '25': {longest!r}")
    assert longest == "9"


@pytest.mark.anyio
async def test_one_more_key_breaks_what_reads_all_keys(observe: Observe) -> None:
    sent = b'{"departures": [{"flight": "OS 101", "gate": "F12", "terminal": 3}]}'
    async with airport(sent) as client:
        with pytest.raises(TypeError) as failure:
            await avoid.gates(client, "VIE")
    observe(failure.value)
    assert str(failure.value) == (
        "Flight.__init__() got an unexpected keyword argument 'terminal'"
    )


@pytest.mark.anyio
async def test_a_gate_that_is_open_yet_is_called_none(observe: Observe) -> None:
    sent = b'{"departures": [{"flight": "OS 101", "gate": null}]}'
    async with airport(sent) as client:
        called = await avoid.gates(client, "VIE")
    observe(called)
    assert called == ["OS 101: gate None"]


def test_the_same_typo_on_a_model_is_refused_before_it_runs(
    observe: Observe,
) -> None:
    counterexample = untyped(avoid.__name__)
    departure = counterexample.Called(flight="OS 101", gate="F12")
    with pytest.raises(AttributeError) as failure:
        counterexample.line(departure)
    observe(failure.value)
    assert str(failure.value) == "'Called' object has no attribute 'fligth'"
