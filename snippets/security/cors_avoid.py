"""Let front ends read the API in a browser, and other pages with them."""

from typing import override

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response


# --8<-- [start:answer]
def allow_all(app: Starlette) -> None:
    app.add_middleware(
        CORSMiddleware,
        # expect: test[a_wildcard_with_credentials_lets_every_page_read_adas_orders]
        allow_origins=["*"],
        allow_credentials=True,
    )


def allow_a_string(app: Starlette, setting: str) -> None:
    app.add_middleware(
        CORSMiddleware,
        # expect: test[a_string_of_one_origin_contains_another]
        allow_origins=setting,
        allow_credentials=True,
    )


# --8<-- [end:answer]


def allow_a_pattern(app: Starlette) -> None:
    app.add_middleware(
        CORSMiddleware,
        # expect: test[a_dot_in_a_pattern_is_any_letter]
        allow_origin_regex=r"https://(www.)?shop.example",
        allow_credentials=True,
    )


def allow_local_files(app: Starlette) -> None:
    app.add_middleware(
        CORSMiddleware,
        # expect: test[a_sandboxed_frame_of_any_page_has_the_origin_null]
        allow_origins=["https://shop.example", "null"],
        allow_credentials=True,
    )


def allow_within(app: Starlette) -> None:
    # expect: test[a_failure_within_the_application_is_reported_as_one_of_cors]
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["https://shop.example"],
        allow_credentials=True,
    )


class AllowByEnding(BaseHTTPMiddleware):
    @override
    async def dispatch(
        self, request: Request, call_next: RequestResponseEndpoint
    ) -> Response:
        response = await call_next(request)
        origin = request.headers.get("Origin", "")
        # expect: test[another_domain_may_end_like_yours]
        if origin.endswith("shop.example"):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            # expect: test[a_cache_gives_one_front_ends_answer_to_the_next]
        return response
