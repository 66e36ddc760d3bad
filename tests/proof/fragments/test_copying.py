"""What a page tells of the code that it offers to copy."""

import io
import re
from zipfile import ZipFile

import pytest
from selectolax.lexbor import LexborHTMLParser

from proof.exports.downloads import ARCHIVE, archive, downloads
from proof.exports.material import Material
from proof.faults import FaultsError
from proof.fragments.copying import name_of
from proof.fragments.facts import facts
from proof.fragments.project_fragments import Fragments
from proof.sources.comments import shown
from proof.sources.needs import requirements
from tests.proof.conftest import AVOID, SNIPPET, TESTS, Planted
from tests.proof.fakes import clean_environment
from tests.proof.site.test_build import build_all, ledger


def source(planted: Planted) -> Material:
    """Gather what exports of a proven project are made of."""
    project, known = planted.project, ledger(planted)
    made = Fragments(project, known)
    rules = [facts(project, known, rule) for rule in project.rules]
    return Material(project, known, made, rules, "https://x.y/", planted.root)


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import json\nfrom collections.abc import Iterable\n", []),
        ("import yaml\n", ["pyyaml"]),
        ("import httpx2\nimport anyio.abc\n", ["anyio", "httpx2"]),
        ("def later() -> None:\n    import trio\n", ["trio"]),
        ("import psycopg\n", ["psycopg[binary]"]),
        ("from sqlalchemy import select\n", ["sqlalchemy"]),
        (
            (
                "from sqlalchemy.ext.asyncio import create_async_engine\n"
                "URL = 'postgresql+asyncpg://localhost/shop'\n"
            ),
            ["asyncpg", "sqlalchemy[asyncio]"],
        ),
    ],
)
def test_what_a_module_needs_follows_from_its_imports(
    planted: Planted, code: str, needed: list[str]
) -> None:
    planted.write(SNIPPET, code)
    assert requirements(planted.project, [SNIPPET]) == needed


def test_an_import_that_nothing_brings_is_named(planted: Planted) -> None:
    planted.write(SNIPPET, "import nothing_of_that_name\n")
    with pytest.raises(FaultsError) as caught:
        requirements(planted.project, [SNIPPET])
    message = "imports nothing_of_that_name, which nothing that is installed brings"
    assert [str(each) for each in caught.value.faults] == [f"{SNIPPET}: {message}"]


def test_a_counterexamples_pieces_make_up_its_text(planted: Planted) -> None:
    planted.replace(AVOID, "    return cart", "\n    return cart")
    known = ledger(planted)
    avoid = Fragments(planted.project, known).texts["cart/add-item/avoid.md"]
    (bar,) = LexborHTMLParser(avoid).css("p.bar")
    starts = map(int, (bar.attributes["data-starts"] or "").split())
    text = [""] * int(bar.attributes["data-count"] or 0)
    pieces = re.findall(r"```python\n(.*?)\n```", avoid, re.DOTALL)
    for start, piece in zip(starts, pieces, strict=True):
        lines = piece.split("\n")
        text[start - 1 : start - 1 + len(lines)] = lines
    assert "\n".join(text) + "\n" == shown(planted.read(AVOID))
    assert len(pieces) > 1


def test_a_block_is_named_by_what_it_is_and_by_its_file_among_several() -> None:
    client, server = "snippets/cart/sync/client.py", "snippets/cart/sync/server.py"
    assert name_of("do", client, [client]) == "do"
    assert name_of("do", server, [client, server]) == "do.server"


def test_a_file_is_called_after_its_rule(planted: Planted) -> None:
    (rule,) = planted.project.rules
    files = [SNIPPET, AVOID, f"{rule.module}_types.py", f"{rule.module}/client.py"]
    assert [rule.download(path) for path in [*files, TESTS]] == [
        "cart-add-item.py",
        "cart-add-item-avoid.py",
        "cart-add-item-types.py",
        "cart-add-item-client.py",
        "cart-add-item-test.py",
    ]


def test_a_rules_files_lie_beside_its_page_without_expectations(
    planted: Planted,
) -> None:
    written = dict(downloads(source(planted)))
    assert written == {
        "cart/add-item/cart-add-item.py": planted.read(SNIPPET),
        "cart/add-item/cart-add-item-avoid.py": shown(planted.read(AVOID)),
        "cart/add-item/cart-add-item-test.py": planted.read(TESTS),
    }


def test_the_archive_is_the_same_bytes_each_time(planted: Planted) -> None:
    ((name, first),) = archive(source(planted))
    assert name == ARCHIVE
    assert [(name, first)] == list(archive(source(planted)))
    with ZipFile(io.BytesIO(first)) as packed:
        assert packed.namelist() == [SNIPPET, AVOID, TESTS]
        assert packed.read(TESTS).decode() == planted.read(TESTS)


def test_a_page_links_to_its_repository_where_there_is_one(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_environment(monkeypatch)
    page = planted.root / ".proof/site/cart/add-item/index.html"
    build_all(planted.root, ledger(planted))
    assert LexborHTMLParser(page.read_text("utf-8")).css("p.repository") == []
    monkeypatch.setenv("REPO_URL", "https://github.com/ada/carts")
    build_all(planted.root, ledger(planted))
    links = LexborHTMLParser(page.read_text("utf-8")).css("p.repository a")
    assert [each.attributes["href"] for each in links] == [
        "https://github.com/ada/carts/edit/main/docs/cart/add-item.md",
        (
            "https://github.com/ada/carts/issues/new?title=cart-add-item%3A%20&body="
            "I%20disagree%20with%20http%3A//127.0.0.1%3A8000/cart/add-item/%20because%20"
        ),
    ]
