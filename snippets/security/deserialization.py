"""Take back a price that was quoted, and read a supplier's price list."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

KEY_BYTES = 32
PURPOSE = b"shop/quote/v1:"  # no other use of the key signs texts that begin so
MAX_CHARACTERS = 50_000

type Cents = Annotated[int, Field(gt=0)]


class RefusedError(ValueError):
    """What came in is nothing that we made, or nothing that we asked for."""


class Data(BaseModel):
    """What may come from outside: these fields, of these types."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # showing a bomb of YAML aliases would unfold it
    )


class Quote(Data):
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


class Price(Data):
    """A line of a price list.

    Attributes:
        article: What is sold.
        cents: For how much.
    """

    article: str
    cents: Cents


class PriceList(Data):
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
        ValueError: If the key is shorter.

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
    body, _, signature = token.partition(".")
    genuine = token.isascii() and hmac.compare_digest(_signature(key, body), signature)
    if not genuine:  # nothing has looked into the body so far
        raise RefusedError("not a quote of ours")
    try:
        quote = Quote.model_validate_json(urlsafe_b64decode(body))
    except ValueError as error:  # signed by a version with other fields
        raise RefusedError("not a quote of ours") from error
    if quote.account != account or quote.expires <= now:
        raise RefusedError("not a quote for this customer and time")
    return quote


def read_prices(text: str) -> PriceList:
    """Read a price list that a supplier wrote in YAML.

    Args:
        text: What was uploaded.

    Returns:
        The list, checked.

    Raises:
        RefusedError: If it is too long, no YAML, or no price list.
    """
    if len(text) > MAX_CHARACTERS:
        raise RefusedError("the list is too long")
    try:
        return PriceList.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise RefusedError("this is not YAML, or not plain data") from error
    # safe_load runs nothing, but lets out what int(), a match of None and depth raise.
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise RefusedError("this is not a price list") from error


def _signature(key: bytes, body: str) -> str:
    """Sign what is sent, as it is sent."""
    if len(key) < KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
    return hmac.digest(key, PURPOSE + body.encode(), "sha256").hex()
