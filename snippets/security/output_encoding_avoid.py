"""Show what a customer wrote, and run it."""

import html
from dataclasses import dataclass

from jinja2 import DictLoader, Environment, select_autoescape
from markupsafe import Markup

PAGE = "<h1>{{ author }}</h1>"


@dataclass(frozen=True, kw_only=True)
class Review:
    author: str
    website: str = ""


# --8<-- [start:answer]
def page_as_it_comes(review: Review) -> str:
    # expect: ruff[S701]
    environment = Environment(loader=DictLoader({"review.html": PAGE}))
    # expect: test[without_autoescape_a_name_is_a_script]
    return environment.get_template("review.html").render(author=review.author)


def page_by_extension(review: Review) -> str:
    environment = Environment(
        autoescape=select_autoescape(), loader=DictLoader({"review.html.j2": PAGE})
    )
    # expect: test[select_autoescape_does_not_know_the_extension_j2]
    return environment.get_template("review.html.j2").render(author=review.author)


# --8<-- [end:answer]


def heading(review: Review) -> Markup:
    # expect: ruff[S704]
    # expect: test[a_markup_of_a_filled_string_believes_what_was_filled_in]
    return Markup(f"<h1>{review.author}</h1>")


def opening_tag(review: Review) -> str:
    if "<" in review.author or ">" in review.author:
        raise ValueError("no HTML, please")
    # expect: test[a_validated_name_leaves_the_attribute_and_becomes_a_handler]
    return f'<article title="{review.author}">'


def link(review: Review) -> str:
    template = Environment(autoescape=True).from_string('<a href="{{ url }}">site</a>')
    # expect: test[an_escaped_url_is_still_a_program]
    return template.render(url=review.website)


def script(review: Review) -> str:
    template = Environment(autoescape=True).from_string(
        "<script>show('{{ author }}', '{{ website }}')</script>"
    )
    # expect: test[html_escaping_in_a_script_leaves_the_backslash]
    return template.render(author=review.author, website=review.website)


def stored(review: Review) -> Review:
    # expect: test[a_name_that_was_escaped_when_stored_is_wrong_wherever_it_goes]
    return Review(author=html.escape(review.author), website=review.website)
