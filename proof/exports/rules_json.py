"""Lists the rules for programs."""

import json
from collections.abc import Iterable

from proof.exports.material import Material
from proof.fragments.entry import Rules, entry, schema_of_rules

RULES, SCHEMA = "rules.json", "rules.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def rules_json(source: Material) -> Iterable[tuple[str, str]]:
    """List the rules for programs, beside the schema of the list.

    Args:
        source: What exports are made of.

    Yields:
        Both files.
    """
    schema = source.address + SCHEMA
    listed = Rules(
        schema_=schema,
        version=1,
        rules=[entry(rule, source.address) for rule in source.rules],
    )
    yield RULES, listed.model_dump_json(indent=1, by_alias=True) + "\n"
    whole = {"$schema": DIALECT, "$id": schema, **schema_of_rules()}
    yield SCHEMA, json.dumps(whole, indent=1) + "\n"
