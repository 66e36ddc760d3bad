"""Refuses files that no part of the project asks for: a tool might read them."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from proof.faults import Fault
from proof.sources.project import Project

HERE = "proof/sources/strays.py"
ROOT = (
    *(".git", ".gitattributes", ".gitignore", ".python-version", "LICENSE", "Makefile"),
    *("README.md", "conftest.py", "mkdocs.yml", "pyproject.toml", "requirements.lock"),
    "requirements-uv.lock",
)
LEFT = (
    ".DS_Store",
    "*~",
    ".*.sw?",
    "*.half",
    ".coverage",
    ".coverage.*",
)  # by programs
CODE = ("snippets", "tests")
DATA = (".console", ".json", ".md", ".toml", ".txt", ".yaml", ".yml")
OURS = ("tests/proof/", "tests/site/")  # they keep what they like
MIGHT = "a tool might read it in place of what is proven"


def stray_faults(project: Project) -> Iterator[Fault]:
    """Hold the root, snippets/ and tests/ to the files that are known there.

    Args:
        project: The project.

    Yields:
        A fault for each file that is not: a tool might take its configuration from
        it, a checker its types, Python a module.
    """
    for path in project.root.iterdir():
        if not path.is_dir() and not _is_any(path.name, (*ROOT, *LEFT)):
            message = f"{MIGHT}: move it away, or list it in {HERE}"
            yield Fault(path.name, 0, message)
    stems = {
        (folder, each.chapter, each.name.replace("-", "_"))
        for each in project.subjects
        for folder in CODE
    }
    for folder in CODE:
        for path in (project.root / folder).rglob("*"):
            name = path.relative_to(project.root).as_posix()
            if path.is_symlink():
                yield Fault(name, 0, "a link is not its target's bytes: copy the file")
            elif (
                path.is_file()
                and path.suffix != ".py"  # a module belongs to a rule by its name
                and "__pycache__" not in path.parts
                and not name.startswith(OURS)
                and not _is_any(path.name, LEFT)
                and not _is_data(name, stems)
            ):
                message = "data of a rule is called as the rule"
                yield Fault(name, 0, f"{MIGHT}: {message}, and ends in {_listed()}")


def _is_data(name: str, stems: set[tuple[str, str, str]]) -> bool:
    path = Path(name)
    return path.suffix in DATA and any(
        path.parts[:2] == (folder, chapter) and path.name.startswith(stem)
        for folder, chapter, stem in stems
    )


def _is_any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, each) for each in patterns)


def _listed() -> str:
    return ", ".join(DATA)
