"""Take back a price that was quoted, and read a supplier's price list."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import yaml
from pydantic import BaseModel, Field

KEY_BYTES = 32
PURPOSE = b"shop/quote/v1:"  # no other use of the key signs texts that begin so
MAX_CHARACTERS = 50_000
MAX_DEPTH = 3  # a mapping of lists of mappings
# `!!int ''` is an IndexError, `!!timestamp x` an AttributeError, 1:1:...:1.0 overflows
UNREADABLE = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, ValueError)

type Cents = Annotated[int, Field(gt=0, lt=10**9)]


class RefusedError(ValueError):
    """What came in is nothing that we made, or nothing that we asked for."""


class Quote(BaseModel, strict=True, frozen=True, extra="forbid"):
    """A price for one customer, until it expires.

    Attributes:
        account: Who may buy.
        article: What.
        cents: For how much.
        expires: Until when, in seconds since the epoch.
    """

    account: str
    article: str
    cents: Cents
    expires: int


class Price(BaseModel, strict=True, frozen=True, extra="forbid"):
    """A line of a price list.

    Attributes:
        article: What is sold.
        cents: For how much.
    """

    article: str
    cents: Cents


class PriceList(BaseModel, strict=True, frozen=True, extra="forbid"):
    """What a supplier uploads.

    Attributes:
        supplier: Who sells.
        prices: What, for how much.
    """

    supplier: str
    prices: list[Price]


def issue(key: bytes, quote: Quote) -> str:
    """Write a quote for the customer to keep and to bring back.

    Args:
        key: A secret of 32 random bytes that stays here.
        quote: What is quoted; the customer can read it.

    Returns:
        A token of letters, digits and ``-_=.``, for a form or a cookie.

    Raises:
        ValueError: If the key is shorter, or a text of the quote has no form in UTF-8.

    Examples:
        >>> key = bytes(32)  # yours is random
        >>> token = issue(
        ...     key, Quote(account="ada", article="lamp", cents=990, expires=9)
        ... )
        >>> redeem(key, token, account="ada", now=8).cents
        990
    """
    body = urlsafe_b64encode(quote.model_dump_json().encode()).decode()
    return f"{body}.{_signature(key, body)}"


def redeem(key: bytes, token: str, *, account: str, now: int) -> Quote:
    """Read a quote that a customer brings back.

    Args:
        key: The secret that it was issued under.
        token: What the customer sends.
        account: Who is logged in.
        now: The time, in seconds since the epoch.

    Returns:
        The quote as it was issued.

    Raises:
        RefusedError: If it is not ours, not this customer's, or no longer valid.
        ValueError: If the key is shorter.
    """
    # --8<-- [start:answer]
    body, _, signature = token.partition(".")
    genuine = token.isascii() and hmac.compare_digest(_signature(key, body), signature)
    if not genuine:  # nothing has looked into the body so far
        raise RefusedError("not a quote of ours")
    try:
        quote = Quote.model_validate_json(urlsafe_b64decode(body))
    except ValueError as error:  # signed by a version with other fields
        raise RefusedError("not a quote of ours") from error
    # --8<-- [end:answer]
    if quote.account != account or quote.expires <= now:
        raise RefusedError("not a quote for this customer and time")
    return quote


def _signature(key: bytes, body: str) -> str:
    """Sign what is sent, as it is sent."""
    if len(key) < KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
    return hmac.digest(key, PURPOSE + body.encode(), "sha256").hex()


def read_prices(text: str) -> PriceList:
    """Read a price list that a supplier wrote in YAML.

    Args:
        text: What was uploaded.

    Returns:
        The list, checked.

    Raises:
        RefusedError: If it is too long, no plain YAML, or no price list.
    """
    try:
        return PriceList.model_validate(_load(text))
    except UNREADABLE as error:
        raise RefusedError("this is no price list in plain YAML") from error


def _load(text: str) -> object:
    """Load plain data: nothing that is called, nothing that unfolds or recurses."""
    if len(text) > MAX_CHARACTERS:
        raise RefusedError("too long")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # builds nothing
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            raise RefusedError("nested too deeply, or with an alias")
    return yaml.load(text, Loader=yaml.CSafeLoader)
