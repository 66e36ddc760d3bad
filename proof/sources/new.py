"""Lays out the files of a new rule: `make new RULE=chapter-name`."""

from proof.faults import Fault, FaultsError
from proof.ground.files import write
from proof.sources.project import RULES, Project, Rule, is_chapter, is_name, line_of

PAGE = """# {title}

--8<-- "{fragments}/rule.md"

The lead: what to do and why, in two to four sentences that a reviewer can quote.

## Do

--8<-- "{fragments}/do.md"

## Avoid

--8<-- "{fragments}/avoid.md"

## Why

What the interpreter, the checker or the protocol does.

## When not

The honest exceptions; without any, leave the section out.

## Proof

--8<-- "{fragments}/proof.md"

## References

- The primary source
"""
SNIPPET = '''"""Say what the module is for."""
'''
AVOID = '''"""Say what it was meant for."""
'''
TESTS = """def test_name_what_holds() -> None:
    raise NotImplementedError
"""
CHAPTER_PAGE = """# {chapter}

The chapter's story.

--8<-- "{name}/rules.md"
"""
REFERENCE_PAGE = """# Reference: {name}

--8<-- "{name}/reference.md"
"""


def lay_out(project: Project, rule_id: str) -> list[str]:
    """Write the files of a rule that does not exist yet, and list it in rules.toml.

    Args:
        project: The project.
        rule_id: The new rule's id.

    Returns:
        The files that were written or changed.

    Raises:
        FaultsError: If the id isn't one, or one of its files exists.
    """
    chapter, _, name = rule_id.partition("-")
    if not is_chapter(chapter) or not is_name(name):
        message = f"{rule_id!r} is no id: write CHAPTER-NAME, as in pitfalls-money"
        raise FaultsError([Fault(RULES, 0, message)])
    rule = Rule(chapter, name, "Say what to do", "should")
    files = {
        rule.page: PAGE.format(title=rule.title, fragments=rule.fragments),
        f"{rule.module}.py": SNIPPET,
        f"{rule.module}_avoid.py": AVOID,
        rule.tests: TESTS,
    }
    if rule_id in {each.id for each in project.rules}:
        raise FaultsError([Fault(RULES, 0, f"{rule_id} exists already")])
    if there := [path for path in files if (project.root / path).exists()]:
        raise FaultsError(
            Fault(path, 0, f"exists already ({rule_id})") for path in there
        )
    if chapter not in project.chapters:
        files[f"docs/{chapter}/index.md"] = CHAPTER_PAGE.format(
            chapter=chapter.capitalize(), name=chapter
        )
        files[f"docs/reference/{chapter}.md"] = REFERENCE_PAGE.format(name=chapter)
    files[RULES] = _listed(project, rule)
    for path, text in files.items():
        write(project.root / path, text)
    return sorted(files)


def _listed(project: Project, rule: Rule) -> str:
    """Add the rule to the end of its chapter."""
    entry = f'{rule.name} = {{ strength = "{rule.strength}", title = "{rule.title}" }}'
    lines = project.read(RULES).rstrip("\n").splitlines()
    at = line_of("\n".join(lines), rule.chapter)
    if not at:
        return "\n".join([*lines, "", f"[{rule.chapter}]", entry, ""])
    while at < len(lines) and lines[at].strip() and not lines[at].startswith("["):
        at += 1
    return "\n".join([*lines[:at], entry, *lines[at:], ""])
