"""What an editor inserts is the proven module, to the byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from proof.exports.editors import jetbrains, vs_code
from proof.exports.export import Export
from tests.proof import expand
from tests.proof.conftest import SNIPPET, Planted
from tests.proof.fragments.test_copying import source

type Expand = Callable[[Path], dict[str, str]]
# All that has a meaning in one of the grammars, in JSON or in XML.
ODD = r"""
# $1 ${2:name} ${3|one,two|} $TM_FILENAME ${TM_FILENAME/(.*)/$1/} $0
# $END$ $SELECTION$ $$ $$$ $name$value$ $ $
# \\ \$ \} \\\\ } {} {{}} \n \t \
# <a href='b'>&amp;&#10; "é" 雪 🐍 ]]> <!-- -->
"""
EDITORS = pytest.mark.parametrize(
    ("write", "expanded"),
    [(vs_code, expand.vs_code), (jetbrains, expand.jetbrains)],
    ids=["VS Code", "JetBrains"],
)


@EDITORS
def test_an_editor_inserts_the_bytes_of_the_module_by_its_rules_id(
    planted: Planted, tmp_path: Path, write: Export, expanded: Expand
) -> None:
    text = planted.read(SNIPPET) + ODD
    planted.write(SNIPPET, text)
    ((name, content),) = write(source(planted))
    assert isinstance(content, str)
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert expanded(file) == {"cart-add-item": text}


@EDITORS
def test_an_editor_tells_of_a_module_its_title_and_link(
    planted: Planted, write: Export, expanded: Expand
) -> None:
    del expanded
    ((_, content),) = write(source(planted))
    assert isinstance(content, str)
    (rule,) = planted.project.rules
    title = rule.title.replace("`", "")
    assert f'"{title}: https://x.y/cart/add-item/"' in content
