"""Ask an airport's API for departures, and parse what it answers in one place."""

from typing import Literal

from httpx2 import AsyncClient
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError


class UnexpectedResponseError(Exception):
    """The other side answered, and not what was agreed."""


class Received(BaseModel):
    """What all that is received has in common; keys that we don't read are let pass."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class Departure(Received):
    """A departure.

    Attributes:
        flight: Its number.
        at: When it should leave.
        status: What is known of it.
        delay_minutes: By how much it is late.
        gate: Where to go; ``None`` while that is open, but always sent.
    """

    flight: str
    at: AwareDatetime
    status: Literal["planned", "boarding", "gone"]
    delay_minutes: int = 0
    gate: str | None


class Board(Received):
    """The departures of an airport.

    Attributes:
        departures: In the order of the airport.
    """

    departures: tuple[Departure, ...]


def read_board(body: bytes) -> Board:
    """Parse a response.

    Args:
        body: JSON, as it was received.

    Returns:
        The board: whoever has one has no need to look at JSON.

    Raises:
        UnexpectedResponseError: With all that is wrong, each at its path.

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
            for each in error.errors()
        ]
        raise UnexpectedResponseError("; ".join(problems)) from error


async def departures(client: AsyncClient, airport: str) -> Board:
    """Ask for the departures of an airport.

    Args:
        client: The client, with the API's address.
        airport: The airport's code.

    Returns:
        Its board.

    Raises:
        HTTPStatusError: If the API refuses or fails.
        UnexpectedResponseError: If it answers something else.
    """
    response = await client.get("/departures", params={"airport": airport})
    response.raise_for_status()
    return read_board(response.content)


def to_call(board: Board) -> list[str]:
    """Say whom to call to which gate.

    Args:
        board: The departures.

    Returns:
        A line for each flight that is boarding and has a gate.
    """
    return [
        f"{each.flight}: gate {each.gate}"
        for each in board.departures
        if each.status == "boarding" and each.gate is not None
    ]
