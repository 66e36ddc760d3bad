"""What the built site gives to tools and agents. No browser is needed to read it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from selectolax.lexbor import LexborHTMLParser

from proof.sources.blocks import blocks
from proof.sources.rendered import texts
from tests.proof import expand
from tests.proof.skills import skill_faults

TWIN = 'link[rel="alternate"][type="text/markdown"]'


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    """Give each page's HTML, by its address."""
    return {
        path.parent.relative_to(site).as_posix().removeprefix("."): path.read_text(
            "utf-8"
        )
        for path in site.glob("**/index.html")
    }


def test_the_head_of_every_page_leads_to_its_twin(
    site: Path, pages: dict[str, str]
) -> None:
    for address, html in pages.items():
        links = LexborHTMLParser(html).css(f"head {TWIN}")
        found = [
            urljoin(f"/{address}/", link.attributes["href"] or "") for link in links
        ]
        assert found == [f"/{address}/index.md".replace("//", "/")]
        assert (site / found[0].lstrip("/")).is_file()


def test_every_block_of_a_twin_is_a_block_of_the_site_to_the_byte(
    site: Path, pages: dict[str, str]
) -> None:
    shown = {each.strip("\n") for html in pages.values() for each in texts(html)}
    unknown = [
        f"{path.relative_to(site)}:{block.line}"
        for path in [*site.glob("**/*.md"), *site.glob("llms*.txt")]
        for block in blocks("", path.read_text("utf-8"))
        if block.text.strip("\n") not in shown
    ]
    assert unknown == []


def test_the_skill_keeps_to_its_format(site: Path) -> None:
    assert skill_faults(site / "skill/python-expert") == []


def test_the_skill_gives_each_rule_with_its_link_and_its_proven_module(
    site: Path,
) -> None:
    rules = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    entries = dict(_entries(site / "skill/python-expert/references"))
    assert list(entries) == [each["id"] for each in rules]
    for rule in rules:
        entry = entries[rule["id"]]
        assert f"\n**{rule['title']}** ({rule['strength']}, " in entry
        assert f"\n<{rule['link']}>\n" in entry
        assert all(
            f"`{code}`" in entry for each in rule["codes"].values() for code in each
        )
        given = {
            hashlib.sha256(block.text.encode()).hexdigest()
            for block in blocks("", entry)
        }
        proven = {each["sha256"] for each in rule["files"] if each["kind"] == "module"}
        assert proven <= given, rule["id"]


@pytest.mark.parametrize(
    ("file", "expanded"),
    [
        ("proven-python.code-snippets", expand.vs_code),
        ("proven-python.xml", expand.jetbrains),
    ],
)
def test_an_editor_inserts_each_proven_module_by_its_rules_id(
    site: Path, file: str, expanded: Callable[[Path], dict[str, str]]
) -> None:
    rules = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    proven = {
        each["id"]: [
            file["sha256"] for file in each["files"] if file["kind"] == "module"
        ]
        for each in rules
    }
    inserted: dict[str, list[str]] = {each: [] for each in proven}
    for name, text in expanded(site / file).items():
        rule = next(each for each in proven if f"{name}-".startswith(f"{each}-"))
        inserted[rule].append(hashlib.sha256(text.encode()).hexdigest())
    assert inserted == proven


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    """Cut the references into what they say of each rule, in the order of the skill."""
    listed = (folder.parent / "SKILL.md").read_text("utf-8")
    for name in re.findall(r"\(references/(\S+)\)", listed):
        _, *parts = re.split(
            r"^## (?=[\w-]+$)", (folder / name).read_text("utf-8"), flags=re.MULTILINE
        )
        for part in parts:
            yield part.partition("\n")[0], part
