"""Reads docs/redirects.toml: which page moved, and where it is now."""

import re
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from proof.faults import Fault, FaultsError
from proof.sources.project import Project, parse_toml

REDIRECTS = "docs/redirects.toml"
FORM = 'write "/old/page/" = "/new/page/#anchor"'
OLD = re.compile(r"/([\w-]+/)+")
NEW = re.compile(r"/([\w-]+/)*(#\S+)?")


@dataclass(frozen=True, slots=True)
class Redirect:
    """A page that moved.

    Attributes:
        old: Its old address, from the site's root; begins and ends with a slash.
        new: Where it is now; may have an anchor.
        line: Where that is written.
    """

    old: str
    new: str
    line: int


def redirects(project: Project) -> list[Redirect]:
    """Read the list of pages that moved; none where there is no file.

    Args:
        project: The project.

    Returns:
        The redirects in their order.

    Raises:
        FaultsError: If the list can't be read, or an entry isn't of its form.
    """
    if not (project.root / REDIRECTS).is_file():
        return []
    text = project.read(REDIRECTS)
    try:
        listed = parse_toml(REDIRECTS, text, FORM)
        entries = TypeAdapter(dict[str, str]).validate_python(listed)
    except ValidationError as error:
        keys = [str(each["loc"][0]) for each in error.errors()]
        raise FaultsError(
            Fault(REDIRECTS, _line(text, key), f"{key}: {FORM}") for key in keys
        ) from None
    found = [Redirect(old, new, _line(text, old)) for old, new in entries.items()]
    if faults := [
        Fault(REDIRECTS, each.line, message)
        for each in found
        if (message := _wrong(each, entries))
    ]:
        raise FaultsError(faults)
    return found


def redirect_faults(project: Project) -> list[Fault]:
    """List what is wrong with the list of redirects by itself."""
    try:
        redirects(project)
    except FaultsError as error:
        return error.faults
    return []


def _wrong(redirect: Redirect, entries: dict[str, str]) -> str:
    if not OLD.fullmatch(redirect.old) or not NEW.fullmatch(redirect.new):
        return f"{redirect.old}: {FORM}"
    if redirect.new.partition("#")[0] in entries:
        return f"{redirect.old} leads to {redirect.new}, which has moved: name the end"
    return ""


def _line(text: str, key: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((at for at, line in lines if line.strip(" \"'").startswith(key)), 0)
