"""All files of the project, and which of them a verdict depends on."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from proof.sources.project import Project, Subject

SITE_VARIABLES = ("REPO_URL", "SITE_URL", "SOURCE_DATE_EPOCH")
ABOUT_SITE = "tests/site/"
SERVERS = ("DATABASE_URL", "REDIS_URL", "MONGODB_URL")
WHOLE = (
    "*",
    ".ci/**/*",
    ".github/**/*",
    "docs/**/*",
    "overrides/**/*",
    "proof/**/*",
    "snippets/**/*",
    "tests/**/*",
)
SHARED = ("*", "proof/**/*", "tests/*", "tests/**/conftest.py")
NOT_READ = ("*.md", "LICENSE*", "Makefile", "mkdocs.yml", "requirements-uv.lock")
WRITTEN = (".coverage", ".coverage.*", ".gitignore")


def whole(project: Project) -> list[str]:
    """List every file of the project."""
    return [path for path in project.files(*WHOLE) if not _in_root(path, WRITTEN)]


def shared(project: Project) -> list[str]:
    """List what any test and any tool may depend on.

    Every file of the root counts but those known not to: a tool may read its
    configuration from one that nobody thought of here.
    """
    return [
        path
        for path in project.files(*SHARED)
        if not _in_root(path, (*WRITTEN, *NOT_READ))
        and not path.startswith("tests/test_")
    ]


def _in_root(path: str, patterns: Iterable[str]) -> bool:
    return "/" not in path and any(fnmatchcase(path, each) for each in patterns)


def data(project: Project, subject: Subject) -> list[str]:
    """List what lies beside its code without being code: its tests may read it."""
    beside = project.files(
        f"snippets/{subject.chapter}/**/*", f"tests/{subject.chapter}/**/*"
    )
    return [path for path in beside if not path.endswith(".py")]
