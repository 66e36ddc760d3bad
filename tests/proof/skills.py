"""The rules of the Agent Skills format, https://agentskills.io/specification."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FENCED = re.compile(r"^(`{3,})\w*\n.*?^\1$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FIELDS = {  # and how many characters each may have
    "name": 64,
    "description": 1024,
    "license": None,
    "compatibility": 500,
    "metadata": None,
    "allowed-tools": None,
}
LINES = 500  # of the body: fewer than that


def skill_faults(folder: Path) -> list[str]:
    """Say what the format forbids of a skill.

    Args:
        folder: The skill's folder.

    Returns:
        The faults, none where it is valid.
    """
    text = (folder / "SKILL.md").read_text("utf-8")
    match = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL)
    if not match:
        return ["SKILL.md doesn't begin with front matter"]
    return [*_head(folder, yaml.safe_load(match[1])), *_body(folder, match[2])]


def _head(folder: Path, fields: dict[str, object]) -> Iterator[str]:
    for required in ("name", "description"):
        if not fields.get(required):
            yield f"{required} is missing"
    for name, value in fields.items():
        if name not in FIELDS:
            yield f"{name} is no field"
        elif name != "metadata" and not isinstance(value, str):
            yield f"{name} is no text"
        elif (most := FIELDS[name]) and len(str(value)) > most:
            yield f"{name} is longer than {most}"
    name = str(fields.get("name"))
    if not NAME.fullmatch(name):
        yield f"{name!r} is no name"
    if name != folder.name:
        yield f"the name isn't that of the folder, {folder.name}"


def _body(folder: Path, body: str) -> Iterator[str]:
    if body.count("\n") >= LINES:
        yield f"the body has {LINES} lines or more"
    linked = set(_local(body))
    files = {
        path.relative_to(folder).as_posix()
        for path in folder.glob("**/*")
        if path.is_file()
    }
    for target in sorted(linked - files):
        yield f"{target} isn't in the skill"
    for path in sorted(files - {"SKILL.md"}):
        if path not in linked:
            yield f"SKILL.md doesn't name {path}"
        if path.count("/") > 1:
            yield f"{path} is deeper than one level"
        for target in _local((folder / path).read_text("utf-8")):
            yield f"{path} leads on to {target}"


def _local(text: str) -> Iterator[str]:
    for target in LINK.findall(IN_LINE.sub("", FENCED.sub("", text))):
        if not re.match(r"[a-z]+:", target):
            yield target
