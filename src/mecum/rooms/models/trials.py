"""Looking at a provider before it is connected, and real short calls to see whether a model answers."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError
from mecum.rooms.models import Finish, Message, ModelRequest, TextDelta, TextPart, failures, service
from mecum.rooms.models.store.catalogue import ModelKind
from mecum.rooms.models.upstream import Endpoint, Upstream
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, obj
from mecum.rooms.models.wires.openai_chat import OpenAiChat, Target

DISCOVERED_MAX = 1000
TEST_TEXT = "Answer with one short sentence: are you there?"
TEST_TOKENS = 200
TEST_CHARS_MAX = 400


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
    def __init__(self, upstream: Upstream, chat: OpenAiChat, clock: Clock) -> None:
        self._upstream = upstream
        self._chat = chat
        self._clock = clock

    async def discover(self, base_url: str, key: str) -> tuple[Discovered, ...]:
        """The models that a provider lists.

        Raises:
            MecumError: as in `failures`; Unprocessable for the address.
        """
        endpoint = Endpoint(host_of(base_url), service.base_url(base_url), key)
        async with self._upstream.open(endpoint, "GET", "/models") as answer:
            if not answer.ok:
                raise await answer.error()
            body = await answer.read()
        try:
            value: object = json.loads(body)
        except (ValueError, RecursionError):
            raise failures.garbage(endpoint.provider, "a list of models that is not JSON") from None
        listed = [obj(each) for each in arr(obj(value).get("data") or obj(value).get("models") or value)]
        found = [_discovered(each) for each in listed[:DISCOVERED_MAX] if service.listed_id(each)]
        return tuple(sorted(found, key=lambda each: each.id))

    async def try_out(self, base_url: str, key: str, upstream_model: str) -> Trial:
        """Ask a model that is not connected yet for one short sentence. Raises Unprocessable for the address."""
        endpoint = Endpoint(host_of(base_url), service.base_url(base_url), key)
        return await self.ask(endpoint, upstream_model, service.guess_kind(upstream_model))

    async def ask(self, endpoint: Endpoint, upstream_model: str, kind: ModelKind) -> Trial:
        """Ask for one short sentence, or for one vector."""
        started = self._clock.monotonic()
        try:
            said = await (
                self._say(endpoint, upstream_model) if kind == "chat" else self._embed(endpoint, upstream_model)
            )
        except MecumError as error:
            return Trial(False, self._since(started), "", error)
        return Trial(True, self._since(started), said[:TEST_CHARS_MAX])

    async def _say(self, endpoint: Endpoint, upstream_model: str) -> str:
        request = ModelRequest([Message("user", (TextPart(TEST_TEXT),))], max_tokens=TEST_TOKENS, purpose="models.test")
        said: list[str] = []
        async with aclosing(self._chat.stream(Target(endpoint, upstream_model, upstream_model), request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    said.append(event.text)
                elif isinstance(event, Finish):
                    break
        return "".join(said).strip()

    async def _embed(self, endpoint: Endpoint, upstream_model: str) -> str:
        body = dumps({"model": upstream_model, "input": ["hello"]})
        async with self._upstream.open(endpoint, "POST", "/embeddings", body) as answer:
            if not answer.ok:
                raise await answer.error()
            data = arr(obj(json.loads(await answer.read())).get("data"))
        size = len(arr(obj(data[0]).get("embedding"))) if data else 0
        if not size:
            raise failures.garbage(endpoint.provider, "no vector")
        return f"{size} dimensions"

    def _since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1000)


def _discovered(listed: JsonObject) -> Discovered:
    name = service.listed_id(listed)
    return Discovered(name, service.guess_kind(name), service.guess_context(listed), service.guess_vision(name))


def host_of(base_url: str) -> str:
    """What to call a provider that has no name yet."""
    return base_url.partition("://")[2].partition("/")[0].rpartition("@")[2][:100] or "The provider"
