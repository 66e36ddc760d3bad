"""The names of all fragments: what a page may include."""

from collections.abc import Iterator

from proof.sources.comments import regions
from proof.sources.project import Project, Subject

OF_A_CHAPTER = ("rules", "reference")
CHANGELOG = "changes.md"
CONFIGURATION = "configuration.md"
BY_CHAPTER = "configuration-by-chapter.md"
ALL_RULES = "all-rules.md"
FIGURES = "figures.md"
MACHINE = "machine.md"
RULES_JSON = "rules-json.md"


def names(project: Project) -> Iterator[str]:
    """List every fragment that a page may include, proven or not."""
    for subject in project.subjects:
        for name in names_of(project, subject):
            yield f"{subject.fragments}/{name}.md"
    for chapter in project.chapters:
        for name in OF_A_CHAPTER:
            yield f"{chapter}/{name}.md"
    yield from (ALL_RULES, CHANGELOG, CONFIGURATION, BY_CHAPTER, FIGURES, MACHINE)
    yield RULES_JSON


RECORDED = ("timeline", "measured", "attack", "evidence")  # by tests, where they do
OF_A_RULE = (
    *("rule", "do", "whole", "types", "avoid", *RECORDED, "proof"),
    "quoted",  # the counterexample, for a page that isn't the rule's
    "json",  # what rules.json says of it, likewise
)


def names_of(project: Project, subject: Subject) -> list[str]:
    """List every fragment that a page may include of its own, without folder."""
    return [*OF_A_RULE, *regions_of(project, subject)]


def regions_of(
    project: Project, subject: Subject
) -> dict[str, tuple[str, tuple[int, int]]]:
    """Find the regions of a snippet: the file, and the first and last line."""
    return {
        name: (path, lines)
        for path in project.recommended(subject)
        for name, lines in regions(path, project.read(path))[0].items()
    }
