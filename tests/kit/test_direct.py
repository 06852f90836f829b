"""What is in the way of every token does not pass the framework; everything else does."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mecum.kit.direct import Direct

pytestmark = pytest.mark.anyio


class Endpoint:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"from": "endpoint", "path_params": scope["path_params"]})


async def framework(scope: Any, receive: Any, send: Any) -> None:
    await send({"from": "framework"})


async def receive() -> Any:
    raise AssertionError("nobody reads")


async def function(request: Request) -> PlainTextResponse:
    return PlainTextResponse("needs the framework around it")


DIRECT = Direct(
    framework,
    [
        Route("/v1/answers", Endpoint(), methods=["POST"]),
        Route("/v1/answers/{answer}", Endpoint(), methods=["GET"]),
        Route("/v1/function", function, methods=["POST"]),
    ],
)


@pytest.mark.parametrize(
    ("method", "path", "reached"),
    [
        ("POST", "/v1/answers", "endpoint"),
        ("GET", "/v1/answers", "framework"),
        ("POST", "/v1/answers/", "framework"),
        ("GET", "/v1/answers/one", "framework"),
        ("GET", "/v1/answers/{answer}", "framework"),
        ("POST", "/v1/function", "framework"),
        ("POST", "/elsewhere", "framework"),
    ],
)
async def test_a_fixed_path_with_its_method_reaches_its_endpoint(method: str, path: str, reached: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await DIRECT({"type": "http", "method": method, "path": path}, receive, send)
    assert [message["from"] for message in sent] == [reached]


async def test_what_is_no_request_is_the_frameworks() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await DIRECT({"type": "websocket", "path": "/v1/answers"}, receive, send)
    assert sent == [{"from": "framework"}]
