"""Checks the sources before anything is run: all faults at once."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from proof.faults import Fault
from proof.sources import includes
from proof.sources.changes import CHANGES, change_faults
from proof.sources.claims import claim_faults, replacements
from proof.sources.code import comments_of, nodes_of, tree_of
from proof.sources.comments import expectations, regions, reveals, silenced
from proof.sources.docstrings import session_faults
from proof.sources.history import versions
from proof.sources.imports import import_faults
from proof.sources.pages import page_faults
from proof.sources.plain import plain_faults
from proof.sources.project import (
    RECIPES,
    RULES,
    TAKEN,
    Project,
    Rule,
    Subject,
    is_chapter,
    is_counterexample,
    is_id,
    is_name,
    line_of,
)
from proof.sources.published import PUBLISHED, list_faults
from proof.sources.redirects import REDIRECTS, redirect_faults
from proof.sources.strays import stray_faults

PRAGMA = re.compile(r"#\s*pragma\b", re.IGNORECASE)
OURS = ("tests/proof/**/*", "tests/site/**/*", "tests/*.py")
LISTS = (RULES, CHANGES, PUBLISHED, REDIRECTS)  # not published as they are
ASSETS = (".css", ".ico", ".js", ".json", ".png", ".svg", ".txt", ".webp", ".woff2")


def lint(project: Project) -> list[Fault]:
    """Find everything that can be told wrong by reading alone.

    Args:
        project: The project.

    Returns:
        All faults, in order of file and line.
    """
    return sorted(
        {
            *plain_faults(project),
            *stray_faults(project),
            *_ids(project),
            *_names(project),
            *(each for path in _code(project) for each in _module(project, path)),
            *import_faults(project),
            *(f for each in project.subjects for f in claim_faults(project, each)),
            *(f for each in project.subjects for f in _demands(project, each)),
            *_fixtures(project),
            *_regions(project),
            *page_faults(project),
            *list_faults(project),
            *redirect_faults(project),
            *change_faults(project),
        }
    )


def _code(project: Project) -> list[str]:
    return project.files("snippets/**/*.py", "tests/**/*.py")


def _ids(project: Project) -> Iterator[Fault]:
    """Refuse ids of another form, and the loss of an id that was ever committed."""
    text = project.read(RULES)
    for rule in project.rules:
        chapter = line_of(text, rule.chapter)
        at = line_of(text, rule.chapter, rule.name)
        if not is_chapter(rule.chapter):
            taken = ", ".join(TAKEN)
            message = f"a chapter is one word in small letters, and none of {taken}"
            yield Fault(RULES, chapter, f"{rule.chapter!r}: {message}")
        if not is_name(rule.name):
            message = "write words in small letters joined by hyphens, not ending in"
            yield Fault(RULES, at, f"{rule.name!r}: {message} `-avoid` or `-types`")
        replaced = rule.replaced
        if is_id(replaced) and replaced not in {each.id for each in project.rules}:
            message = f"{rule.id} is replaced by {replaced!r}, which is no rule"
            yield Fault(RULES, at, message)
        if replaced == rule.id:
            yield Fault(RULES, at, f"{rule.id} can't be replaced by itself")
    for lost in sorted(
        _committed_ids(project.root) - {each.id for each in project.rules}
    ):
        message = (
            f"{lost} is gone, but links to it are out in reviews: put it back where "
            "it stood (a rule may be turned round, its id stays)"
        )
        yield Fault(RULES, 0, message)


def _committed_ids(root: Path) -> set[str]:
    """Read the ids in every committed version of the list."""
    return {each for version in versions(root, RULES) for each in _ids_of(version)}


def _ids_of(version: bytes) -> set[str]:
    try:
        tables = tomllib.loads(version.decode())
    except ValueError:
        return set()
    return {
        f"{chapter}-{name}"
        for chapter, entries in tables.items()
        if isinstance(entries, dict)
        for name in TypeAdapter(dict[str, object]).validate_python(entries)
    }


def _names(project: Project) -> Iterator[Fault]:
    """Hold rules, recipes and files together by their names."""
    for each in project.subjects:
        wanted = {each.page: "page", each.tests: "test file"}
        if isinstance(each, Rule):
            wanted[f"docs/{each.chapter}/index.md"] = "chapter's page"
            wanted[f"docs/reference/{each.chapter}.md"] = "reference page"
        for path, what in wanted.items():
            if not (project.root / path).is_file():
                yield Fault(path, 0, f"missing: {each.id} has no {what}")
        if not project.recommended(each):
            path = f"{each.module}.py"
            yield Fault(path, 0, f"missing: {each.id} has no snippet")
    for recipe in project.recipes:
        if not is_name(recipe.name):
            message = "call it by words in small letters joined by hyphens"
            yield Fault(recipe.page, 0, message)
    yield from _orphans(project)


def _orphans(project: Project) -> Iterator[Fault]:
    pages = {each.page for each in project.subjects} | set(project.files("docs/*.md"))
    for chapter in project.chapters:
        pages |= {f"docs/{chapter}/index.md", f"docs/reference/{chapter}.md"}
    for path in project.files("docs/**/*.md"):
        if path not in pages:
            yield Fault(path, 0, f"a page without a rule: add it to {RULES}")
    owned = {path for each in project.subjects for path in project.snippets(each)}
    owned |= {each.tests for each in project.subjects} | set(project.files(*OURS))
    for path in _code(project):
        name = Path(path).name
        if path not in owned and not (
            path.startswith("tests/") and name == "conftest.py"
        ):
            of_recipe = path.split("/")[1] == RECIPES
            whole = f"page of docs/{RECIPES}/" if of_recipe else f"rule of {RULES}"
            yield Fault(path, 0, f"belongs to no {whole}")
        if path.startswith("tests/") and name == "__init__.py":
            yield Fault(path, 0, "remove it: tests are found without it")
    for path in project.files("docs/**/*"):
        suffixes = ASSETS if path.startswith("docs/assets/") else (".md",)
        if path not in LISTS and Path(path).suffix not in suffixes:
            message = f"would be published as it is; here only {', '.join(suffixes)} is"
            yield Fault(path, 0, message)


def _module(project: Project, path: str) -> Iterator[Fault]:
    """Check what stands in a module besides its code."""
    text = project.read(path)
    try:
        tree_of(text)
    except SyntaxError as error:
        yield Fault(path, error.lineno or 0, f"not Python: {error.msg}")
        return
    if not path.startswith("snippets/"):
        return
    found, faults = expectations(path, text)
    yield from faults
    if found and not is_counterexample(path):
        message = "only a counterexample (…_avoid.py) carries expectations"
        said = comments_of(text).items()
        at = min(at for at, comment in said if comment.startswith("# expect:"))
        yield Fault(path, at, message)
    yield from reveals(path, text)[1]
    yield from regions(path, text)[1]
    yield from silenced(path, text)
    lines = text.split("\n") if PRAGMA.search(text) else []
    for at, line in enumerate(lines, start=1):
        if PRAGMA.search(line):
            message = "every line is executed: remove the pragma and test the line"
            yield Fault(path, at, message)
    yield from session_faults(path, text)
    yield from _typing(path, text)


def _demands(project: Project, subject: Subject) -> Iterator[Fault]:
    """Refuse a counterexample that may as well be right."""
    paths = project.counterexamples(subject)
    if paths and not any(expectations(each, project.read(each))[0] for each in paths):
        message = "demands nothing: say above the faulty line what must be found there"
        yield Fault(paths[0], 0, f"{message}, `# expect: tool[code]` or `test[name]`")


def _fixtures(project: Project) -> Iterator[Fault]:
    """Hold what tests share to the same as the tests."""
    for path in project.files("tests/conftest.py", "tests/**/conftest.py"):
        if "snippets" in project.read(path):
            for each in project.subjects:
                yield from replacements(project, each, path)


def _typing(path: str, text: str) -> Iterator[Fault]:
    """Refuse code that only the checkers see, all but imports."""
    for node in nodes_of(text) if "TYPE_CHECKING" in text else ():
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for each in node.body:
                if not isinstance(each, ast.Import | ast.ImportFrom):
                    message = (
                        "nobody runs this: `if TYPE_CHECKING:` holds imports alone"
                    )
                    yield Fault(path, each.lineno, message)


def _regions(project: Project) -> Iterator[Fault]:
    """Refuse a region whose fragment would take the place of another."""
    for each in project.subjects:
        seen: set[str] = set(includes.OF_A_RULE)
        for path in project.recommended(each):
            for name, (first, _) in regions(path, project.read(path))[0].items():
                if name in seen:
                    message = (
                        f"a fragment is called {name!r} already: rename the region"
                    )
                    yield Fault(path, first - 1, message)
                seen.add(name)
