"""Evidence that is slow to come by and rarely changes: committed beside the sources.

Each entry names the bytes that it holds for. One of other bytes is no evidence.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from proof.faults import Fault, FaultsError
from proof.ground.digests import sha256
from proof.ground.files import write
from proof.ledger.records import Older

OLDER = "kept/older.json"
FORM = TypeAdapter(dict[str, Older])


def load_older(root: Path) -> dict[str, Older]:
    """Read what is kept of older Pythons, by the rule's test file.

    Args:
        root: The project's root.

    Returns:
        All entries, whether or not they still hold; none where there is no file.

    Raises:
        FaultsError: If the file is not of its form.
    """
    path = root / OLDER
    if not path.is_file():
        return {}
    try:
        return FORM.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        message = f"{where}: {first['msg']}: remove the file, and run `make test`"
        raise FaultsError([Fault(OLDER, 0, message)]) from None


def keep_older(root: Path, entries: Mapping[str, Older]) -> None:
    """Write what is kept of older Pythons; a file that says the same is not touched."""
    text = FORM.dump_json(dict(sorted(entries.items())), indent=1).decode() + "\n"
    path = root / OLDER
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write(path, text)


def holds(root: Path, files: Mapping[str, str]) -> bool:
    """Tell whether evidence is of the bytes that its files have now."""
    return all(
        (root / path).is_file() and sha256(root, path) == digest
        for path, digest in files.items()
    )
