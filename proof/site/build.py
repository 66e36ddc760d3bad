"""Builds the site by MkDocs, from pages and fragments."""

import os
import shutil
import sys
from pathlib import Path

import yaml

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.ground.files import replace, write
from proof.site.trim import trim
from proof.sources.project import Project

CONFIG = ".proof/mkdocs.yml"
BUILT = ".proof/site"
SITE = "site"
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}


def configure(project: Project) -> None:
    """Write the configuration: mkdocs.yml with the navigation in the rules' order."""
    chapters = [
        {
            project.heading(chapter): [
                f"{chapter}/index.md",
                *(
                    rule.page.removeprefix("docs/")
                    for rule in project.of_chapter(chapter)
                ),
            ]
        }
        for chapter in project.chapters
    ]
    recipes = [each.page.removeprefix("docs/") for each in project.recipes]
    reference = [f"reference/{chapter}.md" for chapter in project.chapters]
    config = {
        "INHERIT": "../mkdocs.yml",
        "docs_dir": "../docs",
        "theme": {"custom_dir": "../overrides"},
        "nav": [
            "index.md",
            *chapters,
            *([{"Recipes": recipes}] if recipes else []),
            "rules.md",
            "desk.md",
            {"Reference": reference},
            "configuration.md",
            "rules-json.md",
            "changes.md",
            "how-it-is-proven.md",
        ],
    }
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    path = project.root / CONFIG
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write(path, text)


def build(project: Project, children: Children, folder: str) -> None:
    """Build all pages into a folder that is replaced as a whole.

    Args:
        project: The project; its fragments are written.
        children: What runs MkDocs.
        folder: Where the site goes, relative to the root.

    Raises:
        FaultsError: If MkDocs warns of anything or fails.
    """
    configure(project)
    half = project.root / f"{folder}.half"
    shutil.rmtree(half, ignore_errors=True)
    env = {**QUIET, "SOURCE_DATE_EPOCH": _epoch(project.root, children)}
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    output = children.run(
        [*mkdocs, "-f", CONFIG, "-d", str(half)], cwd=project.root, env=env
    )
    if output.returncode:
        shutil.rmtree(half, ignore_errors=True)
        raise FaultsError(_faults(output.stderr))
    trim(half)
    replace(half, project.root / folder)


def _faults(said: str) -> list[Fault]:
    lines = [
        line.partition("-")[2].strip()
        for line in said.splitlines()
        if line.startswith(("WARNING", "ERROR"))
    ]
    return [Fault("mkdocs.yml", 0, line) for line in lines] or [
        Fault("mkdocs.yml", 0, f"MkDocs failed:\n{said.strip()[-1500:]}")
    ]


def _epoch(root: Path, children: Children) -> str:
    """Date the site by its commit, so that the same commit gives the same bytes."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    command = ["git", "log", "-1", "--format=%ct"]
    return children.run(command, cwd=root).stdout.strip() or "0"
