"""Writes the recommended modules as snippets that an editor inserts by a rule's id.

A module goes in whole, and with nothing added: what is inserted is what was proven. Its
link stands beside its name in the editor's list, where one looks before choosing.
"""

import json
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from proof.exports.material import Material

NAME = "proven-python"
VS_CODE = f"{NAME}.code-snippets"
JETBRAINS = f"{NAME}.xml"  # an IDE calls the file of a group by its name


def vs_code(source: Material) -> Iterable[tuple[str, str]]:
    """Write all modules as snippets for VS Code.

    Args:
        source: What exports are made of.

    Yields:
        The one file.
    """
    snippets = {
        name: {
            "scope": "python",
            "prefix": name,
            "description": about,
            "isFileTemplate": True,
            "body": re.sub(r"[\\$}]", r"\\\g<0>", text).split("\n"),
        }
        for name, about, text in _modules(source)
    }
    yield VS_CODE, json.dumps(snippets, indent=1, ensure_ascii=False) + "\n"


def jetbrains(source: Material) -> Iterable[tuple[str, str]]:
    """Write all modules as a group of live templates for PyCharm and its kin.

    Args:
        source: What exports are made of.

    Yields:
        The one file.
    """
    group = ET.Element("templateSet", group=NAME)
    for name, about, text in _modules(source):
        template = ET.SubElement(
            group,
            "template",
            name=name,
            value=text.replace("$", "$$"),
            description=about,
            toReformat="false",
            toShortenFQNames="false",
        )
        context = ET.SubElement(template, "context")
        ET.SubElement(context, "option", name="Python", value="true")
    ET.indent(group)
    yield JETBRAINS, ET.tostring(group, encoding="unicode") + "\n"


def _modules(source: Material) -> Iterator[tuple[str, str, str]]:
    """Give each module's name, what is said of it, and its text."""
    for rule in source.rules:
        about = f"{rule.title.replace('`', '')}: {source.address}{rule.address}"
        for file in rule.files:
            if file.kind == "module":
                yield file.download.removesuffix(".py"), about, file.text
