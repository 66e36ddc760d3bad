"""Leaves out of the style sheets what no page of the site can use."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Node, QualifiedRule, SquareBracketsBlock

WORD = re.compile(r"[\w-]+")
ATTRIBUTE = re.compile(r"""[\w-]+=(?:"([^"]*)"|([^\s>]+))""")
WHOLE_VALUE = re.compile(r"""\[[\w-]+=["']?([^"'\]]*)["']?\]""")
NESTING = {"media", "supports"}


def trim(site: Path) -> None:
    """Drop every selector that asks for a class or a value that occurs nowhere.

    A class occurs if a page has it, or if a script names it and so may set it.

    Args:
        site: The built site, which is changed.
    """
    words = {
        word
        for path in site.glob("**/*.html")
        for match in ATTRIBUTE.finditer(path.read_text(encoding="utf-8"))
        for word in (match[1] or match[2] or "").split()
    }
    for path in site.glob("assets/*.js"):
        words.update(WORD.findall(path.read_text(encoding="utf-8")))
    for path in site.glob("assets/**/*.css"):
        sheet = tinycss2.parse_stylesheet(
            path.read_text(encoding="utf-8"), skip_comments=True, skip_whitespace=True
        )
        path.write_text("".join(_rules(sheet, words)), encoding="utf-8")


def _rules(sheet: Sequence[Node], words: set[str]) -> Iterator[str]:
    for rule in sheet:
        if isinstance(rule, QualifiedRule):
            kept = [each for each in _selectors(rule.prelude) if _needs(each) <= words]
            if kept:
                head = ",".join(tinycss2.serialize(each).strip() for each in kept)
                yield f"{head}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif isinstance(rule, AtRule) and rule.at_keyword in NESTING:
            inner = tinycss2.parse_rule_list(rule.content or [], skip_whitespace=True)
            if body := "".join(_rules(inner, words)):
                head = tinycss2.serialize(rule.prelude).strip()
                yield f"@{rule.at_keyword} {head}{{{body}}}\n"
        else:
            yield rule.serialize()


def _selectors(prelude: Sequence[Node]) -> list[list[Node]]:
    found: list[list[Node]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.serialize() == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def _needs(selector: Sequence[Node]) -> set[str]:
    """List the classes and attribute values without which a selector hits nothing.

    What stands in ``:not()``, ``:is()`` and the like is no condition here.
    """
    needed: set[str] = set()
    for before, token in zip([None, *selector], selector, strict=False):
        if isinstance(token, SquareBracketsBlock):
            if match := WHOLE_VALUE.fullmatch(token.serialize()):
                needed.add(match[1])
        elif token.type == "ident" and before is not None and before.serialize() == ".":
            needed.add(str(getattr(token, "value", "")))
    return needed
