"""Holds what a page tells a reader to type to commands that exist."""

import re
import shlex
from importlib.metadata import PackageNotFoundError, distribution

COMMANDS = {  # with what may stand behind each; anything if empty
    "echo": (),
    "git": ("clone", "config", "diff", "log"),
    "make": (
        *("check", "lighthouse", "lock", "new", "publish", "pythons", "repeat"),
        *("serve", "site", "test"),
    ),
    "mypy": (),
    "pip": ("install",),
    "pyright": (),
    "pytest": (),
    "python": ("-m",),
    "ruff": ("check", "format", "rule"),
    "uv": (
        *("add", "audit", "export", "lock", "pip compile", "pip install", "pip sync"),
        *("run", "sync", "tree", "venv"),
    ),
}
INSTALLS = ("pip install ", "uv add ", "uv pip install ")
SHELL = {"&", "&&", "|", "||", ";"}
VARIABLE = re.compile(r"[A-Z_]+=")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def check_console(text: str) -> None:
    """Hold a console block to commands that can be typed.

    Args:
        text: The block.

    Raises:
        ValueError: If a line is no command, or names a command or a package that
            nobody here knows.
    """
    for line in text.splitlines():
        if not line.startswith("$ "):
            message = f"a console block holds commands, each after `$ `: {line!r}"
            raise ValueError(message)
        words = shlex.split(line[2:], comments=True)
        if wrong := SHELL & set(words):
            message = f"one command a line, without {', '.join(sorted(wrong))}"
            raise ValueError(message)
        while words and VARIABLE.match(words[0]):
            del words[0]
        _check(words)


def _check(words: list[str]) -> None:
    known = COMMANDS.get(words[0]) if words else None
    said = " ".join(words) + " "
    if known is None:
        message = f"no command {said.split(' ')[0]!r}; known are {', '.join(COMMANDS)}"
        raise ValueError(message)
    if known and not said.startswith(tuple(f"{words[0]} {each} " for each in known)):
        message = f"{said.strip()!r}: {words[0]} is followed by {', '.join(known)}"
        raise ValueError(message)
    if said.startswith(INSTALLS):
        for word in words[2:]:
            name = NAME.match(word)
            if name is None or word.startswith("-") or word in {"install", "."}:
                continue
            try:
                distribution(name[0])
            except PackageNotFoundError:
                message = f"no package {name[0]!r} is in requirements.lock"
                raise ValueError(message) from None
