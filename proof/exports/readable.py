"""Makes Markdown of the HTML that fragments and pages hold."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

BLOCKS = {
    *("aside", "button", "details", "dialog", "div", "dl", "fieldset", "figure"),
    *("form", "h1", "h2", "h3", "h4", "nav", "noscript", "ol", "output", "p"),
    *("script", "section", "style", "svg", "table", "template", "ul"),
}
LEFT_OUT = {  # what is operated or drawn
    *("button", "dialog", "form", "i", "noscript", "output", "script", "style"),
    *("svg", "template"),
}
AIDS = {"bar", "conditions", "repository"}  # of a page: to copy, to download, to edit
LITERAL = {"code", "kbd", "samp"}
MISREAD = re.compile(r"(?<![\w`])(?:__\w+__|\*+\w[\w*]*|<[^<>\s][^<>]*>)")


def readable(markup: str, base: str) -> str:
    """Write HTML as Markdown for who reads the source of it.

    Remarks at a line become quotes, ``> ruff B006: …``; tables and timelines become
    tables. What only a screen can show is left out: a plot stands above the table of
    its figures.

    Args:
        markup: HTML without code in blocks.
        base: The address that its links are relative to.

    Returns:
        Markdown, its blocks apart by an empty line.
    """
    body = LexborHTMLParser(markup).body
    return "\n\n".join(_blocks(body, base)) if body else ""


def _blocks(parent: LexborNode, base: str) -> Iterator[str]:
    """Yield the Markdown of each block in an element."""
    run: list[LexborNode] = []
    for node in [*parent.iter(include_text=True), None]:
        if node is not None and node.tag not in BLOCKS:
            run.append(node)
            continue
        if text := _joined(run, base).strip():
            yield text
        run = []
        if node is not None and node.tag not in LEFT_OUT:
            yield from _block(node, base)


def _block(node: LexborNode, base: str) -> Iterator[str]:
    kinds = (node.attributes.get("class") or "").split()
    match node.tag:
        case "p" if AIDS.intersection(kinds):
            return
        case "ul" if "rule" in kinds:
            yield " · ".join(_inline(each, base) for each in node.css("li"))
        case "ul" if "remarks" in kinds:
            yield "\n>\n".join(_remark(each, base) for each in node.css("li"))
        case "ul" | "ol":
            yield "\n".join(f"- {_inline(each, base)}" for each in node.css("li"))
        case "dl":
            yield "\n".join(_definitions(node, base))
        case "table":
            yield from _table(node, base)
        case "figure":
            if caption := node.css_first("figcaption"):
                yield f"**{_inline(caption, base)}**"
            for each in node.css("table"):
                yield from _table(each, base)
        case _:
            yield from _blocks(node, base)


def _remark(item: LexborNode, base: str) -> str:
    """Quote what was said of a line, after who said it."""
    head, *rest = item.iter(include_text=True)
    said = _joined(rest, base).strip()
    kinds = (item.attributes.get("class") or "").split()
    code = any(each.tag == "code" for each in rest)
    mark = ":" if code or {"tool", "harm"}.intersection(kinds) else ""
    text = f"{head.text().strip()}{mark} {said}"
    return "\n".join(f"> {line.strip()}" for line in text.splitlines() if line.strip())


def _definitions(node: LexborNode, base: str) -> Iterator[str]:
    term = ""
    for each in node.css("dt, dd"):
        if each.tag == "dt":
            term = _inline(each, base)
        else:
            yield f"- {term}: {_inline(each, base)}"


def _table(node: LexborNode, base: str) -> Iterator[str]:
    if caption := node.css_first("caption"):
        yield f"**{_inline(caption, base)}**"
    head, *body = (
        [_cell(each, base) for each in row.css("th, td")] for row in node.css("tr")
    )
    rows = [head, ["---"] * len(head), *body]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(node: LexborNode, base: str) -> str:
    return " ".join(_inline(node, base).split()).replace("|", r"\|")


def _inline(node: LexborNode, base: str) -> str:
    return _joined(list(node.iter(include_text=True)), base).strip()


def _joined(nodes: list[LexborNode], base: str) -> str:
    """Write what stands in a line."""
    parts: list[str] = []
    for node in nodes:
        text = _word(node, base)
        if parts and text.startswith("`") and parts[-1].endswith("`"):
            parts.append(" ")
        parts.append(text)
    return "".join(parts)


def _word(node: LexborNode, base: str) -> str:
    tag = node.tag or ""
    if tag == "-text":
        return MISREAD.sub(r"`\g<0>`", re.sub(r"\s+", " ", node.text()))
    if tag in LITERAL:
        return literal(node.text())
    if tag in LEFT_OUT or tag.startswith("-"):
        return ""
    inner = _joined(list(node.iter(include_text=True)), base)
    said = inner.strip()
    written = {
        "a": f"[{said}]({urljoin(base, node.attributes.get('href') or '')})",
        "b": f"**{said}**",
        "br": "\n",
        "small": f"({said})",
        "strong": f"**{said}**",
    }
    return written.get(tag, inner)


def literal(text: str) -> str:
    """Write a text as code within a line, between backticks that it can't close."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    line = " ".join(text.splitlines())
    edge = " " * (line.startswith("`") or line.endswith("`"))
    return f"{ticks}{edge}{line}{edge}{ticks}"


def html_blocks(lines: list[str], write: Callable[[str], str]) -> Iterator[str]:
    """Replace the blocks of HTML among the lines of Markdown.

    Args:
        lines: Markdown outside of fences.
        write: What makes Markdown of HTML.

    Yields:
        Lines of Markdown. Of an element that holds Markdown only its summary is left.
    """
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        opening = re.match(r"\s*<(/?)([a-z][a-z0-9]*)\b([^>]*)>", line)
        if not opening or (opening[2] not in BLOCKS and opening[2] != "summary"):
            yield line
        elif opening[1] or re.search(r"\bmarkdown\b", opening[3]):
            continue
        elif opening[2] == "summary":
            yield f"**{write(line).replace('**', '')}**"
        else:
            edge = re.compile(rf"<(/?){opening[2]}\b")
            markup, depth = line, _depth(edge, line)
            while depth > 0 and at < len(lines):
                markup += "\n" + lines[at]
                depth += _depth(edge, lines[at])
                at += 1
            yield from ("", write(markup), "")


def _depth(edge: re.Pattern[str], line: str) -> int:
    return sum(-1 if closing else 1 for closing in edge.findall(line))
