"""How far a response is `Any`, and what it is afterwards."""

import json
from typing import assert_type, reveal_type

from httpx2 import Response

from snippets.typesystem.api_responses import Board, Departure, read_board


def received(response: Response) -> None:
    """Decode JSON: each step into it is `Any` again."""
    # reveals: Any
    body = reveal_type(response.json())
    # reveals: Any
    reveal_type(body["departures"][0]["gate"])
    # reveals: Any
    reveal_type(json.loads(response.content))


def parsed(response: Response) -> Board:
    """Parse it: each step into it has a type."""
    board = read_board(response.content)
    assert_type(board.departures, tuple[Departure, ...])
    # reveals: str | None
    reveal_type(board.departures[0].gate)
    # mypy reveals: Literal['planned'] | Literal['boarding'] | Literal['gone']
    # pyright reveals: Literal['planned', 'boarding', 'gone']
    reveal_type(board.departures[0].status)
    return board
