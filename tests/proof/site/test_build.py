"""One ledger gives one site, to the byte, wherever and however it is built."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proof.children import Children
from proof.faults import FaultsError
from proof.fragments.project_fragments import Fragments
from proof.ground.digests import sha256
from proof.ground.files import replace
from proof.ledger.records import (
    Claim,
    Diagnostic,
    Executed,
    Ledger,
    Machine,
    Unit,
    Verdict,
)
from proof.ledger.store import save
from proof.site.build import build, configure
from proof.sources.project import Project
from tests.proof.conftest import (
    AVOID,
    PAGE,
    RULES,
    SNIPPET,
    TESTS,
    Planted,
    environment,
)
from tests.proof.fakes import clean_environment

OTHER = {
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "4711",
    "TZ": "Pacific/Kiritimati",
    "COLUMNS": "40",
    "FORCE_COLOR": "1",
}


BUILD = """
from pathlib import Path
from proof.ledger.store import load
from tests.proof.site.test_build import build_all

build_all(Path.cwd(), load(Path.cwd())[0])
"""


def ledger(planted: Planted) -> Ledger:
    """Give a ledger in which the one rule is proven."""
    root = planted.root
    digests = {path: sha256(root, path) for path in (SNIPPET, AVOID)}
    tests = [
        Claim(name=name, cases=1, observed=[], lines={})
        for name in re.findall(r"def (test_\w+)", planted.read(TESTS))
    ]
    ran = {
        path: Executed(sha256=digest, statements=5, branches=2)
        for path, digest in digests.items()
    }
    unit = Unit(key="", sha256=sha256(root, TESTS), tests=tests, snippets=ran)
    return Ledger(
        machine=Machine.here(),
        tools={
            name: Verdict(
                version="1",
                files=digests,
                diagnostics=[
                    Diagnostic(path=AVOID, line=5, tool=name, code=code, message="No")
                    for code in ("B006", "B008", "ARG001")
                ],
            )
            for name in ("ruff format", "ruff", "mypy", "pyright")
        },
        units={TESTS: unit},
    )


def build_all(root: Path, known: Ledger) -> None:
    """Build the fragments and the site from a ledger."""
    project = Project(root)
    Fragments(project, known).write()
    with Children() as children:
        build(project, children, ".proof/site")


def digests(planted: Planted) -> dict[str, str]:
    """Give the digest of each file of the site."""
    site = planted.root / ".proof/site"
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in site.glob("**/*")
        if path.is_file()
    }


def test_two_builds_from_one_ledger_are_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_environment(monkeypatch)
    first, second = Planted(tmp_path / "a"), Planted(tmp_path / "another folder/b")
    first.commit()
    second.commit()
    build_all(first.root, ledger(first))
    save(second.root, ledger(second))
    subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-c", BUILD],
        cwd=second.root,
        env=environment(**OTHER),
        check=True,
    )
    site = digests(first)
    assert "cart/add-item/index.html" in site
    assert digests(second) == site
    assert "<lastmod>2026-01-01</lastmod>" in first.read(".proof/site/sitemap.xml")


def test_what_mkdocs_warns_of_is_told_and_the_site_before_stays(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_environment(monkeypatch)
    for name, value in OTHER.items():
        monkeypatch.setenv(name, value)
    before = planted.root / ".proof/site/index.html"
    planted.write(".proof/site/index.html", "before")
    planted.append(PAGE, "\n[gone](gone.md), [lost](#lost)\n")
    with pytest.raises(FaultsError) as caught:
        build_all(planted.root, ledger(planted))
    lost = "'#lost', but there is no such anchor on this page."
    gone = (
        "'gone.md', but the target 'cart/gone.md' is not found among documentation "
        "files."
    )
    assert [str(each) for each in caught.value.faults] == [
        f"mkdocs.yml: Doc file 'cart/add-item.md' contains a link {link}"
        for link in (lost, gone)
    ]
    assert before.read_text("utf-8") == "before"
    assert not (planted.root / ".proof/site.half").exists()


def test_the_navigation_follows_the_order_of_the_rules(planted: Planted) -> None:
    rules = planted.read(RULES)
    planted.write(
        RULES, f'[shop]\nbrowse = {{ strength = "must", title = "B" }}\n\n{rules}'
    )
    planted.write("docs/shop/index.md", "# The shop\n")
    configure(planted.project)
    text = planted.read(".proof/mkdocs.yml")
    assert "- The shop:\n" in text
    places = [
        text.index(page)
        for page in ("shop/index.md", "shop/browse.md", "cart/add-item.md")
    ]
    assert places == sorted(places)


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for path in ("old/gone.html", "old/index.html", "new/index.html", "old.old/x"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path, "utf-8")
    replace(tmp_path / "new", tmp_path / "old")
    left = {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8")
        for path in tmp_path.glob("**/*")
        if path.is_file()
    }
    assert left == {"old/index.html": "new/index.html"}
