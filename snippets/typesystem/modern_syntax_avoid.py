"""Webhook events, annotated as in 2019."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# expect: ruff[UP035] x2
from typing import Dict, List, Optional, TypeAlias, Union

from pydantic import TypeAdapter

# --8<-- [start:answer]
# expect: ruff[UP040] ruff[UP007] ruff[UP006] x2
Json: TypeAlias = Union[bool, int, float, str, List["Json"], Dict[str, "Json"], None]


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    # expect: ruff[UP006]
    payload: Dict[str, Json]
    # expect: ruff[UP045]
    reply_to: Optional[str]


# --8<-- [end:answer]


def received(body: str) -> Event:
    # expect: test[an_alias_that_quotes_itself_has_no_end_for_whoever_reads_it_at_run_time]
    return TypeAdapter(Event).validate_json(body)


def replayed(line: str) -> Event:
    # expect: test[a_field_that_is_optional_may_not_be_left_out]
    return Event(**json.loads(line))


# expect: ruff[UP006] x2
def by_kind(events: Iterable[Event]) -> Dict[str, List[Event]]:
    # expect: ruff[UP006] x2
    grouped = defaultdict[str, List[Event]](List[Event])
    for event in events:
        # expect: test[list_with_a_capital_letter_makes_no_list]
        grouped[event.kind].append(event)
    return dict(grouped)
