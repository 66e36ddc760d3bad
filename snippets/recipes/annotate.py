"""Annotate what ruff found, in a job of GitHub Actions, with the rules that explain it.

Reads what ``ruff check --output-format=json`` prints; its one argument is rules.json.
Exits with 0 if nothing was found, 1 if something was, and 2 if it can't tell.
"""

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

# what a file that is missing, no JSON or of another form raises
BROKEN = (AttributeError, LookupError, OSError, TypeError, ValueError)


class Place(TypedDict):
    """Where something begins: a line and a column, both from 1."""

    row: int
    column: int


class Finding(TypedDict):
    """What is read here of a finding in ruff's report."""

    filename: str
    location: Place
    code: str
    message: str


def explanations(rules: str) -> dict[str, list[str]]:
    """Find the rules for each code of ruff.

    Args:
        rules: The text of rules.json.

    Returns:
        By code, the title and link of each rule.

    Raises:
        ValueError: If it is of another version.
    """
    listed = json.loads(rules)
    if listed["version"] != 1:
        raise ValueError(f"version {listed['version']}, but 1 is read here")
    explained = defaultdict[str, list[str]](list)
    for rule in listed["rules"]:
        for codes in (rule["codes"], rule["related"]):
            for code in codes.get("ruff", []):
                explained[code].append(f"{rule['title']}: {rule['link']}")
    return dict(explained)


def annotation(finding: Finding, explained: Sequence[str], root: str) -> str:
    """Write the workflow command that annotates a line.

    Args:
        finding: What was found.
        explained: What to read about it.
        root: The folder of the repository.

    Returns:
        One line.

    Example:
        >>> place = Place(row=3, column=28)
        >>> found = Finding(
        ...     filename="cart.py", location=place, code="B006", message="A list"
        ... )
        >>> annotation(found, ["None: https://a.b"], ".").split("::")[1:]
        ['error file=cart.py,line=3,col=28,title=ruff B006', 'A list%0ANone: https://a.b']
    """
    at = finding["location"]
    file = escaped(os.path.relpath(finding["filename"], root), "%\r\n:,")
    title = escaped(f"ruff {finding['code']}", "%\r\n:,")
    message = escaped("\n".join([finding["message"], *explained]), "%\r\n")
    place = f"file={file},line={at['row']},col={at['column']},title={title}"
    return f"::error {place}::{message}"


def escaped(text: str, special: str) -> str:
    """Escape what has a meaning in a command; the percent sign has to come first."""
    for character in special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def main(arguments: Sequence[str]) -> int:
    """Annotate what standard input reports.

    Args:
        arguments: Of the command line: where rules.json is.

    Returns:
        The exit status.
    """
    root = os.environ.get("GITHUB_WORKSPACE", os.curdir)
    what = "the argument"
    try:
        (what,) = arguments
        known = explanations(Path(what).read_text(encoding="utf-8"))
        what = "ruff's report"
        found: list[Finding] = json.loads(sys.stdin.read())
        # of one step GitHub shows ten errors: first those that a rule explains
        found.sort(key=lambda each: each["code"] not in known)
        lines = [annotation(each, known.get(each["code"], []), root) for each in found]
    except BROKEN as error:
        sys.stderr.write(f"annotate: can't read {what}: {error!r}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in lines)
    others = Counter(each["code"] for each in found if each["code"] not in known)
    listed = ", ".join(f"{number} {code}" for code, number in others.most_common())
    sys.stderr.write(f"{len(found)} found; without a rule: {listed or 'none'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
