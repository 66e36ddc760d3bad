"""The form of rules.json: one model says it, a schema publishes it.

What is listed holds: a field may be added, but none is taken away or changes its
meaning without another version.
"""

import hashlib
import json
from typing import Annotated, Literal, get_args, override

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from proof.fragments.facts import Facts, Kind
from proof.fragments.markup import definitions, message
from proof.sources.project import Strength
from proof.verdicts.interpreters import NEWEST

type Version = Annotated[str, Field(pattern=r"^3\.\d+$")]


class Listed(BaseModel):
    """Base of what rules.json holds: the docstring of each field describes it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class File(Listed):
    """A file of a rule, as it is published."""

    kind: Annotated[str, Field(examples=[*get_args(Kind.__value__)])]
    """What it is to the rule. A kind may be added: skip one that you don't know."""

    path: str
    """Its path in the repository, and in `snippets.zip`."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """The SHA-256 of its published bytes, in hexadecimal."""

    download: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    """The address of exactly these bytes."""


class Python(Listed):
    """The Pythons on which a rule's modules hold."""

    model_config = ConfigDict(from_attributes=True)

    oldest: Version
    """The oldest version from which on nothing that was found out speaks against
    them."""

    accepted: Version
    """The oldest version for which mypy and pyright accept them."""

    passed: list[str]
    """The older interpreters on which their tests passed, newest first, in full."""


class Rule(Listed):
    """A rule."""

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)+$")]
    """Its permanent id: the chapter, a hyphen and the name."""

    chapter: str
    """The chapter it belongs to."""

    title: str
    """What to do, as an instruction in one line of Markdown."""

    lead: str
    """What to do and why, in two to four sentences of Markdown, on one line."""

    strength: Strength
    """The weight it has in a review."""

    link: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    """The address of its page, which never changes."""

    codes: dict[str, list[str]]
    """By tool, the codes by which it was proven to report the counterexample. A tool
    that reports nothing isn't there. A tool may be added: skip one that you don't
    know."""

    related: dict[str, list[str]]
    """By tool, further codes that its page names and a test of it confirms."""

    python: Python
    """On which Pythons its modules hold."""

    files: list[File]
    """Its files, the modules to copy first."""


class Rules(Listed):
    """The rules of the site, in reading order, for programs."""

    schema_: Annotated[
        str,
        Field(serialization_alias="$schema", json_schema_extra={"format": "uri"}),
    ]
    """The address of this schema."""

    version: Literal[1]
    """The version of the form. A field that is added doesn't change it."""

    rules: list[Rule]
    """All rules."""


class Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of fields."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def schema_of_rules() -> JsonSchemaValue:
    """Derive the schema from the model, all but its address."""
    return Rules.model_json_schema(schema_generator=Untitled, mode="serialization")


def entry(rule: Facts, address: str) -> Rule:
    """Say of a rule what programs get.

    Args:
        rule: What is known of it.
        address: The site's public address; ends with a slash.

    Returns:
        The rule's entry.
    """
    page = address + rule.address
    return Rule(
        id=rule.id,
        chapter=rule.chapter,
        title=rule.title,
        lead=rule.lead,
        strength=rule.strength,
        link=page,
        codes=rule.codes,
        related=rule.related,
        python=Python.model_validate(rule.python)
        if rule.python
        else Python(oldest=NEWEST, accepted=NEWEST, passed=[]),
        files=[
            File(
                kind=file.kind,
                path=file.path,
                sha256=hashlib.sha256(file.text.encode()).hexdigest(),
                download=page + file.download,
            )
            for file in rule.files
        ],
    )


def fields() -> str:
    """Describe all fields in Markdown, by the schema."""
    schema = schema_of_rules()
    defined: dict[str, JsonSchemaValue] = schema.pop("$defs")
    parts: list[str] = []
    for each in (schema, *reversed(defined.values())):
        told = {
            f"<code>{name}</code>": message(f"{_form(field, defined)}. {_words(field)}")
            for name, field in each.get("properties", {}).items()
        }
        if told:
            parts += [f"**{_words(each).rstrip('.')}**\n", definitions("facts", told)]
    return "\n".join(parts)


def _words(schema: JsonSchemaValue) -> str:
    return " ".join(schema["description"].split())


def _form(field: JsonSchemaValue, defined: dict[str, JsonSchemaValue]) -> str:
    """Say in words of what form a value is."""
    match field:
        case {"const": value}:
            said = f"`{json.dumps(value)}`"
        case {"enum": values}:
            said = _listed(values)
        case {"$ref": str(name)}:
            found = defined[name.rpartition("/")[2]]
            said = "object" if "properties" in found else _form(found, defined)
        case {"type": "array", "items": {"$ref": str(name)}}:
            said = f"list of {name.rpartition('/')[2].lower()}s"
        case {"type": "array", "items": items}:
            said = f"list of {_form(items, defined)}s"
        case {"type": "object", "additionalProperties": values}:
            said = f"object, each value a {_form(values, defined)}"
        case {"format": "uri"}:
            said = "URL"
        case {"type": form, "examples": values}:
            said = f"{form}, such as {_listed(values)}"
        case _:
            said = str(field["type"])
    return said


def _listed(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)
