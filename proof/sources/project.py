"""Which rule has which files. Everything is found by the id alone."""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from proof.faults import Fault, FaultsError

RULES = "docs/rules.toml"
CHAPTER = re.compile(r"[a-z][a-z0-9]*")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RECIPES = "recipes"
AT_LINE = re.compile(r"at line (\d+)")  # in what tomllib says
TAKEN = ("assets", "proof", RECIPES, "reference", "site")  # folders, but no chapters
type Strength = Literal["must", "should", "consider"]
STRENGTHS = ", ".join(get_args(Strength.__value__))
FORM = f"a rule is name = {{ strength = one of {STRENGTHS}; title = … }}"


class Entry(BaseModel):
    """What rules.toml says of a rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    strength: Strength
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page, a module and a test file are about: a rule, or a recipe.

    Attributes:
        chapter: The chapter's name, or ``recipes``.
        name: The name within it, words joined by hyphens.
    """

    chapter: str
    name: str

    @property
    def id(self) -> str:
        """The public, permanent id."""
        return f"{self.chapter}-{self.name}"

    @property
    def page(self) -> str:
        """The page's source."""
        return f"docs/{self.chapter}/{self.name}.md"

    @property
    def module(self) -> str:
        """The snippet, without its suffix."""
        return f"snippets/{self.chapter}/{self.name.replace('-', '_')}"

    @property
    def tests(self) -> str:
        """The test file."""
        return f"tests/{self.chapter}/test_{self.name.replace('-', '_')}.py"

    @property
    def fragments(self) -> str:
        """The folder of its fragments, as pages name it."""
        return f"{self.chapter}/{self.name}"

    @property
    def address(self) -> str:
        """The page, relative to the site's address; ends with a slash."""
        return f"{self.chapter}/{self.name}/"

    def download(self, path: str) -> str:
        """Name one of its files as a reader saves it, so that it shadows nothing."""
        if path == self.tests:
            return f"{self.id}-test.py"
        rest = path.removeprefix(self.module).removesuffix(".py")
        return f"{self.id}{re.sub('[_/]+', '-', rest)}.py"


@dataclass(frozen=True, slots=True)
class Rule(Subject):
    """A rule, and the names that follow from its id.

    Attributes:
        title: The page's title, in Markdown.
        strength: How much weight the rule has in a review.
        replaced: What to follow since it was turned round: a rule's id or a sentence.
    """

    title: str
    strength: Strength
    replaced: str = ""


class Project:
    """The tree of the project, read anew by each instance.

    Attributes:
        root: The project's root.
        rules: All rules in reading order.
    """

    def __init__(self, root: Path) -> None:
        """Read the list of rules.

        Args:
            root: The folder that holds docs/, snippets/ and tests/.

        Raises:
            FaultsError: If the list can't be read, or an entry isn't of its form.
        """
        self.root = root
        self.rules = _rules(root)

    @cached_property
    def chapters(self) -> list[str]:
        """The chapters in reading order."""
        return list(dict.fromkeys(rule.chapter for rule in self.rules))

    @cached_property
    def recipes(self) -> list[Subject]:
        """The recipes: a page in their folder makes one, without a rule."""
        pages = self.files(f"docs/{RECIPES}/*.md")
        return [Subject(RECIPES, Path(page).stem) for page in pages]

    @cached_property
    def subjects(self) -> list[Subject]:
        """All that has a page, a module and a test file."""
        return [*self.rules, *self.recipes]

    def of_chapter(self, chapter: str) -> list[Rule]:
        """List a chapter's rules in reading order."""
        return [rule for rule in self.rules if rule.chapter == chapter]

    def heading(self, chapter: str) -> str:
        """Call a chapter as its own page does."""
        first = self.read(f"docs/{chapter}/index.md").partition("\n")[0]
        return first.strip("# ")

    def recommended(self, subject: Subject) -> list[str]:
        """List the files of a snippet: a module, or a package's modules."""
        return self._module(subject.module)

    def counterexamples(self, subject: Subject) -> list[str]:
        """List the files of a counterexample."""
        return self._module(f"{subject.module}_avoid")

    def types(self, subject: Subject) -> list[str]:
        """List the module that shows which types the snippet has, if there is one."""
        return self._module(f"{subject.module}_types")

    def snippets(self, subject: Subject) -> list[str]:
        """List all code of a rule or recipe, the counterexample last."""
        return [
            *self.recommended(subject),
            *self.types(subject),
            *self.counterexamples(subject),
        ]

    def read(self, path: str) -> str:
        """Read a file of the project.

        Raises:
            FaultsError: If it is not UTF-8.
        """
        return _read(self.root, path)

    def files(self, *patterns: str) -> list[str]:
        """List the project's files that match any of the patterns.

        Args:
            patterns: Globs relative to the root. Bytecode is left out.

        Returns:
            Paths relative to the root, sorted.
        """
        return sorted(
            {
                path.relative_to(self.root).as_posix()
                for pattern in patterns
                for path in self.root.glob(pattern)
                if path.is_file() and "__pycache__" not in path.parts
            }
        )

    def _module(self, stem: str) -> list[str]:
        return self.files(f"{stem}.py", f"{stem}/**/*.py")


def is_chapter(name: str) -> bool:
    """Tell whether a chapter can be called so."""
    return bool(CHAPTER.fullmatch(name)) and name not in TAKEN


def is_name(name: str) -> bool:
    """Tell whether a rule can be called so; its other modules' names are taken."""
    return bool(NAME.fullmatch(name)) and not name.endswith(("-avoid", "-types"))


def is_id(text: str) -> bool:
    """Tell whether a text is written as an id is: one word, with a hyphen."""
    chapter, _, name = text.partition("-")
    return is_chapter(chapter) and is_name(name)


def is_counterexample(path: str) -> bool:
    """Tell whether a snippet's file must fail exactly as it says."""
    return path.startswith("snippets/") and (
        path.endswith("_avoid.py") or "_avoid/" in path
    )


def _rules(root: Path) -> list[Rule]:
    try:
        tables = parse_toml(RULES, _read(root, RULES), FORM)
    except FileNotFoundError:
        raise FaultsError(
            [Fault(RULES, 0, "missing: it lists the rules in reading order")]
        ) from None
    try:
        chapters = TypeAdapter(dict[str, dict[str, Entry]]).validate_python(tables)
    except ValidationError as error:
        raise FaultsError(
            Fault(
                RULES,
                line_of(_read(root, RULES), *map(str, part["loc"][:2])),
                f"{'.'.join(map(str, part['loc']))}: {part['msg']} ({FORM})",
            )
            for part in error.errors()
        ) from None
    return [
        Rule(chapter, name, entry.title, entry.strength, entry.replaced)
        for chapter, entries in chapters.items()
        for name, entry in entries.items()
    ]


def parse_toml(path: str, text: str, form: str) -> dict[str, object]:
    """Parse a list that is kept by hand.

    Args:
        path: The list.
        text: Its text.
        form: How an entry is written.

    Returns:
        What it holds.

    Raises:
        FaultsError: If it is not TOML; names the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = AT_LINE.search(str(error))
        line = int(at[1]) if at else 0
        raise FaultsError([Fault(path, line, f"not TOML: {error}: {form}")]) from None


def line_of(text: str, chapter: str, name: str = "") -> int:
    """Find where rules.toml tells of a chapter or of a rule.

    Args:
        text: The list's text.
        chapter: The chapter's name.
        name: The rule's name in it; the chapter itself if empty.

    Returns:
        The line, or 0 where it is written in another way.
    """
    at = 0
    for number, line in enumerate(text.splitlines(), start=1):
        key = re.split(r"[]=]", line)[0].strip()
        if key in (f"[{chapter}", chapter):
            at = number
        elif at and name and key == name:
            return number
    return 0 if name else at


def _read(root: Path, path: str) -> str:
    data = (root / path).read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FaultsError([Fault(path, line, "not UTF-8: save it as such")]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
