"""Whether a child that lives also works: it is asked for its figures, which it gives between two steps of its work.

llama.cpp answers `/health` beside its work, and so also when that stands still; `/metrics` waits in the line of tasks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mecum.kit.clock import Clock

if TYPE_CHECKING:
    from mecum.engines.llm.server import Endpoint

ASK_EVERY_S = 10.0
ASKS_PER_SILENCE = 4


async def until_silent(endpoint: Endpoint, silent_s: float, clock: Clock) -> None:
    """Return once it has not answered for `silent_s` seconds."""
    import aiohttp  # loaded with the first provider or model

    url = endpoint.base_url.removesuffix("/v1") + "/metrics"
    pause_s = min(ASK_EVERY_S, silent_s / ASKS_PER_SILENCE)
    heard_at = clock.monotonic()
    headers = {"authorization": f"Bearer {endpoint.api_key}"}
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        while (left := heard_at + silent_s - clock.monotonic()) > 0:
            try:
                async with session.get(url, timeout=aiohttp.ClientTimeout(total=left)) as answer:
                    await answer.read()
                heard_at = clock.monotonic()
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # Not heard; a child that has ended is seen by whoever waits for its end.
            await asyncio.sleep(pause_s)
