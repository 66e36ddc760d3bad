"""Which figures of Lighthouse are asked for; `.ci/run` has it measure the real site."""

import json
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import override

import pytest

from proof.children import Children
from proof.faults import FaultsError
from proof.site import lighthouse
from proof.site.lighthouse import RUNS, WHY, measure
from tests.proof.conftest import Planted
from tests.site.conftest import find_or_lack

PAGES = ["", "cart/", "cart/add-item/", "desk/", "rules/"]
GOOD = {"accessibility": 100, "best-practices": 100, "seo": 100, "performance": 100}


class Node(Children):
    """Stands in for npm, which is content, and for Lighthouse, with these figures.

    Attributes:
        asked: The page and form of each audit.
    """

    def __init__(self, *performances: int, npm: int = 0, **scores: int) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self._performances = list(performances)
        self._scores = {each.replace("_", "-"): score for each, score in scores.items()}
        self._npm = npm

    @override
    def run(self, command: Sequence[str], **_: object) -> CompletedProcess[str]:
        if "ci" in command:
            return CompletedProcess([], self._npm, "", "npm error ENOTFOUND")
        page, form = command[-2:]
        self.asked.append((page, form))
        scores = GOOD | self._scores
        if page == "desk/" and form == "mobile" and self._performances:
            scores["performance"] = self._performances.pop(0)
        audit = {"scores": scores, "found": ["Links do not have a name"]}
        return CompletedProcess([], 0, json.dumps(audit), "")


@pytest.fixture(name="built")
def build(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> Planted:
    monkeypatch.setattr(lighthouse, "BROWSERS", ("sh",))
    planted.write("site/index.html", "")
    return planted


def test_five_kinds_of_page_are_measured_in_both_forms(
    built: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    node = Node()
    with node:
        measure(built.project, node)
    forms = ("mobile", "desktop")
    assert sorted(node.asked) == sorted(
        (page, form) for page in PAGES for form in forms
    )
    assert "  mobile       /cart/: accessibility 100, best" in capsys.readouterr().out


def test_a_page_that_was_slow_once_has_the_median_of_five(built: Planted) -> None:
    node = Node(80, 96, 94, 97, 95)
    with node:
        measure(built.project, node)
    assert node.asked.count(("desk/", "mobile")) == RUNS


def test_a_page_that_is_slow_is_named_with_what_lighthouse_says(built: Planted) -> None:
    node = Node(80, 96, 94, 97, 94)
    with node, pytest.raises(FaultsError) as raised:
        measure(built.project, node)
    (fault,) = raised.value.faults
    assert (fault.path, fault.message) == (
        "site/desk/index.html",
        "mobile: performance 94, not 95; Links do not have a name",
    )


@pytest.mark.parametrize("category", ["accessibility", "best-practices", "seo"])
def test_each_category_but_performance_has_to_be_perfect(
    built: Planted, category: str
) -> None:
    node = Node(**{category: 99})
    with node, pytest.raises(FaultsError) as raised:
        measure(built.project, node)
    faults = raised.value.faults
    assert [fault.path for fault in faults].count("site/index.html") == 2
    assert len(faults) == 2 * len(PAGES)
    assert all(f": {category} 99, not 100; " in fault.message for fault in faults)


def test_a_desktop_has_to_be_as_fast_as_can_be(built: Planted) -> None:
    node = Node(performance=99)
    with node, pytest.raises(FaultsError) as raised:
        measure(built.project, node)
    assert {fault.message for fault in raised.value.faults} == {
        "desktop: performance 99, not 100; Links do not have a name"
    }


def test_what_is_missing_is_told(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(npm=1)
    with node:
        monkeypatch.setattr(lighthouse, "BROWSERS", ("no-browser",))
        with pytest.raises(FaultsError, match="install chromium"):
            measure(planted.project, node)
        monkeypatch.setattr(lighthouse, "BROWSERS", ("sh",))
        with pytest.raises(FaultsError, match="isn't built: run `make site`"):
            measure(planted.project, node)
        planted.write("site/index.html", "")
        with pytest.raises(FaultsError, match=f"can't be fetched by npm: see {WHY}"):
            measure(planted.project, node)
    assert node.asked == []


def test_without_a_browser_the_tests_of_the_site_are_not_proven_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lighthouse, "BROWSERS", ("no-browser",))
    with pytest.raises(pytest.skip.Exception, match="not proven here: a browser"):
        find_or_lack()


def test_lighthouse_that_breaks_down_is_quoted(
    built: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(command: Sequence[str], **_: object) -> CompletedProcess[str]:
        return CompletedProcess([], int("ci" not in command), "", "no port")

    with Children() as children:
        monkeypatch.setattr(children, "run", broken)
        with pytest.raises(FaultsError, match="Lighthouse broke down:\n    no port"):
            measure(built.project, children)
