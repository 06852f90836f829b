"""What every request passes first."""

from __future__ import annotations

from ipaddress import ip_network

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from mecum.kit.arrival import Pace
from mecum.kit.gate import Gate
from mecum.kit.i18n import I18n

pytestmark = pytest.mark.anyio


async def strict_transport(public_url: str, asked: str, *, days: int = 365, **headers: str) -> str | None:
    """The header by which a browser is told to come by https alone, of an answer to `asked`."""
    gate = Gate(
        PlainTextResponse("hello"),  # pyright: ignore[reportArgumentType]
        i18n=I18n(),
        public_url=public_url,
        trusted_proxies=[ip_network("127.0.0.1")],
        body_limit_bytes=1_000,
        pace=Pace(60, 0),
        own_limits=(),
        hsts_days=days,
    )
    transport = httpx2.ASGITransport(app=gate)  # pyright: ignore[reportArgumentType]
    async with httpx2.AsyncClient(transport=transport) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await client.get(asked, headers=named)
    assert answer.status_code < 400
    return answer.headers.get("strict-transport-security")


async def test_browsers_are_told_to_come_back_by_https_alone() -> None:
    public = "https://mecum.example.org"
    assert await strict_transport(public, public) == "max-age=31536000"
    behind = await strict_transport(public, "http://127.0.0.1:8080", x_forwarded_proto="https")
    assert behind == "max-age=31536000"


async def test_nobody_is_bound_to_https_by_plain_http_by_this_machine_or_against_the_settings() -> None:
    public = "https://mecum.example.org"
    assert await strict_transport(public, "http://127.0.0.1:8080") is None
    assert await strict_transport("https://localhost:8443", "https://localhost:8443") is None
    assert await strict_transport("http://localhost:8080", "https://localhost:8080") is None
    assert await strict_transport(public, public, days=0) is None
