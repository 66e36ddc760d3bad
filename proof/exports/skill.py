"""Makes an Agent Skill of the rules: a folder that a coding agent can read."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from proof.exports.material import Material
from proof.exports.pack import pack
from proof.exports.twins import fenced, plain, reported, sections, setting, twin
from proof.fragments.facts import Facts
from proof.sources.blocks import Block

NAME = "python-expert"
FOLDER = f"skill/{NAME}"
SHORT = 40  # characters: an exception in fewer words takes another sentence
LONGEST = 1024  # characters of a description
SENTENCE = re.compile(r"(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|[^`\[]|\[)+?[.!?]\)?(?=\s|$)")
OBJECTION = re.compile(r'(\*\*)?["“]')
DESCRIPTION = (
    "Rules for Python 3.13 that settle a code review. Each has recommended code that "
    "was executed, linted and typed in strict mode, a counterexample that fails as "
    "shown, its exceptions, and a permanent link to cite. Use when writing, reviewing, "
    "refactoring or debugging Python, or when ruff, mypy or pyright report something. "
    "Topics: "
)
BODY = """\
# Python expert

Rules from [{site}]({address}). Code under *Do* was executed by tests and accepted by
ruff, and by mypy and pyright in strict mode, on exactly these bytes. Code under *Avoid*
fails as the remarks below its lines say: `> ruff …` quotes a tool, `> run: …` says what
a test saw.

## How to use them

1. **Find the rules that the code at hand touches**, by their names below. Each
   chapter's file begins with a list of its rules and the line at which each begins:
   read those, not the whole file. For something that a tool reported, search
   `references/` for its code.
2. **Read *When not* before you apply a rule.** It gives the exceptions in brief; the
   page has the whole of them.
3. **Copy the code under *Do*, then rename.** It is whole and runs as it stands.
4. **Weigh it**: *must*, *should* or *consider* is what the rule counts for in a review.
5. **Cite the rule by id and link**, as its entry gives them. The id is the chapter, a
   hyphen and the name. For the mechanism, the tests and the sources append `index.md`
   to the link: that is the page as Markdown.

## Rules

{rules}
"""


def skill(source: Material) -> Iterable[tuple[str, str | bytes]]:
    """Write the skill as a folder and as an archive.

    Args:
        source: What exports are made of.

    Yields:
        The files.
    """
    chapters: dict[str, list[Facts]] = {}
    for rule in source.rules:
        chapters.setdefault(rule.chapter, []).append(rule)
    files = {"SKILL.md": _skill_md(source, chapters)}
    for chapter, rules in chapters.items():
        files[f"references/{chapter}.md"] = _reference(source, chapter, rules)
    for name, text in files.items():
        yield f"{FOLDER}/{name}", text
    yield f"{FOLDER}.zip", pack({f"{NAME}/{name}": files[name] for name in files})


def _skill_md(source: Material, chapters: dict[str, list[Facts]]) -> str:
    listed = "\n".join(
        f"- [{chapter}](references/{chapter}.md): "
        + ", ".join(f"`{_name(rule)}`" for rule in rules)
        for chapter, rules in chapters.items()
    )
    head = {"name": NAME, "description": _description(source, chapters)}
    head["license"] = "Code MIT-0, prose CC BY 4.0"
    # a JSON string is a YAML string as well
    lines = [f"{name}: {json.dumps(value)}" for name, value in head.items()]
    site = setting(source.project, "site_name")
    body = BODY.format(site=site, address=source.address, rules=listed)
    return "\n".join(["---", *lines, "---", "", body])


def _description(source: Material, chapters: Iterable[str]) -> str:
    """Name as many topics as a description holds: all chapters, then the rules."""
    told = DESCRIPTION + ", ".join(chapters)
    for rule in source.rules:
        more = f", {_name(rule).replace('-', ' ')}"
        if len(told) + len(more) < LONGEST:
            told += more
    return f"{told}."


def _name(rule: Facts) -> str:
    return rule.id.removeprefix(f"{rule.chapter}-")


def _reference(source: Material, chapter: str, rules: Sequence[Facts]) -> str:
    """Write the rules of a chapter below a list that tells where each begins."""
    entries = [_entry(source, rule) for rule in rules]
    at = len(rules) + 4  # below the title, the list and two empty lines
    listed: list[str] = []
    for rule, entry in zip(rules, entries, strict=True):
        listed.append(f"- line {at}: `{rule.id}`, {rule.strength}, {reported(rule)}")
        at += entry.count("\n") + 1
    head = f"# {chapter.capitalize()}\n\n" + "\n".join(listed) + "\n"
    return "\n".join([head, *entries])


def _entry(source: Material, rule: Facts) -> str:
    page = f"{rule.address.rstrip('/')}.md"
    parts = dict(sections(twin(source, page)))
    whole, avoid = (
        plain(source, page, source.made.texts[f"{rule.address}{name}.md"]).strip()
        for name in ("do", "avoid")
    )
    written = [
        f"## {rule.id}",
        f"**{rule.title}** ({rule.strength}, {reported(rule)})",
        f"<{source.address}{rule.address}>",
        plain(source, page, rule.lead).strip(),
        # a rule whose matter is no module has it in its page
        f"### Do\n\n{whole or parts['Do'].partition('\n')[2].strip()}",
    ]
    if avoid:
        written.append(f"### Avoid\n\n{avoid}")
    if told := "\n".join(f"- {each}" for each in brief(parts.get("When not", ""))):
        written.append(f"### When not\n\n{told}")
    return "\n\n".join(written) + "\n"


def brief(section: str) -> Iterator[str]:
    """Shorten a section to how each of its paragraphs begins.

    Args:
        section: Markdown, with or without its heading.

    Yields:
        Of each paragraph its bold words, if it begins with them, and what follows up to
        the end of a sentence; another sentence where that is short. A paragraph that
        answers an objection is given as a whole: half of it would be the objection.
    """
    for part in fenced(section):
        if isinstance(part, Block):
            continue
        for paragraph in re.split(r"\n\s*\n", part):
            line = " ".join(paragraph.split())
            if not line or line.startswith(("#", "|", ">", "- ", "* ", "1. ")):
                continue
            yield line if OBJECTION.match(line) else _beginning(line)


def _beginning(paragraph: str) -> str:
    bold = re.match(r"\*\*.+?\*\*", paragraph)
    start = bold.end() if bold else 0
    for match in SENTENCE.finditer(paragraph, start):
        if match.end() - start >= SHORT:
            return paragraph[: match.end()]
    return re.sub(r":$", ".", paragraph)  # what it announces is on the page
