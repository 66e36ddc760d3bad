"""Holds the bytes of what is written to plain text: what is read is what is shown."""

import re
from collections.abc import Iterator
from pathlib import Path

from proof.faults import Fault
from proof.sources.code import comments_of
from proof.sources.project import Project

TEXTS = (
    *(".console", ".css", ".js", ".json", ".md", ".mjs", ".py", ".svg", ".toml"),
    *(".txt", ".yaml", ".yml"),
)
READ = ("*", "docs/**/*", "overrides/**/*", "snippets/**/*", "tests/**/*", "proof/**/*")
ENDS = re.compile(rb"\r")
HIDDEN = re.compile(  # some readers end a line there, or nobody sees it
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u2069\ufeff\U000e0001-\U000e007f]"
)
ODD = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|[\xc2\xd8\xe1\xe2\xef\xf3]")
CODING = re.compile(r"#.*?coding[:=]")  # as PEP 263 reads it
SAVE = "save the file with \\n alone (git config core.autocrlf input)"


def plain_faults(project: Project) -> Iterator[Fault]:
    """Refuse what tools, browsers and readers may each read in another way.

    Args:
        project: The project.

    Yields:
        A fault for each file with another end of a line, and for each line with a
        character that can't be seen.
    """
    for path in project.files(*READ):
        if Path(path).suffix in TEXTS and "/vendor/" not in path:
            data = (project.root / path).read_bytes()
            if ODD.search(data):
                yield from _of_bytes(path, data)
            if path.endswith(".py") and b"coding" in data[:500]:
                yield from _of_cookie(path, data.decode(errors="replace"))


def _of_bytes(path: str, data: bytes) -> Iterator[Fault]:
    if end := ENDS.search(data):
        line = data.count(b"\n", 0, end.start()) + 1
        yield Fault(path, line, f"this line ends with \\r: {SAVE}")
        return
    for line, text in enumerate(data.decode(errors="replace").split("\n"), start=1):
        if hidden := HIDDEN.search(text):
            code = f"U+{ord(hidden[0]):04X}"
            message = f"holds {code}, which nobody sees: write an escape, or remove it"
            yield Fault(path, line, message)


def _of_cookie(path: str, text: str) -> Iterator[Fault]:
    for line, comment in comments_of(text).items():
        if line <= 2 and CODING.match(comment):  # noqa: PLR2004 - PEP 263: two lines
            yield Fault(path, line, "all files are UTF-8: remove the coding comment")
