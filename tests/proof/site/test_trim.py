from pathlib import Path

import pytest

from proof.site.trim import trim

PAGE = '<html data-scheme=light><p class="lead small">x</p></html>'
SCRIPT = 'element.classList.add("opened")'


def trimmed(folder: Path, sheet: str) -> str:
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(PAGE, "utf-8")
    (folder / "assets/site.js").write_text(SCRIPT, "utf-8")
    style = folder / "assets/site.css"
    style.write_text(sheet, "utf-8")
    trim(folder)
    return style.read_text("utf-8")


@pytest.mark.parametrize(
    "rule",
    [
        "p{color:red}",
        ".lead.small>b{color:red}",
        ".opened{color:red}",
        "[data-scheme=light] p{color:red}",
        '[data-scheme="light"] p{color:red}',
        '[href^="https://gone"]{color:red}',
        "p:not(.gone){color:red}",
        "@media screen{.lead{color:red}}",
        "@font-face{font-family:Plex}",
        '.lead::before{content:".gone{}"}',
    ],
)
def test_a_rule_that_something_can_need_stays(tmp_path: Path, rule: str) -> None:
    assert trimmed(tmp_path, rule).replace("\n", "") == rule


@pytest.mark.parametrize(
    "rule",
    [
        ".gone{color:red}",
        ".lead .gone{color:red}",
        "[data-scheme=slate] p{color:red}",
        "@media screen{.gone{color:red}}",
        "/* a remark */",
    ],
)
def test_a_rule_that_nothing_can_need_goes(tmp_path: Path, rule: str) -> None:
    assert trimmed(tmp_path, rule).strip() == ""


def test_of_several_selectors_only_the_needed_stay(tmp_path: Path) -> None:
    assert trimmed(tmp_path, ".gone,.lead,b.gone{color:red}") == ".lead{color:red}\n"
