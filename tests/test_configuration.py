"""The configuration to copy enforces what it says, and nothing else."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from proof.fragments.configuration import (
    checkers,
    codes_of,
    configuration,
    own_codes,
    own_tables,
    selection,
)
from proof.sources.comments import FORMAT, expectations
from proof.sources.project import Project, Rule

ROOT = Path(__file__).parents[1]
PROJECT = Project(ROOT)
CHAPTERS = [
    chapter
    for chapter in PROJECT.chapters
    if any(codes_of(PROJECT, rule) for rule in PROJECT.of_chapter(chapter))
]


def reported(text: str, folder: Path) -> Counter[str]:
    """Have ruff check all snippets by a pyproject.toml, and count what it reports."""
    config = folder / "pyproject.toml"
    config.write_text(text, "utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--exit-zero"]
    output = subprocess.run(  # noqa: S603 - a fixed command
        [*command, "--config", str(config), "--output-format=json", "snippets"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return Counter(
        f"{Path(each['filename']).relative_to(ROOT)}:{each['location']['row']} "
        f"{each['code']}"
        for each in json.loads(output.stdout)
    )


def demanded(codes: set[str]) -> Counter[str]:
    """Count what the counterexamples demand of these codes."""
    found = Counter[str]()
    for path in PROJECT.files("snippets/**/*.py"):
        for each in expectations(path, PROJECT.read(path))[0]:
            if each.tool == "ruff" and each.code in codes - {FORMAT}:
                found[f"{path}:{each.line} {each.code}"] += each.count
    return found


def beyond(found: Counter[str], rules: Iterable[Rule]) -> list[str]:
    """List what was reported that rules' own tables don't ban in counterexamples."""
    banned = [
        (f"{path}:", f" {code}")
        for rule in rules
        for code in own_codes(own_tables(PROJECT, rule))
        for path in PROJECT.counterexamples(rule)
    ]
    return [
        each
        for each in found
        if not any(each.startswith(at) and each.endswith(by) for at, by in banned)
    ]


def test_with_it_ruff_reports_every_counterexample_and_nothing_recommended(
    tmp_path: Path,
) -> None:
    text = configuration(PROJECT, PROJECT.rules)
    codes = {code for rule in PROJECT.rules for code in codes_of(PROJECT, rule)}
    found, asked = reported(text, tmp_path), demanded(codes)
    assert asked - found == Counter()
    assert beyond(found - asked, PROJECT.rules) == []


def test_it_bans_what_a_rule_bans_and_its_counterexample_uses(tmp_path: Path) -> None:
    found = reported(configuration(PROJECT, PROJECT.rules), tmp_path)
    banned = [each for each in found if each.endswith(" TID251")]
    assert {each.partition(":")[0] for each in banned} == {
        "snippets/security/forbidden_algorithms_avoid.py"
    }
    text = configuration(PROJECT, PROJECT.rules)
    assert PROJECT.read("snippets/security/forbidden_algorithms.toml").endswith(
        text[text.index("[tool.ruff.lint.flake8") : text.index("\n[tool.mypy]")]
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapters_part_reports_that_chapters_counterexamples(
    tmp_path: Path, chapter: str
) -> None:
    rules = PROJECT.of_chapter(chapter)
    codes = {code for rule in rules for code in codes_of(PROJECT, rule)}
    found, asked = reported(selection(PROJECT, rules), tmp_path), demanded(codes)
    assert asked - found == Counter()
    assert beyond(found - asked, rules) == []


def test_the_checkers_are_told_what_they_are_told_here() -> None:
    told = tomllib.loads(checkers(PROJECT))["tool"]
    ours = tomllib.loads(PROJECT.read("pyproject.toml"))["tool"]
    for tool in ("mypy", "pyright"):
        assert told[tool].items() <= ours[tool].items()
    assert set(ours["mypy"]) - set(told["mypy"]) == {
        "explicit_package_bases",
        "files",
        "mypy_path",
        "python_version",
    }
    assert set(ours["pyright"]) - set(told["pyright"]) == {
        "exclude",
        "include",
        "pythonVersion",
    }
