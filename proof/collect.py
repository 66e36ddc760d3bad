"""Checks the sources before anything is run: all faults at once."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import markdown
import yaml
from pydantic import TypeAdapter

from proof import fragments
from proof.blocks import FENCE, PROSE, block_faults, blocks, included
from proof.check import texts
from proof.faults import Fault
from proof.project import RULES, Project, Rule, is_counterexample
from proof.source import docstring_spans, expectations, regions

SECTIONS = (
    "Do",
    "Avoid",
    "Why",
    "When not",
    "Before 3.13",
    "Proof",
    "References",
)
OPTIONAL = {"Avoid", "When not", "Before 3.13"}
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
EXTENSIONS = TypeAdapter(list[str | dict[str, dict[str, object]]])
OURS = ("tests/proof/**/*", "tests/site/**/*", "tests/*.py")


def check_sources(project: Project) -> list[Fault]:
    """Find everything that can be told wrong by reading alone.

    Args:
        project: The project.

    Returns:
        All faults, in order of file and line.
    """
    return sorted(
        {
            *_ids(project),
            *_names(project),
            *(each for path in _code(project) for each in _module(project, path)),
            *_imports(project),
            *_pages(project),
        }
    )


def _code(project: Project) -> list[str]:
    return project.files("snippets/**/*.py", "tests/**/*.py")


def _ids(project: Project) -> Iterator[Fault]:
    """Refuse ids of another form, and the loss of an id that was ever committed."""
    ids = {rule.id for rule in project.rules}
    for rule in project.rules:
        for part in (rule.chapter, rule.name):
            if not ID.fullmatch(part):
                yield Fault(RULES, 0, f"{part!r}: write words joined by hyphens")
    for lost in sorted(_committed_ids(project.root) - ids):
        message = (
            f"{lost} is gone, but links to it are out in reviews: put it back where "
            "it stood (a rule may be turned round, its id stays)"
        )
        yield Fault(RULES, 0, message)


def _committed_ids(root: Path) -> set[str]:
    """Read the ids that any commit of this history added; none outside of git."""
    command = ["git", "log", "-p", "--unified=10000", "--format=", "--", RULES]
    try:
        log = subprocess.run(
            command, cwd=root, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return set()
    ids: set[str] = set()
    chapter = ""
    for line in log.splitlines():
        if match := re.match(r"[ +]\[([\w-]+)\]", line):
            chapter = match[1]
        elif match := re.match(r"\+([\w-]+) *= *\{", line):
            ids.add(f"{chapter}-{match[1]}")
    return ids


def _names(project: Project) -> Iterator[Fault]:
    """Hold rules and files together by their names."""
    for rule in project.rules:
        for path, what in (
            (rule.page, "page"),
            (rule.tests, "test file"),
            (f"docs/{rule.chapter}/index.md", "chapter's page"),
            (f"docs/reference/{rule.chapter}.md", "reference page"),
        ):
            if not (project.root / path).is_file():
                yield Fault(path, 0, f"missing: {rule.id} has no {what}")
        if not project.recommended(rule):
            path = f"{rule.module}.py"
            yield Fault(path, 0, f"missing: {rule.id} has no snippet")
    yield from _orphans(project)


def _orphans(project: Project) -> Iterator[Fault]:
    pages = {rule.page for rule in project.rules} | set(project.files("docs/*.md"))
    for chapter in project.chapters:
        pages |= {f"docs/{chapter}/index.md", f"docs/reference/{chapter}.md"}
    for path in project.files("docs/**/*.md"):
        if path not in pages:
            yield Fault(path, 0, f"a page without a rule: add it to {RULES}")
    owned = {path for rule in project.rules for path in project.snippets(rule)}
    owned |= {rule.tests for rule in project.rules} | set(project.files(*OURS))
    for path in _code(project):
        if path not in owned and Path(path).name != "conftest.py":
            yield Fault(path, 0, f"belongs to no rule of {RULES}")


def _module(project: Project, path: str) -> Iterator[Fault]:
    """Check what stands in a module besides its code."""
    text = project.read(path)
    try:
        ast.parse(text)
    except SyntaxError as error:
        yield Fault(path, error.lineno or 0, f"not Python: {error.msg}")
        return
    if not path.startswith("snippets/"):
        return
    found, faults = expectations(path, text)
    yield from faults
    if found and not is_counterexample(path):
        message = "only a counterexample (…_avoid.py) carries expectations"
        yield Fault(path, found[0].line - 1, message)
    yield from regions(path, text)[1]
    lines = text.splitlines()
    for at, line in enumerate(lines, start=1):
        if "pragma: no cover" in line or "pragma: no branch" in line:
            message = "every line is executed: remove the pragma and test the line"
            yield Fault(path, at, message)
    for first, last in docstring_spans(text):
        for at in range(first, last + 1):
            if FENCE.match(lines[at - 1]) or "<pre" in lines[at - 1]:
                message = "nobody runs a block in a docstring: write a `>>>` session"
                yield Fault(path, at, message)


def _imports(project: Project) -> Iterator[Fault]:
    """Let a test import its own rule's snippets, and a snippet none."""
    for rule in project.rules:
        own = rule.module.replace("/", ".")
        for path in [rule.tests, *project.snippets(rule)]:
            allowed = (own, f"{own}_avoid")
            for at, name in _imported(project, path):
                inside = name in allowed or name.startswith(
                    tuple(f"{a}." for a in allowed)
                )
                if not inside and path == rule.tests:
                    message = f"imports {name}: a test imports its own rule's snippets"
                    yield Fault(path, at, message)
                elif path != rule.tests and not _same_package(path, name):
                    message = f"imports {name}: a snippet is copied alone"
                    yield Fault(path, at, message)


def _imported(project: Project, path: str) -> Iterator[tuple[int, str]]:
    if not (project.root / path).is_file():
        return
    try:
        tree = ast.parse(project.read(path))
    except SyntaxError:
        return  # told by _module
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(node.lineno, name.name) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [(node.lineno, node.module or "")]
        else:
            found = []
        yield from (each for each in found if each[1].startswith("snippets"))


def _same_package(path: str, name: str) -> bool:
    package = Path(path).parent.as_posix()
    return package.count("/") > 1 and name.startswith(package.replace("/", "."))


def _pages(project: Project) -> Iterator[Fault]:
    converter = _converter(project)
    rules = {rule.page: rule for rule in project.rules}
    known = set(fragments.names(project))
    for path in project.files(*PROSE):
        text = project.read(path)
        found = list(blocks(path, text))
        for block in found:
            yield from block_faults(project, block)
        inside = {
            at
            for block in found
            for at in range(block.line, block.line + block.text.count("\n") + 2)
        }
        outside = [
            (at, line)
            for at, line in enumerate(text.splitlines(), start=1)
            if at not in inside
        ]
        yield from _includes(path, outside, known)
        if path in rules:
            yield from _sections(project, rules[path], outside)
        yield from _unfenced(path, text, converter)


def _includes(
    path: str, lines: list[tuple[int, str]], known: set[str]
) -> Iterator[Fault]:
    for at, line in lines:
        include = included(line)
        if include is None:
            continue
        name = include[0]
        if include[1] is not None or name not in known:
            folder = name.rpartition("/")[0]
            near = [each for each in sorted(known) if each.rpartition("/")[0] == folder]
            has = ", ".join(near) or f"none in {folder!r}"
            asked = name + (f":{include[1]}" if include[1] else "")
            yield Fault(path, at, f"there is no fragment {asked!r}; there are: {has}")


def _sections(
    project: Project, rule: Rule, lines: list[tuple[int, str]]
) -> Iterator[Fault]:
    """Hold a rule's page to its form: the same anchors on every page."""
    titles = [(at, line[2:].strip()) for at, line in lines if line.startswith("# ")]
    if [title for _, title in titles] != [rule.title]:
        at = titles[0][0] if titles else 1
        yield Fault(rule.page, at, f"the title is not that of {RULES}: {rule.title!r}")
    heads = [(at, line[3:].strip()) for at, line in lines if line.startswith("## ")]
    names = [name for _, name in heads]
    for at, name in heads:
        if name not in SECTIONS:
            message = f"no section is called {name!r}: {', '.join(SECTIONS)}"
            yield Fault(rule.page, at, message)
    if names != [name for name in SECTIONS if name in names] and set(names) <= {
        *SECTIONS
    }:
        message = f"the sections stand in this order, each once: {', '.join(SECTIONS)}"
        yield Fault(rule.page, heads[0][0], message)
    for name in SECTIONS:
        if name not in names and name not in OPTIONAL:
            yield Fault(rule.page, 0, f"has no section {name!r}")
    asked = {include[0] for _, line in lines if (include := included(line))}
    wanted = ["rule", "do", "proof"]
    if project.counterexamples(rule):
        wanted.append("avoid")
    for name in wanted:
        fragment = f"{rule.fragments}/{name}.md"
        regions_of_do = any(each.startswith(f"{rule.fragments}/") for each in asked)
        if fragment not in asked and not (name == "do" and regions_of_do):
            yield Fault(rule.page, 0, f'does not include --8<-- "{fragment}"')


def _converter(project: Project) -> markdown.Markdown:
    """Read Markdown as the site does, without its includes."""
    given = EXTENSIONS.validate_python(
        _Config(project.read("mkdocs.yml")).get_single_data()["markdown_extensions"]
    )
    options: dict[str, dict[str, object]] = {}
    for each in given:
        options |= {each: {}} if isinstance(each, str) else each
    del options["pymdownx.snippets"]
    return markdown.Markdown(extensions=list(options), extension_configs=options)


class _Config(yaml.SafeLoader):
    """Reads mkdocs.yml, in which ``!ENV`` stands for the environment."""


def _environment(_loader: yaml.SafeLoader, _node: yaml.Node) -> None: ...


_Config.add_constructor("!ENV", _environment)


def _unfenced(path: str, text: str, converter: markdown.Markdown) -> Iterator[Fault]:
    """Find the blocks that are code without a fence: indented ones, raw HTML."""
    own = "\n".join(line for line in text.splitlines() if included(line) is None)
    fenced = {block.text.strip("\n") for block in blocks(path, own)}
    converter.reset()
    for shown in texts(converter.convert(own)):
        if shown.strip("\n") in fenced:
            continue
        first = shown.strip().partition("\n")[0].strip()
        lines = enumerate(text.splitlines(), start=1)
        at = next((at for at, line in lines if first in line), 0)
        message = f"code without a fence is run by nobody: {first!r}; use ```python"
        yield Fault(path, at, message)
