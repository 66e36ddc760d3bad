"""Lists the rules for programs."""

import hashlib
import json
from collections.abc import Iterable

from proof.facts import Source


def rules_json(source: Source) -> Iterable[tuple[str, str]]:
    """List the rules for programs."""
    listed = [
        each.model_dump(include={"id", "chapter", "title", "lead", "strength"})
        | {"link": source.address + each.address, "codes": each.codes}
        | {"related": each.related}
        | {
            "files": [
                {
                    "kind": file.kind,
                    "path": file.path,
                    "sha256": hashlib.sha256(file.text.encode()).hexdigest(),
                }
                for file in each.files
            ]
        }
        for each in source.rules
    ]
    yield "rules.json", json.dumps({"version": 1, "rules": listed}, indent=1) + "\n"
