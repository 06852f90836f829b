"""The room's routes, called over loopback."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.support.fake_provider import FakeProvider


class Api:
    """Gives the status of an answer and its JSON; None where it has none."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base = base
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, f"{self._base}/api/{path}", json=body) as answer:
            return answer.status, await answer.json() if answer.content_length != 0 and answer.status != 204 else None

    async def text(self, path: str) -> str:
        async with self._session.get(f"{self._base}/api/{path}") as answer:
            return await answer.text()


async def connected(api: Api, fake: FakeProvider, **more: Any) -> Any:
    """The fake provider, connected with one model."""
    status, provider = await api(
        "POST", "providers", {"name": "Fake", "base_url": fake.base_url, "key": "sk-1", "model": "fake", **more}
    )
    assert status == 201, provider
    return provider
