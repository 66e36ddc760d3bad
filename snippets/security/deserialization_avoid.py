"""Take back a price that was quoted, and whatever else comes in."""

import hmac
import io
import pickle
from base64 import b64decode
from typing import Any, cast, override

import yaml
from pydantic import BaseModel


class Quote(BaseModel, strict=True):
    account: str
    article: str
    cents: int


# --8<-- [start:answer]
def redeem_pickle(token: str) -> Quote:
    # expect: ruff[S301]
    # expect: test[a_pickle_runs_while_it_is_loaded]
    return cast("Quote", pickle.loads(b64decode(token)))


def redeem_and_then_check(key: bytes, token: str) -> Quote:
    # expect: ruff[S301]
    # expect: test[a_signature_inside_the_pickle_is_checked_too_late]
    body, signature = cast("tuple[bytes, bytes]", pickle.loads(b64decode(token)))
    if not hmac.compare_digest(hmac.digest(key, body, "sha256"), signature):
        raise ValueError("not a quote of ours")
    return Quote.model_validate_json(body)


# --8<-- [end:answer]


# expect: ruff[S301]
class QuoteUnpickler(pickle.Unpickler):
    @override
    def find_class(self, module: str, name: str, /) -> Any:
        if module in {"os", "posix", "subprocess", "sys"}:
            raise pickle.UnpicklingError(f"{module} is forbidden")
        # expect: test[a_list_of_forbidden_modules_leaves_exec]
        return super().find_class(module, name)


def redeem_without_the_dangerous_modules(token: str) -> Quote:
    return cast("Quote", QuoteUnpickler(io.BytesIO(b64decode(token))).load())


def redeem_without_signature(token: str) -> Quote:
    # expect: test[a_model_believes_a_price_that_the_customer_made_up]
    return Quote.model_validate_json(b64decode(token))


def read_prices_by_loader(text: str) -> object:
    # expect: ruff[S506]
    # expect: test[a_yaml_tag_calls_any_function]
    return yaml.load(text, Loader=yaml.Loader)


def read_prices_unsafe(text: str) -> object:
    # expect: test[unsafe_load_does_the_same_and_ruff_passes_it]
    return yaml.unsafe_load(text)
