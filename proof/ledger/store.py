"""Reads and writes the ledger: what was proven, by what, on which bytes."""

from pathlib import Path

from pydantic import ValidationError

from proof.ground.files import write
from proof.ledger.records import Ledger, Machine

LEDGER = ".proof/ledger.json"


def load(root: Path) -> tuple[Ledger, str]:
    """Read the ledger, or begin a new one.

    Args:
        root: The project's root.

    Returns:
        The ledger, and why an existing file was not trusted (empty if it was).
    """
    new = Ledger(machine=Machine.here())
    try:
        text = (root / LEDGER).read_bytes()
    except FileNotFoundError:
        return new, ""
    try:
        ledger = Ledger.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        why = f"{LEDGER}: can't be trusted ({where}: {first['msg']}): made anew"
        return new, why
    if ledger.machine != new.machine:
        other = f"{ledger.machine.python}, {ledger.machine.system}"
        return new, f"{LEDGER}: from another machine ({other}): made anew"
    return ledger, ""


def save(root: Path, ledger: Ledger) -> None:
    """Write the ledger so that it is always whole: the old one or the new one."""
    write(root / LEDGER, ledger.model_dump_json(indent=1) + "\n")
