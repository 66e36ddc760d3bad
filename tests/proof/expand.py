"""What an editor inserts, by its own rules; written anew to read what the build wrote.

VS Code: https://code.visualstudio.com/docs/editing/userdefinedsnippets#_grammar; a
backslash counts only before ``$``, ``}`` and itself. JetBrains: `TemplateTextLexer.flex
<https://github.com/JetBrains/intellij-community>`_ knows ``$NAME$``, ``$$`` and text.
"""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

CONSTRUCT = re.compile(r"\$(\w+|\{)")
VARIABLE = re.compile(r"\$[A-Za-z_0-9]+\$")


def vs_code(file: Path) -> dict[str, str]:
    """Give what VS Code inserts in a Python file for each prefix."""
    inserted: dict[str, str] = {}
    for each in json.loads(file.read_text("utf-8")).values():
        assert each["scope"] == "python"
        assert each["prefix"] not in inserted
        inserted[each["prefix"]] = _snippet("\n".join(each["body"]))
    return inserted


def jetbrains(file: Path) -> dict[str, str]:
    """Give what a JetBrains IDE inserts in Python code for each abbreviation."""
    group = ET.fromstring(file.read_bytes())  # noqa: S314 - written by us
    assert group.tag == "templateSet"
    assert group.attrib["group"] == file.stem
    inserted: dict[str, str] = {}
    for each in group:
        assert each.tag == "template"
        assert each.attrib["toReformat"] == "false"
        option = each.find("context/option")
        assert option is not None
        assert option.attrib == {"name": "Python", "value": "true"}
        assert each.attrib["name"] not in inserted
        inserted[each.attrib["name"]] = _template(each.attrib["value"])
    return inserted


def _snippet(body: str) -> str:
    text = ""
    while body:
        assert not CONSTRUCT.match(body), f"VS Code would replace {body[:9]!r}"
        if body[0] == "\\" and body[1:2] in {"\\", "$", "}"}:
            body = body[1:]
        text += body[0]
        body = body[1:]
    return text


def _template(value: str) -> str:
    text = ""
    while value:
        assert not VARIABLE.match(value), f"a template would ask for {value[:9]!r}"
        if value.startswith("$$"):
            value = value[1:]
        text += value[0]
        value = value[1:]
    return text
