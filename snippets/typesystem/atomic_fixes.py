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
        supplier: Who sends more; ``None`` where nobody is known.
    """

    sku: str
    stock: int
    minimum: int
    supplier: str | None = None


def read_stock(lines: Iterable[str]) -> dict[str, Article]:
    """Read the list of stock.

    Args:
        lines: CSV with the columns sku, stock, minimum and supplier.

    Returns:
        The articles by number.

    Examples:
        >>> shelf = read_stock(["sku,stock,minimum,supplier", "A1,3,5,Ada"])
        >>> orders(shelf)
        {'ADA': {'A1': 2}}
    """
    rows = csv.DictReader(lines)
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


def find(articles: Mapping[str, Article], sku: str) -> Article | None:
    """Look an article up.

    Args:
        articles: The articles by number.
        sku: A number.

    Returns:
        The article; ``None`` if there is none.
    """
    return articles.get(sku)


def take(articles: Mapping[str, Article], sku: str, count: int) -> int:
    """Take articles from the shelf.

    Args:
        articles: The articles by number.
        sku: Which.
        count: How many.

    Returns:
        How many are left.

    Raises:
        LookupError: If there is no article of that number.
    """
    article = find(articles, sku)
    if article is None:
        raise LookupError(f"no article {sku!r}")
    article.stock -= count
    return article.stock


def orders(articles: Mapping[str, Article]) -> dict[str, dict[str, int]]:
    """List what has to be ordered.

    Args:
        articles: The articles by number.

    Returns:
        The count for each article, by supplier, and by ``?`` where nobody is known.
    """
    wanted: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for article in articles.values():
        if article.stock < article.minimum:
            supplier = "?" if article.supplier is None else article.supplier.upper()
            wanted[supplier][article.sku] = article.minimum - article.stock
    return dict(wanted)
