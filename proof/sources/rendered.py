"""Finds what HTML shows as a block of code."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

BLOCKS = (
    "pre, textarea, listing, plaintext, xmp, [style*=white-space], "
    "code:has(br), kbd:has(br), samp:has(br), tt:has(br)"
)
EMBEDDED = "embed, frame, iframe, object"  # a document of its own


def texts(markup: str) -> Iterator[str]:
    """Find what a page shows as a block of code.

    Args:
        markup: HTML.

    Yields:
        The text of each block: of any element that keeps its white space, and of code
        that breaks its lines by itself. (Code in a sentence is no block: a browser
        folds it into the line.) Of a document within the page its tag, which nobody
        has proven.
    """
    tree = LexborHTMLParser(markup)
    for node in tree.css(BLOCKS):
        if not _inside_block(node):
            yield node.text()
    for node in tree.css(EMBEDDED):
        yield node.html or ""


def _inside_block(node: LexborNode) -> bool:
    parent = node.parent
    return parent is not None and (parent.tag == "pre" or _inside_block(parent))
