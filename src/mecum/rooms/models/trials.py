"""Looking at a provider before it is connected, and real short calls to see whether a model answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError, NotFound
from mecum.rooms.models import Message, ModelEvent, ModelRequest, TextDelta, TextPart, failures, service
from mecum.rooms.models.catalogue import LOCAL_PROVIDER
from mecum.rooms.models.gate.door import Asked, Gate
from mecum.rooms.models.local import Local
from mecum.rooms.models.ports import LocalEmbedder
from mecum.rooms.models.store.catalogue import ModelKind, ProviderKind
from mecum.rooms.models.upstream import Endpoint, Target, Upstream
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, loads, obj
from mecum.rooms.models.wires.wires import Wires

DISCOVERED_MAX = 1000
TEST_TEXT = "Answer with one short sentence: are you there?"
TEST_CHARS_MAX = 400
LOCAL_WAIT_S = 5.0
LISTS: dict[ProviderKind, str] = {
    "openai": "/models",
    "responses": "/models",
    "anthropic": f"/models?limit={DISCOVERED_MAX}",
    "gemini": f"/models?pageSize={DISCOVERED_MAX}",
}
LOCAL_TRIAL = Asked(((LOCAL_PROVIDER,),), service.LOCAL_CHAT, "models.trial", "interactive", 20, 200)
QUESTION = ModelRequest([Message("user", (TextPart(TEST_TEXT),))], max_tokens=200, purpose="models.test")


@dataclass(frozen=True, slots=True)
class Discovered:
    """A model that a provider lists, and what can be told of it from its name and entry."""

    id: str
    kind: ModelKind
    context_tokens: int
    vision: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """How a real short call went: `text` is what the model said, `problem` why it did not."""

    ok: bool
    latency_ms: int
    text: str
    problem: MecumError | None = None


class Trials:
    def __init__(
        self,
        upstream: Upstream,
        wires: Wires,
        local: Local,
        gate: Gate,
        embedder: LocalEmbedder | None,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._wires = wires
        self._local = local
        self._gate = gate
        self._embedder = embedder
        self._clock = clock

    async def discover(self, base_url: str, key: str, kind: ProviderKind | None = None) -> tuple[Discovered, ...]:
        """The models that a provider lists; its wire is guessed from the address where `kind` is None.

        Raises:
            MecumError: as in `failures`; Unprocessable for the address.
        """
        endpoint = _endpoint(base_url, key, kind)
        async with self._upstream.open(endpoint, "GET", LISTS[endpoint.kind]) as answer:
            if not answer.ok:
                raise await answer.error()
            value = loads(await answer.read())
        if value is None:
            raise failures.garbage(endpoint.provider, "a list of models that is not JSON")
        listed = [obj(each) for each in arr(obj(value).get("data") or obj(value).get("models") or value)]
        found = [_discovered(each) for each in listed[:DISCOVERED_MAX] if service.listed_id(each)]
        return tuple(sorted(found, key=lambda each: each.id))

    async def try_out(
        self, base_url: str, key: str, upstream_model: str, provider_kind: ProviderKind | None = None
    ) -> Trial:
        """Ask a model that is not connected yet for one short sentence. Raises Unprocessable for the address."""
        endpoint = _endpoint(base_url, key, provider_kind)
        return await self.ask(endpoint, upstream_model, service.guess_kind(upstream_model))

    async def ask(self, endpoint: Endpoint, upstream_model: str, kind: ModelKind) -> Trial:
        """Ask for one short sentence, or for one vector."""
        if kind == "embedding":
            return await self._timed(self._embed(endpoint, upstream_model))
        target = Target(endpoint, upstream_model, upstream_model)
        return await self._timed(_said(self._wires.stream(target, QUESTION)))

    async def ask_local(self, kind: ModelKind) -> Trial:
        """The same of the built-in models. It does not wait until they have arrived."""
        if kind == "chat":
            return await self._timed(self._ask_here())
        return await self._timed(self._embed_here())

    async def _ask_here(self) -> str:
        async with self._gate.enter(LOCAL_TRIAL) as place:
            return await _said(self._local.stream(QUESTION, place, LOCAL_WAIT_S))

    async def _timed(self, asked: Awaitable[str]) -> Trial:
        started = self._clock.monotonic()
        try:
            said, problem = await asked, None
        except MecumError as error:
            said, problem = "", error
        took_ms = round((self._clock.monotonic() - started) * 1000)
        return Trial(problem is None, took_ms, said[:TEST_CHARS_MAX], problem)

    async def _embed(self, endpoint: Endpoint, upstream_model: str) -> str:
        body = dumps({"model": upstream_model, "input": ["hello"]})
        async with self._upstream.open(endpoint, "POST", "/embeddings", body) as answer:
            if not answer.ok:
                raise await answer.error()
            data = arr(obj(loads(await answer.read())).get("data"))
        size = len(arr(obj(data[0]).get("embedding"))) if data else 0
        if not size:
            raise failures.garbage(endpoint.provider, "no vector")
        return f"{size} dimensions"

    async def _embed_here(self) -> str:
        if self._embedder is None:
            raise NotFound("models.model_unknown", "There is no such model.")
        found = await self._embedder.embed_counted(["hello"], "query")
        return f"{len(found.vectors[0])} dimensions"


async def _said(stream: AsyncGenerator[ModelEvent, None]) -> str:
    """The text of an answer."""
    async with aclosing(stream) as events:
        said = [event.text async for event in events if isinstance(event, TextDelta)]
    return "".join(said).strip()


def _discovered(listed: JsonObject) -> Discovered:
    name = service.listed_id(listed)
    return Discovered(name, service.guess_kind(name), service.guess_context(listed), service.guess_vision(name))


def _endpoint(base_url: str, key: str, kind: ProviderKind | None) -> Endpoint:
    """Raises Unprocessable."""
    kind = kind or service.guess_provider_kind(base_url)
    return Endpoint(host_of(base_url), service.base_url(base_url, kind), key, kind)


def host_of(base_url: str) -> str:
    """What to call a provider that has no name yet."""
    return base_url.partition("://")[2].partition("/")[0].rpartition("@")[2][:100] or "The provider"
