"""Work out what a shop has to reorder; annotated by hand, and never checked."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Article:
    sku: str
    stock: int
    minimum: int
    # expect: mypy[assignment] pyright[reportAssignmentType]
    supplier: str = None


# expect: mypy[type-arg]
# expect: pyright[reportMissingTypeArgument] pyright[reportUnknownParameterType]
def find(articles: dict, sku: str) -> Article:
    # expect: mypy[return-value] pyright[reportReturnType]
    # expect: pyright[reportUnknownMemberType] pyright[reportUnknownVariableType]
    # expect: test[an_ignore_here_would_hide_the_failure_for_good]
    return articles.get(sku)


def take(articles: dict[str, Article], sku: str, count: int) -> int:
    # --8<-- [start:answer]
    article = find(articles, sku)  # declared `-> Article`; it returns None as well
    # expect: test[an_unknown_number_fails_on_a_line_that_nobody_reports]
    if not 0 < count <= article.stock:
        raise ValueError(f"can't take {count} of {article.stock}")
    article.stock -= count
    # --8<-- [end:answer]
    return article.stock


# expect: mypy[type-arg]
# expect: pyright[reportMissingTypeArgument] pyright[reportUnknownParameterType]
def read_stock(lines: Iterable[str]) -> dict:
    rows = csv.DictReader(lines, restval="")
    articles = (
        Article(
            sku=row["sku"],
            stock=int(row["stock"]),
            minimum=int(row["minimum"]),
            # expect: mypy[arg-type] pyright[reportArgumentType]
            supplier=row["supplier"] or None,
        )
        for row in rows
    )
    # expect: pyright[reportUnknownVariableType]
    return {article.sku: article for article in articles}


def orders(articles: dict[str, Article]) -> dict[str, dict[str, int]]:
    # expect: mypy[var-annotated] pyright[reportUnknownVariableType]
    wanted = defaultdict(dict)
    for article in articles.values():
        if article.stock < article.minimum:
            # expect: test[an_article_without_supplier_stops_every_order]
            supplier = article.supplier.upper()
            wanted[supplier][article.sku] = article.minimum - article.stock
    # expect: pyright[reportUnknownArgumentType]
    return dict(wanted)
