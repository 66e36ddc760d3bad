"""Makes what the search looks through."""

import ast
import json
import re
from collections.abc import Iterable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proof.exports.material import Material
from proof.fragments.facts import Facts

WORD = re.compile(r"[^\W\d_][\w'-]+")
CODE = (
    "pre, .highlight, details, ul.rule, .history, dl.facts, .headerlink, "
    "p.bar, p.conditions, p.repository"
)
COMMON = {
    "self",
    "str",
    "int",
    "list",
    "dict",
    "tuple",
    "len",
    "bytes",
    "bool",
    "object",
}
LEFT_OUT = ("404.html", "reference/")


def search_json(source: Material) -> Iterable[tuple[str, str]]:
    """Write what a page is called and looked up by, and apart from it all its words.

    The first file is small, and gives the first results; the second one is loaded
    after it.

    Args:
        source: What exports are made of; its pages are built.

    Yields:
        The two files.
    """
    rules = {each.address: each for each in source.rules}
    pages: list[dict[str, str]] = []
    words: dict[str, str] = {}
    for path in sorted(source.site.glob("**/*.html")):
        address = path.relative_to(source.site).as_posix().removesuffix("index.html")
        tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
        if address.startswith(LEFT_OUT) or not tree.css("article"):
            continue
        page = _page(tree.css("article")[0], address, rules.get(address))
        words[address] = page.pop("words")
        pages.append(page)
    yield "search.json", _json(pages)
    yield "search-words.json", _json(words)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _page(article: LexborNode, address: str, rule: Facts | None) -> dict[str, str]:
    for node in article.css(CODE):
        node.decompose()
    title = article.css_first("h1")
    first = article.css_first("p")
    words = dict.fromkeys(
        each.lower() for each in WORD.findall(article.text(separator=" "))
    )
    page = {
        "address": address,
        "title": title.text().strip() if title else "",
        "lead": " ".join(first.text().split()) if first else "",
        "words": " ".join(words),
    }
    if rule is None:
        return page
    reported = [*rule.codes.values(), *rule.related.values()]
    codes = dict.fromkeys(code for each in reported for code in each)
    names, tested = (
        {name for text in texts for name in _names(text)}
        for texts in (
            [each.text for each in rule.files if each.kind != "tests"],
            [each.text for each in rule.files if each.kind == "tests"],
        )
    )
    return page | {
        "rule": rule.id,
        "codes": " ".join(codes),
        "names": " ".join(sorted(names)),
        "words": " ".join([*words, *sorted(tested - names)]),
    }


def _names(text: str) -> set[str]:
    """Find the identifiers of a module: all that it imports, defines, passes, reads."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.alias():
                names.update(node.name.split("."))
            case ast.Attribute():
                names.add(node.attr)
            case ast.arg() | ast.keyword(arg=str()):
                names.add(node.arg or "")
            case ast.Name():
                names.add(node.id)
            case _:
                pass
    return {name for name in names if len(name) > 1} - COMMON
