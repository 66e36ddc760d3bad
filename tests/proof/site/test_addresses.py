"""What was ever published stays: each page and section, or a redirect that reaches."""

from pathlib import Path

import pytest

from proof.__main__ import main
from proof.exports.export import export
from proof.faults import FaultsError
from proof.fragments.project_fragments import Fragments
from proof.site.addresses import link_faults, publish
from proof.sources.lint import lint
from proof.sources.published import PUBLISHED
from proof.sources.redirects import REDIRECTS
from tests.proof.conftest import Planted
from tests.proof.site.test_build import ledger
from tests.proof.test_command import Scripted, scripted

__all__ = ["scripted"]  # a fixture

HOME = '<article><h1 id="carts">Carts</h1><h2 id="use-it">Use it</h2></article>'
RULE = '<article><h2 id="do">Do</h2><h2 id="why">Why</h2><p id="note"></p></article>'
SITE = {
    "index.html": HOME,
    "404.html": HOME,
    "cart/add-item/index.html": RULE,
    "reference/cart/index.html": '<article><h3 id="cart.add_item"></h3></article>',
    "changes/index.html": '<article><h2 id="2026-01-01"></h2></article>',
}
ALL = [
    "/",
    "/#use-it",
    "/cart/add-item/",
    "/cart/add-item/#do",
    "/cart/add-item/#why",
    "/changes/",
    "/reference/cart/",
]
LOST = "was published: put the line back, links to it are out"
MOVED = '"/cart/put/" = "/cart/add-item/#do"\n'


@pytest.fixture
def site(planted: Planted) -> Path:
    """Lay out a built site whose addresses are all published."""
    for path, text in SITE.items():
        planted.write(f"built/{path}", text)
    planted.write(PUBLISHED, "".join(f"{line}\n" for line in ALL))
    return planted.root / "built"


def found(planted: Planted, site: Path) -> list[str]:
    return [str(each) for each in link_faults(planted.project, site)]


def exported(planted: Planted, site: Path) -> None:
    project, known = planted.project, ledger(planted)
    export(project, known, Fragments(project, known), site)


def test_publishing_lists_each_page_and_section_in_order_and_keeps_what_was(
    planted: Planted, site: Path
) -> None:
    planted.write(PUBLISHED, "/cart/old/\n")
    new = publish(planted.project, site)
    assert new == ALL
    assert planted.read(PUBLISHED).splitlines() == sorted([*ALL, "/cart/old/"])
    assert publish(planted.project, site) == []


def test_a_site_that_has_all_of_it_has_no_fault(planted: Planted, site: Path) -> None:
    assert found(planted, site) == []


def test_a_section_that_is_gone_is_named_with_what_to_do(
    planted: Planted, site: Path
) -> None:
    planted.replace("built/index.html", 'id="use-it"', 'id="how-to-use-it"')
    assert found(planted, site) == [
        (
            f"{PUBLISHED}:2: /#use-it is gone, but links to it are out: write "
            "{#use-it} behind the heading that took its place"
        )
    ]


def test_a_section_may_live_on_as_any_element_of_its_id(
    planted: Planted, site: Path
) -> None:
    planted.replace("built/index.html", "<h2 id", "<p id")
    assert found(planted, site) == []


def test_a_page_that_is_gone_is_named_once(planted: Planted, site: Path) -> None:
    (site / "cart/add-item/index.html").unlink()
    assert found(planted, site) == [
        (
            f"{PUBLISHED}:3: /cart/add-item/ is gone, but links to it are out: put the "
            f"page back, or say in {REDIRECTS} where it went"
        )
    ]


def test_the_build_stops_at_what_is_gone(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(PUBLISHED).write_text("/\n/#carts\n", "utf-8")
    assert main(["test"]) == 1
    assert f"{PUBLISHED}:2: /#carts is gone" in capsys.readouterr().err
    scripted.html = '<h1 id="carts">Carts</h1>'
    assert main(["test"]) == 0


def test_a_site_whose_addresses_nothing_would_hold_is_not_published(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.html = HOME
    assert main(["site"]) == 1
    said = "is not in the list: run `make publish`, and commit it"
    assert f"{PUBLISHED}: /#use-it {said}\n" in capsys.readouterr().err
    assert main(["publish"]) == 0
    assert "  /#use-it\n1 new in docs/published.txt" in capsys.readouterr().out
    assert Path(PUBLISHED).read_text("utf-8") == "/\n/#use-it\n"
    assert main(["site"]) == 0


def test_a_line_that_was_ever_committed_must_stay(planted: Planted) -> None:
    planted.write(PUBLISHED, "/\n/#use-it\n")
    planted.commit()
    assert lint(planted.project) == []
    planted.write(PUBLISHED, "/\n")
    planted.commit()
    planted.append("README.md", "Later.\n")
    planted.commit()
    faults = [str(each) for each in lint(planted.project)]
    assert faults == [f"{PUBLISHED}: /#use-it {LOST}"]
    planted.remove(PUBLISHED)
    faults = [str(each) for each in lint(planted.project)]
    assert faults == [f"{PUBLISHED}: / {LOST}", f"{PUBLISHED}: /#use-it {LOST}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/\ncart/\n", "2: 'cart/': write an address such as /chapter/name/#why"),
        ("/\n\n", "2: '': write an address such as /chapter/name/#why"),
        ("/cart/\n/\n", "2: / must stand above /cart/, each once: `sort -u` it"),
        ("/\n/\n", "2: / must stand above /, each once: `sort -u` it"),
    ],
)
def test_a_line_out_of_form_or_order_is_named(
    planted: Planted, text: str, message: str
) -> None:
    planted.write(PUBLISHED, text)
    faults = [str(each) for each in lint(planted.project)]
    assert f"{PUBLISHED}:{message}" in faults


def test_a_page_that_moved_leads_on_without_a_script(
    planted: Planted, site: Path
) -> None:
    planted.write(REDIRECTS, MOVED)
    planted.write(PUBLISHED, "/cart/put/\n/cart/put/#why\n")
    exported(planted, site)
    page = planted.read("built/cart/put/index.html")
    assert 'http-equiv="refresh" content="0; url=../add-item/#do"' in page
    assert '<a href="../add-item/#do">' in page
    assert '<meta name="robots" content="noindex">' in page
    assert '<script type="module" src="../../assets/moved.js"></script>' in page
    assert found(planted, site) == []
    assert publish(planted.project, site) == ALL  # and nothing of /cart/put/


def test_a_page_that_moved_takes_its_sections_along(
    planted: Planted, site: Path
) -> None:
    planted.write(REDIRECTS, '"/cart/put/" = "/cart/add-item/"\n')
    planted.write(PUBLISHED, "/cart/put/\n/cart/put/#avoid\n/cart/put/#why\n")
    exported(planted, site)
    assert found(planted, site) == [
        (
            f"{PUBLISHED}:2: /cart/put/#avoid is gone, but links to it are out: "
            "/cart/add-item/, to which its page has moved, needs a section {#avoid}, "
            f"or name one in {REDIRECTS}"
        )
    ]


@pytest.mark.parametrize("new", ["/cart/gone/", "/cart/add-item/#gone"])
def test_a_redirect_that_reaches_nothing_is_named(
    planted: Planted, site: Path, new: str
) -> None:
    planted.write(REDIRECTS, f'# Moved\n"/cart/put/" = "{new}"\n')
    planted.write(PUBLISHED, "/cart/put/\n/cart/put/#why\n")
    exported(planted, site)
    assert found(planted, site) == [
        f"{REDIRECTS}:2: /cart/put/ is redirected to {new}, which the site has not"
    ]


def test_a_redirect_can_not_take_the_place_of_a_page(
    planted: Planted, site: Path
) -> None:
    planted.write(REDIRECTS, '"/cart/add-item/" = "/"\n')
    with pytest.raises(FaultsError, match="/cart/add-item/ is a page of the site"):
        exported(planted, site)
    assert planted.read("built/cart/add-item/index.html") == RULE


FORM = 'write "/old/page/" = "/new/page/#anchor"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"/cart/put/" = 3\n', f"1: /cart/put/: {FORM}"),
        ('\n"/cart/put" = "/"\n', f"2: /cart/put: {FORM}"),
        ('"/cart/put/#why" = "/"\n', f"1: /cart/put/#why: {FORM}"),
        ('"/cart/put/" = "https://example.org/"\n', f"1: /cart/put/: {FORM}"),
        (
            '"/a/" = "/b/"\n"/b/" = "/"\n',
            "1: /a/ leads to /b/, which has moved: name the end",
        ),
        (
            '"/a/" = "/"\n"/a/" = "/"\n',
            (
                "2: not TOML: Cannot overwrite a value (at line 2, column 12): "
                'write "/old/page/" = "/new/page/#anchor"'
            ),
        ),
    ],
)
def test_a_redirect_out_of_form_is_named(
    planted: Planted, text: str, message: str
) -> None:
    planted.write(REDIRECTS, text)
    faults = [str(each) for each in lint(planted.project)]
    assert faults == [f"{REDIRECTS}:{message}"]
