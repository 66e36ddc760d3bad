"""A small project of one rule, all in order, for the tests to plant faults in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proof.sources.project import Project

ROOT = Path(__file__).parents[2]
COPIED = ("pyproject.toml", "conftest.py", "mkdocs.yml", "overrides", "docs/assets")
OUTSIDE = (
    *("COV", "FRESH", "GIT_", "PROOF_", "PYTEST_"),
    *("REPO_URL", "SITE_URL", "SOURCE_DATE_EPOCH"),
)

# The project's files, all that are not copied from this one.
RULES = "docs/rules.toml"
PAGE = "docs/cart/add-item.md"
CHAPTER = "docs/cart/index.md"
REFERENCE = "docs/reference/cart.md"
SNIPPET = "snippets/cart/add_item.py"
AVOID = "snippets/cart/add_item_avoid.py"
TESTS = "tests/cart/test_add_item.py"
TITLE = "Start each cart empty"
FILES = {
    ".gitignore": ".proof/\n__pycache__/\n",
    ".python-version": "3.13\n",
    "requirements.lock": "",
    "README.md": "# Carts\n",
    "docs/index.md": "# Carts\n",
    "docs/changes.md": '# What changed\n\n--8<-- "changes.md"\n',
    "docs/configuration.md": "# One configuration\n",
    "docs/rules.md": "# All rules\n",
    "docs/rules-json.md": "# The rules as data\n",
    "docs/desk.md": "# The desk\n",
    "docs/how-it-is-proven.md": "# How it is proven\n",
    RULES: f'[cart]\nadd-item = {{ strength = "must", title = "{TITLE}" }}\n',
    CHAPTER: '# Cart\n\n--8<-- "cart/rules.md"\n',
    REFERENCE: '# Reference: cart\n\n--8<-- "cart/reference.md"\n',
    PAGE: f"""# {TITLE}

--8<-- "cart/add-item/rule.md"

A default is made once.

## Do

--8<-- "cart/add-item/do.md"

## Avoid

--8<-- "cart/add-item/avoid.md"

## Why

Defaults are evaluated with `def`.

## Proof

--8<-- "cart/add-item/proof.md"

## References

- None
""",
    SNIPPET: '''"""Keep what a customer wants to buy."""


def add_item(item: str, cart: list[str] | None = None) -> list[str]:
    """Put an item into a cart.

    Args:
        item: The item.
        cart: The cart; a new one if ``None``.

    Returns:
        The cart.

    Example:
        >>> add_item("tea")
        ['tea']
    """
    if cart is None:
        cart = []
    cart.append(item)
    return cart
''',
    AVOID: '''"""Keep what all customers want to buy."""


# expect: ruff[B006]
def add_item_for_all(item: str, cart: list[str] = []) -> list[str]:
    # expect: test[a_shared_default_is_everybodys_cart]
    cart.append(item)
    return cart
''',
    TESTS: """from snippets.cart.add_item import add_item
from snippets.cart.add_item_avoid import add_item_for_all


def test_a_cart_starts_empty() -> None:
    assert add_item("tea") == ["tea"]
    assert add_item("milk") == ["milk"]


def test_a_given_cart_grows() -> None:
    assert add_item("milk", ["tea"]) == ["tea", "milk"]


def test_a_shared_default_is_everybodys_cart() -> None:
    add_item_for_all("tea")
    assert add_item_for_all("milk") == ["tea", "milk"]
""",
}


class Planted:
    """A project of one rule in a temporary folder.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        """Lay out a project that has no fault; it is no git repository yet.

        Args:
            root: An empty folder.
        """
        self.root = root
        for name in COPIED:
            source, copy = ROOT / name, root / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("fonts"))
            elif source.exists():
                shutil.copy(source, copy)
        for path, text in FILES.items():
            self.write(path, text)

    @property
    def project(self) -> Project:
        """The project as it is on disk now."""
        return Project(self.root)

    def read(self, path: str) -> str:
        """Give a file's text."""
        return (self.root / path).read_text("utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file, making its folder."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def append(self, path: str, text: str) -> int:
        """Add text to a file's end, and tell the number of its first line."""
        before = self.read(path) if (self.root / path).exists() else ""
        self.write(path, before + text)
        return before.count("\n") + 1

    def replace(self, path: str, old: str, new: str) -> int:
        """Replace the only place of a text, and tell its line's number."""
        before = self.read(path)
        assert before.count(old) == 1, f"{path} must hold {old!r} once"
        self.write(path, before.replace(old, new))
        return before[: before.index(old)].count("\n") + 1

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self.root / path).unlink()

    def line(self, path: str, text: str) -> int:
        """Tell the number of the first line that holds a text."""
        lines = self.read(path).splitlines()
        return next(at for at, line in enumerate(lines, start=1) if text in line)

    def git(self, *arguments: str) -> str:
        """Run git here, with nobody's configuration."""
        done = subprocess.run(  # noqa: S603 - the tests' own arguments
            ["git", *arguments],  # noqa: S607 - whichever git there is
            cwd=self.root,
            env=environment(
                GIT_CONFIG_GLOBAL=os.devnull,
                GIT_CONFIG_SYSTEM=os.devnull,
                GIT_AUTHOR_NAME="Ada",
                GIT_AUTHOR_EMAIL="ada@example.org",
                GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
                GIT_COMMITTER_NAME="Ada",
                GIT_COMMITTER_EMAIL="ada@example.org",
                GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
            ),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self) -> None:
        """Commit all that there is, making the repository where there is none."""
        if not (self.root / ".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Change")

    def proof(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m proof`` here, in an environment of its own.

        Args:
            arguments: The command and its arguments.
            variables: What to add to the environment.

        Returns:
            The exit code and what it printed.
        """
        return subprocess.run(  # noqa: S603 - the tests' own arguments
            [sys.executable, "-m", "proof", *arguments],
            cwd=self.root,
            env=environment(**variables),
            check=False,
            capture_output=True,
            text=True,
        )


def environment(**variables: str) -> dict[str, str]:
    """Give the environment without what a run of the real project has put into it."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OUTSIDE)
    }
    return {**own, "PYTHONPATH": str(ROOT), **variables}


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """Lay out a project without a fault for one test."""
    return Planted(tmp_path)
