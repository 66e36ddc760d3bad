"""Small pieces of Markdown and HTML that fragments are made of."""

import html
import re


def sentence(name: str) -> str:
    """Make words of a test's name.

    Args:
        name: A test function's name, a claim in snake case.

    Returns:
        The claim as a sentence, without a full stop.
    """
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]


def anchor(name: str) -> str:
    """Make the id of a test on its page, by which prose links to it."""
    return name.replace("_", "-")


def count(number: int, noun: str) -> str:
    """Write a number of things: ``1 branch``, ``2 branches``."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def details(kind: str, summary: str, body: str, id_: str = "") -> str:
    """Write Markdown that is folded behind a summary, which is HTML."""
    named = f' id="{id_}"' if id_ else ""
    return (
        f'<details class="{kind}"{named} markdown>\n<summary>{summary}</summary>\n\n'
        f"{body}\n</details>\n"
    )


def link(code: str, url: str) -> str:
    """Link a tool's code to where the tool explains it."""
    text = f"<code>{html.escape(code)}</code>"
    return f'<a href="{html.escape(url)}">{text}</a>' if url else text


def message(said: str) -> str:
    """Write a tool's message as HTML: quoted code as code, lines as lines."""
    text = html.escape(said, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return text.replace("\n", "<br>")


def definitions(kind: str, pairs: dict[str, str]) -> str:
    """Write a list of terms and what they are, in HTML."""
    listed = "".join(
        f"<div><dt>{term}</dt><dd>{what}</dd></div>" for term, what in pairs.items()
    )
    return f'<dl class="{kind}">{listed}</dl>\n'
