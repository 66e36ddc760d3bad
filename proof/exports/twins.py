"""Writes each page as Markdown for programs, and the lists that name them."""

import re
from collections.abc import Iterable, Iterator
from posixpath import dirname, join, normpath
from urllib.parse import urljoin

from proof.exports.material import Material
from proof.exports.readable import html_blocks, readable
from proof.fragments.facts import Facts
from proof.sources.blocks import Block, block_text, blocks, included
from proof.sources.comments import shown
from proof.sources.project import Project

FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
HEADING = re.compile(r"^(#+ .*?) *\{:? ?[#.][^}]*\}$")
MODULE = re.compile(r"^::: ([\w.]+)$")
CODE = r"(?P<ticks>`+)(?:(?!\n\s*\n)[^`]|(?!(?P=ticks)(?!`))`)+?(?P=ticks)(?!`)"
LINK = re.compile(
    rf"{CODE}|(?P<before>\]\(|^\[[^\]]+\]: +)(?P<target>[^)\s]+)"
    r"|<a href=\"(?P<href>[^\"]+)\">(?P<text>.*?)</a>",
    re.MULTILINE,
)
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:")
DERIVED = ("reference/", "rules.md")  # pages that show again what others show
SUMMARY = """\
Each rule is one page: what to do, code that was executed, typed and linted, a
counterexample that fails as shown, why, and when not. A rule's link is permanent; the
link with `index.md` behind it is the page as Markdown, as it is listed here."""
BESIDES = {
    "llms-full.txt": "All pages in one file, without the tests",
    "rules.json": "The rules as data",
    "rules.schema.json": "The JSON Schema of rules.json",
    "skill/python-expert.zip": "The rules as an Agent Skill",
}


def twins(source: Material) -> Iterable[tuple[str, str]]:
    """Write each page as Markdown beside its HTML, and all of them as one file.

    That file leaves out the proofs, which are more than half of all text.

    Args:
        source: What exports are made of.

    Yields:
        The files.
    """
    texts = {name: twin(source, name) for name in pages(source.project)}
    for name, text in texts.items():
        yield f"{address_of(name)}index.md", text
    whole = [
        part
        for name, text in texts.items()
        if not name.startswith(DERIVED)
        for head, part in sections(text)
        if head != "Proof"
    ]
    yield "llms-full.txt", "\n".join(whole)


def llms_txt(source: Material) -> Iterable[tuple[str, str]]:
    """List the pages, as llmstxt.org describes.

    Args:
        source: What exports are made of.

    Yields:
        The one file.
    """
    rules = {each.address: each for each in source.rules}
    sections: dict[str, list[str]] = {}
    for name in pages(source.project):
        address = address_of(name)
        if name == "index.md":
            continue
        title = title_of(source.project.read(f"docs/{name}"))
        line = f"- [{title}]({source.address}{address}index.md)"
        chapter = address.partition("/")[0]
        if rule := rules.get(address):
            line += f": {rule.id}, {rule.strength}, {reported(rule)}"
        if chapter not in source.project.chapters:
            chapter = "optional"
        sections.setdefault(chapter, []).append(line)
    optional = sections.pop("optional", [])
    optional += [
        f"- [{what}]({source.address}{name})" for name, what in BESIDES.items()
    ]
    listed = [
        f"## {name.capitalize()}\n\n" + "\n".join(lines)
        for name, lines in (*sections.items(), ("optional", optional))
    ]
    name, description = (
        setting(source.project, each) for each in ("site_name", "site_description")
    )
    parts = [f"# {name}", f"> {description}", SUMMARY, *listed]
    yield "llms.txt", "\n\n".join(parts) + "\n"


def pages(project: Project) -> list[str]:
    """List the pages in reading order, below docs/.

    Args:
        project: The project.

    Returns:
        The home page, the chapters with their rules, then whatever else there is.
    """
    read = ["index.md"]
    for chapter in project.chapters:
        rules = project.of_chapter(chapter)
        read += [
            f"{chapter}/index.md",
            *(f"{chapter}/{each.name}.md" for each in rules),
        ]
    found = [each.removeprefix("docs/") for each in project.files("docs/**/*.md")]
    return [*read, *(each for each in found if each not in read)]


def address_of(name: str) -> str:
    """Give a page's address below the site's, empty or with a slash at its end."""
    folder = name.removesuffix(".md").removesuffix("index")
    return folder if folder.endswith("/") or not folder else f"{folder}/"


def title_of(text: str) -> str:
    """Take a page's title, in Markdown."""
    match = re.search(r"^# (.+)$", text, re.MULTILINE)
    return match[1] if match else ""


def setting(project: Project, name: str) -> str:
    """Read one line of mkdocs.yml."""
    match = re.search(rf"^{name}: (.+)$", project.read("mkdocs.yml"), re.MULTILINE)
    return match[1] if match else ""


def reported(rule: Facts) -> str:
    """Tell which tools report a rule's counterexample, by which codes."""
    told = [
        f"{tool} {', '.join(f'`{code}`' for code in codes)}"
        for tool, codes in rule.codes.items()
    ]
    return f"reported by {' and '.join(told)}" if told else "shown by its tests"


def twin(source: Material, name: str) -> str:
    """Write a page as Markdown, with what it includes in its place.

    Args:
        source: What exports are made of.
        name: The page, below docs/.

    Returns:
        Markdown whose links are absolute. Below the title stands the page's address.
    """
    text = FRONT_MATTER.sub("", source.project.read(f"docs/{name}"))
    text = "\n".join(_expanded(source, text))
    title, _, rest = plain(source, name, text).partition("\n")
    return f"{title}\n\n<{source.address}{address_of(name)}>\n{rest}"


def plain(source: Material, name: str, text: str) -> str:
    """Rid Markdown of HTML and of relative links; its fences stay as they are.

    Args:
        source: What exports are made of.
        name: The page that it is part of, below docs/.
        text: Markdown that includes nothing.

    Returns:
        Markdown.
    """
    base = source.address + address_of(name)
    parts: list[str] = []
    for part in fenced(text):
        if isinstance(part, Block):
            parts.append("\n".join(_written(part, part.text)))
            continue
        lines = html_blocks(part.splitlines(), lambda html: readable(html, base))
        bare = (HEADING.sub(r"\1", line) for line in lines)
        linked = _linked(source, name, "\n".join(bare))
        if stripped := re.sub(r"\n{3,}", "\n\n", linked).strip("\n"):
            parts.append(stripped)
    return "\n\n".join(parts) + "\n"


def fenced(text: str) -> Iterator[str | Block]:
    """Cut Markdown into its fenced blocks and what is between them."""
    lines = text.splitlines()
    after = 0
    for block in blocks("", text):
        yield "".join(f"{line}\n" for line in lines[after : block.line - 1])
        yield block
        after = block.line + block.text.count("\n") + 1
    yield "".join(f"{line}\n" for line in lines[after:])


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Cut a page into its sections.

    Args:
        text: Markdown.

    Yields:
        Each section's title, empty for what stands above the first, and its Markdown
        with the heading.
    """
    title, lines = "", list[str]()
    for part in fenced(text):
        if isinstance(part, Block):
            lines += _written(part, part.text)
            continue
        for line in part.splitlines():
            if line.startswith("## "):
                yield title, "\n".join(lines).strip("\n") + "\n"
                title, lines = line[3:], []
            lines.append(line)
    yield title, "\n".join(lines).strip("\n") + "\n"


def _written(block: Block, text: str) -> Iterator[str]:
    """Write a block where it stood, in the language that it said."""
    lines = [f"{block.fence}{block.info}", *text.splitlines(), block.fence]
    yield from (f"{block.before}{line}" for line in lines)


def _expanded(source: Material, text: str) -> Iterator[str]:
    """Put everything that a page includes in its place."""
    for part in fenced(text):
        if isinstance(part, Block):
            yield from _written(part, block_text(source.project, part))
            continue
        for line in part.splitlines():
            if include := included(line):
                yield from _expanded(source, source.made.texts[include[0]])
            elif module := MODULE.match(line):
                path = f"{module[1].replace('.', '/')}.py"
                text = shown(source.project.read(path)).strip("\n")
                yield from ("```python", *text.splitlines(), "```")
            else:
                yield line


def _linked(source: Material, name: str, text: str) -> str:
    """Make links absolute, outside of code."""
    base = source.address + address_of(name)

    def absolute(target: str) -> str:
        if ABSOLUTE.match(target) or target.startswith("//"):
            return target
        page, mark, anchor = target.partition("#")
        if not page:
            return f"{base}{mark}{anchor}"
        found = normpath(join(dirname(name), page))
        if found.endswith(".md"):
            found = address_of(found)
        return f"{source.address}{found}{mark}{anchor}"

    def replaced(match: re.Match[str]) -> str:
        if match["before"]:
            return match["before"] + absolute(match["target"])
        if match["href"]:
            return f"[{match['text']}]({urljoin(base, match['href'])})"
        return match[0]

    return LINK.sub(replaced, text)
