"""The parent's side of one child process that serves a model."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from mecum.engines.child import LINE_BYTES, Child
from mecum.engines.llm.order import ServeOrder
from mecum.kit.errors import EngineUnavailable

MODULE = "mecum.engines.llm"
OVERHEAD_BYTES = 3 * 2**29
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running model speaks OpenAI's wire, on loopback. It changes with every start of the child.

    Args:
        base_url: ends with `/v1`.
        model: the name to use in requests.
        context_tokens: prompt and answer together, of one conversation.
        slots: how many answers are written at the same time; more requests wait inside.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str
    context_tokens: int
    slots: int


class LlamaServer:
    """A child that listens."""

    def __init__(self, child: Child, endpoint: Endpoint) -> None:
        self._child = child
        self.endpoint = endpoint

    @classmethod
    async def start(cls, order: ServeOrder, *, memory_bytes: int, timeout_s: float) -> LlamaServer:
        """Start a child and wait until it listens.

        Args:
            memory_bytes: of private memory; the mapped weights do not count.

        Raises:
            EngineUnavailable: it could not load the model, or took too long.
        """
        child = await Child.start(MODULE, environment=ENVIRONMENT, memory_bytes=memory_bytes, limit=LINE_BYTES)
        try:
            child.stdin.write(order.to_json() + b"\n")
            async with asyncio.timeout(timeout_s):
                url = _listening_at(await child.stdout.readline())
        except TimeoutError:
            await _discard(child)
            raise _not_loaded(order, f"it took longer than {timeout_s:.0f} s") from None
        except BaseException:
            await _discard(child)
            raise
        if url is None:
            raise _not_loaded(order, await child.wait())
        endpoint = Endpoint(f"{url}/v1", order.api_key, order.alias, order.context_tokens, order.slots)
        return cls(child, endpoint)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def gone(self) -> bool:
        return self._child.gone

    async def ended(self) -> str:
        """Wait until the child has ended. Returns how, for the operator."""
        return await self._child.wait()

    async def stop(self) -> None:
        await self._child.stop()


async def _discard(child: Child) -> None:
    child.kill()
    await child.wait()


def _listening_at(line: bytes) -> str | None:
    message: dict[str, str] = json.loads(line) if line else {}
    return message.get("url") if message.get("event") == "listening" else None


def _not_loaded(order: ServeOrder, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        "engine_start_failed",
        f"The built-in model {order.alias} can't be loaded: {why}.",
        "Choose MECUM_LOCAL_MODEL=small or a shorter MECUM_LOCAL_CONTEXT, or connect a model server.",
        params={"model": order.alias},
    )


def memory_limit(file_bytes: int, cache_bytes_per_token: int, tokens: int) -> int:
    """Private memory that serving a file may take, in bytes: a bound against leaks, not what it needs."""
    return file_bytes * 3 // 2 + cache_bytes_per_token * tokens + OVERHEAD_BYTES
