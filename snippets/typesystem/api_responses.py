"""Ask an airport's API for departures, and parse what it answers in one place."""

import re
from typing import Annotated, Final, Literal

from httpx2 import AsyncClient
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

SHOWN: Final = 10  # problems of one response that a log needs
_AIRPORT: Final = re.compile(r"[A-Z]{3}")

type Code = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,20}$")]


class UnexpectedResponseError(Exception):
    """The other side answered, and not what was agreed."""


class Received(BaseModel):
    """What all that is received has in common; keys that we don't read are let pass."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class Departure(Received):
    """A departure; ``gate`` is ``None`` while it is open, but always sent."""

    flight: Code
    at: AwareDatetime
    status: Literal["planned", "boarding", "gone"]
    delay_minutes: int = 0
    gate: Code | None


class Board(Received):
    """The departures of an airport, in its order."""

    departures: tuple[Departure, ...]


async def departures(client: AsyncClient, airport: str) -> Board:
    """Ask for the departures of an airport.

    Args:
        client: An open client, with the API's address.
        airport: The airport's IATA code.

    Raises:
        ValueError: If ``airport`` is no such code.
        HTTPError: If no answer comes, or one whose status is not a success.
        UnexpectedResponseError: If the answer is no board.
    """
    if not _AIRPORT.fullmatch(airport):
        raise ValueError(f"no airport's code: {airport[:10]!r}")
    # --8<-- [start:answer]
    response = await client.get("/departures", params={"airport": airport})
    response.raise_for_status()
    return read_board(response.content)  # from here on nobody looks into JSON
    # --8<-- [end:answer]


def read_board(body: bytes) -> Board:
    """Parse a response.

    Raises:
        UnexpectedResponseError: With the first ten problems, each at its path.

    Examples:
        >>> board = read_board(
        ...     b'{"departures": [{"flight": "OS 101", "at": "2025-03-03T08:15Z",'
        ...     b' "status": "boarding", "gate": "F12", "terminal": 3}]}'
        ... )
        >>> board.departures[0].gate
        'F12'
    """
    try:
        return Board.model_validate_json(body)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(step) for step in each['loc']) or 'body'}: {each['msg']}"
            for each in error.errors()[:SHOWN]
        ]
        if more := error.error_count() - len(problems):
            problems.append(f"and {more} more")
        # `from None`: the text of `error` grows with the body
        raise UnexpectedResponseError("; ".join(problems)) from None


def to_call(board: Board) -> list[str]:
    """Say whom to call to which gate: those that are boarding and have one."""
    return [
        f"{each.flight}: gate {each.gate}"
        for each in board.departures
        if each.status == "boarding" and each.gate is not None
    ]
