"""Show what a customer wrote, on a page of the shop."""

from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

PAGE = """\
<article data-author="{{ review.author }}">
<h1>{{ review.author }}</h1>
{{ review.text | paragraphs }}
<a href="/reviews?by={{ review.author | urlencode }}">More of these</a>
{% if review.website is web_link %}
<a rel="nofollow ugc" href="{{ review.website }}">{{ review.website }}</a>
{% endif %}
</article>
<script type="application/json" id="review">{{ fields | tojson }}</script>
"""

# --8<-- [start:answer]
ENVIRONMENT = Environment(
    autoescape=True,  # whatever a template is called
    loader=DictLoader({"review.html.j2": PAGE}),
    undefined=StrictUndefined,  # a misspelt name is an error and no empty text
)
# --8<-- [end:answer]


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a customer wrote, kept character by character.

    Attributes:
        author: The name as it was typed.
        text: Paragraphs, with an empty line between two.
        website: A link of the customer's, or nothing.
    """

    author: str
    text: str
    website: str = ""


def paragraphs(text: str) -> Markup:
    """Make paragraphs of a text.

    Args:
        text: Plain text, in which nothing is markup.

    Returns:
        Markup, in which only the ``<p>`` are not the text's.

    Examples:
        >>> paragraphs("I <3 it.")
        Markup('<p>I &lt;3 it.</p>')
    """
    lines = text.replace("\r\n", "\n")  # which is what a browser's form sends
    written = (part.strip() for part in lines.split("\n\n"))
    # Markup(…) believes its argument, and its format() escapes what it puts in.
    return Markup("\n").join(
        Markup("<p>{}</p>").format(each) for each in written if each
    )


def is_web_link(value: str) -> bool:
    """Tell whether a click on a URL opens a page and runs nothing.

    Args:
        value: A URL as it was typed.

    Returns:
        Whether it names another host, by http or https.

    Examples:
        >>> is_web_link("https://ada.example"), is_web_link("javascript:alert(1)")
        (True, False)
    """
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


ENVIRONMENT.filters["paragraphs"] = paragraphs
ENVIRONMENT.tests["web_link"] = is_web_link


def page(review: Review) -> str:
    """Write a review as HTML, with each value encoded for its place.

    Args:
        review: What to show.

    Returns:
        A part of a page.

    Raises:
        UnicodeEncodeError: If the author has half of a surrogate pair: it is no text.
    """
    template = ENVIRONMENT.get_template("review.html.j2")
    return template.render(review=review, fields=asdict(review))
