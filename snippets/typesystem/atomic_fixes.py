"""Work out what a shop has to reorder; annotated, and checked as a whole."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Article:
    """An article on the shelf.

    Attributes:
        sku: Its number.
        stock: How many there are.
        minimum: How many there should be.
        supplier: The firm that sends more; ``None`` where no firm is known.
    """

    sku: str
    stock: int
    minimum: int
    supplier: str | None = None


def find(articles: Mapping[str, Article], sku: str) -> Article | None:
    """Look an article up by its number."""
    return articles.get(sku)


def take(articles: Mapping[str, Article], sku: str, count: int) -> int:
    """Take articles from the shelf, and return how many are left.

    Raises:
        LookupError: If there is no article of that number.
        ValueError: If ``count`` is not above zero, or more than there are.
    """
    # --8<-- [start:answer]
    article = find(articles, sku)
    if article is None:
        raise LookupError(f"no article {sku!r}")
    if not 0 < count <= article.stock:
        raise ValueError(f"can't take {count} of {article.stock}")
    article.stock -= count
    # --8<-- [end:answer]
    return article.stock


def read_stock(lines: Iterable[str]) -> dict[str, Article]:
    """Read the list of stock, as our own till writes it.

    Args:
        lines: CSV with the columns sku, stock, minimum and supplier. The last line of
            a number counts.

    Returns:
        The articles by number.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a count is no whole number.
        csv.Error: If it is no CSV.

    Examples:
        >>> shelf = read_stock(["sku,stock,minimum,supplier", "A1,3,5,Ada"])
        >>> orders(shelf)
        {'ADA': {'A1': 2}}
    """
    rows = csv.DictReader(lines, restval="")
    articles = (
        Article(
            sku=row["sku"],
            stock=int(row["stock"]),
            minimum=int(row["minimum"]),
            supplier=row["supplier"] or None,
        )
        for row in rows
    )
    return {article.sku: article for article in articles}


def orders(articles: Mapping[str, Article]) -> dict[str, dict[str, int]]:
    """List what has to be ordered.

    Args:
        articles: The articles by number.

    Returns:
        The count for each article, by supplier, and by ``?`` where no firm is known.
    """
    wanted: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for article in articles.values():
        if article.stock < article.minimum:
            supplier = "?" if article.supplier is None else article.supplier.upper()
            wanted[supplier][article.sku] = article.minimum - article.stock
    return dict(wanted)
