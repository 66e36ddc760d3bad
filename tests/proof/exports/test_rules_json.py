"""rules.json is what its schema and its page say, and has room to grow."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proof.exports.downloads import downloads
from proof.exports.rules_json import RULES, SCHEMA, rules_json
from proof.fragments.entry import fields, schema_of_rules
from proof.fragments.markup import message
from proof.fragments.project_fragments import Fragments
from tests.proof.conftest import Planted
from tests.proof.fragments.test_copying import source
from tests.proof.site.test_build import ledger

ADDRESS = "https://x.y/"


def exported(planted: Planted) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the list and its schema."""
    files = dict(rules_json(source(planted)))
    return json.loads(files[RULES]), json.loads(files[SCHEMA])


def faults(folder: Path, listed: object, schema: object) -> list[str]:
    """Say what check-jsonschema has against a list."""
    (folder / RULES).write_text(json.dumps(listed), "utf-8")
    (folder / SCHEMA).write_text(json.dumps(schema), "utf-8")
    run = subprocess.run(  # noqa: S603 - a fixed command
        [
            *(sys.executable, "-m", "check_jsonschema", "--output-format", "json"),
            *("--schemafile", str(folder / SCHEMA), str(folder / RULES)),
        ],
        check=False,
        capture_output=True,
    )
    return [each["path"] for each in json.loads(run.stdout)["errors"]]


def test_the_list_keeps_to_the_schema_that_it_names(planted: Planted) -> None:
    listed, schema = exported(planted)
    assert faults(planted.root, listed, schema) == []
    assert listed["$schema"] == schema["$id"] == f"{ADDRESS}rules.schema.json"
    assert listed["rules"]


def test_the_schema_is_one(planted: Planted) -> None:
    path = planted.root / SCHEMA
    path.write_text(json.dumps(exported(planted)[1]), "utf-8")
    subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "check_jsonschema", "--check-metaschema", str(path)],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ('"version": 2', "$.version"),
        ('"id": "item"', "$.rules[0].id"),
        ('"strength": "may"', "$.rules[0].strength"),
        ('"links": "https://x.y/"', "$.rules[0]"),
        ('"codes": {"ruff": "B006"}', "$.rules[0].codes.ruff"),
        ('"sha256": "e3b0"', "$.rules[0].files[0].sha256"),
    ],
)
def test_a_list_of_another_form_breaks_the_schema(
    planted: Planted, change: str, where: str
) -> None:
    listed, schema = exported(planted)
    changed = json.loads(f"{{{change}}}")
    rule = listed["rules"][0]
    if "links" in changed:
        del rule["link"]
    for entry in (listed, rule, rule["files"][0]):
        entry.update({key: changed[key] for key in changed if key in entry})
    assert faults(planted.root, listed, schema) == [where]


def test_the_schema_allows_for_what_may_be_added(planted: Planted) -> None:
    listed, schema = exported(planted)
    rule = listed["rules"][0]
    for entry in (listed, rule, rule["files"][0]):
        entry["new"] = "field"
    rule["codes"]["ty"] = ["invalid-argument-type"]
    rule["files"][0]["kind"] = "notebook"
    assert faults(planted.root, listed, schema) == []


def test_every_field_is_described_by_the_schema_and_on_the_page() -> None:
    schema = schema_of_rules()
    table = fields()
    for each in (schema, schema["$defs"]["Rule"], schema["$defs"]["File"]):
        assert each["required"] == list(each["properties"])
        for name, field in each["properties"].items():
            assert f"<dt><code>{name}</code></dt><dd>" in table
            described = " ".join(field["description"].split())
            assert f". {message(described)}</dd>" in table


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("version", "<code>1</code>"),
        ("rules", "list of rules"),
        ("python", "object"),
        ("id", "string"),
        ("strength", "<code>must</code>, <code>should</code>, <code>consider</code>"),
        ("link", "URL"),
        ("codes", "object, each value a list of strings"),
        ("kind", "string, such as <code>module</code>, <code>types</code>, "),
    ],
)
def test_the_form_of_a_field_is_told_in_words(name: str, form: str) -> None:
    assert f"<dt><code>{name}</code></dt><dd>{form}" in fields()


def test_the_example_is_the_entry_of_its_rule(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", ADDRESS)
    made = Fragments(planted.project, ledger(planted))
    example = made.texts["cart/add-item/json.md"]
    body = example.removeprefix("```json\n").removesuffix("```\n")
    assert json.loads(body) == exported(planted)[0]["rules"][0]
    assert body.strip() in made.code


def test_a_digest_is_of_the_bytes_at_the_download(planted: Planted) -> None:
    given = dict(downloads(source(planted)))
    files = exported(planted)[0]["rules"][0]["files"]
    assert {each["download"]: each["sha256"] for each in files} == {
        ADDRESS + name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in given.items()
    }
