"""What changed can be followed: on each rule's page, by day, and in a feed reader."""

from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from proof.changes import changes
from proof.project import Project

ROOT = Path(__file__).parents[2]


def test_each_rule_links_its_last_change_to_that_day(site: Path) -> None:
    project = Project(ROOT)
    last = {each.rule.id: str(each.day) for each in reversed(changes(project))}
    told: dict[str, str] = {}
    for rule in project.rules:
        page = site / rule.chapter / rule.name / "index.html"
        tree = LexborHTMLParser(page.read_text("utf-8"))
        for link in tree.css(".history a[href^='../../changes/#']"):
            told[rule.id] = (link.attributes["href"] or "").partition("#")[2]
    assert told == last
    log = LexborHTMLParser((site / "changes/index.html").read_text("utf-8"))
    days = {node.attributes["id"] for node in log.css("h2[id]")}
    assert days == set(last.values())


def test_each_page_names_the_feed_in_its_head(site: Path) -> None:
    feed = site / "feed.xml"
    assert feed.is_file()
    for path in site.glob("**/index.html"):
        tree = LexborHTMLParser(path.read_text("utf-8"))
        if tree.css("head [http-equiv=refresh]"):
            continue  # it leads to a page that does
        (link,) = tree.css('head [type="application/atom+xml"]')
        address = path.parent / (link.attributes["href"] or "")
        assert address.resolve() == feed.resolve(), path
