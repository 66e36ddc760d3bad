"""What the checkers make of the new spelling."""

from typing import assert_type, reveal_type

from snippets.typesystem.modern_syntax import Event, Json, by_kind


def unions(event: Event) -> str:
    """Narrow a union down to what is left of it."""
    assert_type(event.reply_to, str | None)
    if event.reply_to is None:
        return "no answer wanted"
    # reveals: str
    return reveal_type(event.reply_to)


def containers(event: Event) -> list[Event]:
    """Take from the builtin containers what their parameters say."""
    # reveals: dict[str, list[Event]]
    grouped = reveal_type(by_kind([event]))
    # reveals: list[Event]
    return reveal_type(grouped[event.kind])


def leaves(document: Json) -> int:
    """Walk down a type that contains itself; what is left is what does not."""
    if isinstance(document, dict):
        return leaves(list(document.values()))
    if isinstance(document, list):
        return sum(leaves(each) for each in document)
    # mypy reveals: int | float | str | None
    # pyright reveals: bool | int | float | str | None
    reveal_type(document)
    return 1
