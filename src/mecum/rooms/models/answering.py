"""The one seam through which an answer is made, and vectors are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from mecum.kit.errors import MecumError, TooLarge
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import (
    Embedded,
    Finish,
    ModelEvent,
    ModelRequest,
    TextDelta,
    Usage,
    Waiting,
    failures,
)
from mecum.rooms.models.attempts import Attempts
from mecum.rooms.models.call import Call, named
from mecum.rooms.models.calls import Calls, Ongoing
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.health import Health
from mecum.rooms.models.local import Local
from mecum.rooms.models.otherwise import otherwise
from mecum.rooms.models.planning.planner import Planner
from mecum.rooms.models.ports import LocalEmbedder, Ports
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.router.routing import ROUTED, Router
from mecum.rooms.models.routes import BuiltIn, Found, Remote, Route
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tiers import Tier
from mecum.rooms.models.tokens import estimate, estimate_input
from mecum.rooms.models.upstream import Target
from mecum.rooms.models.wires.jsons import arr, count, dumps, loads, obj
from mecum.rooms.models.wires.wires import Wires, unsaid


@dataclass(slots=True)
class AnsweredBy:
    """Which model answers, and how: known from the first event of its answer on.

    Args:
        unread: what the request asked for that nobody is told. unsaid: what its protocol has no words for.
    """

    model: str
    tier: Tier = "default"
    degraded: str | None = None
    unread: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


class Answering:
    """Asks models: connected ones and built-in ones alike."""

    def __init__(
        self,
        catalogue: Catalogue,
        router: Router,
        calls: Calls,
        wires: Wires,
        local: Local,
        planner: Planner,
        sender: Sender,
        resting: Resting,
        health: Health,
        ports: Ports,
        settings: ModelsSettings,
    ) -> None:
        self._catalogue = catalogue
        self._router = router
        self._calls = calls
        self._wires = wires
        self._local = local
        self._planner = planner
        self._sender = sender
        self._resting = resting
        self._health = health
        self._ports = ports
        self._settings = settings

    async def ask(
        self,
        principal: Principal,
        request: ModelRequest,
        local_wait_s: float,
        by: AnsweredBy | None = None,
        found: Found | None = None,
    ) -> AsyncGenerator[ModelEvent, None]:
        """Ask a model; `local_wait_s` is the longest wait for the built-in one to arrive, in seconds.

        Args:
            by: is told which model answers.
            found: where its model leads, where that is known already.

        Raises:
            MecumError: as `Models.stream`.
        """
        if found is None and request.model in ROUTED:
            found, request = await self._router.of_request(principal, request) or (None, request)
        if found is None:
            found = await self._catalogue.resolve(principal, request.model, "chat")
        while True:
            begun = False
            try:
                async with aclosing(self._ask(principal, request, local_wait_s, by, found)) as events:
                    async for event in events:
                        begun = begun or not isinstance(event, Waiting)
                        yield event
                return
            except MecumError as error:
                after = None if begun else otherwise(found, error)
                if after is None:
                    raise
                found = after

    async def _ask(
        self, principal: Principal, request: ModelRequest, local_wait_s: float, by: AnsweredBy | None, found: Found
    ) -> AsyncGenerator[ModelEvent, None]:
        """Ask one after the other of `found`, not who comes otherwise."""
        routed = found.routed
        request = replace(request, conversation=named(principal, request))
        tokens, most = estimate_input(request.messages, request.tools), request.max_tokens
        gives_way, begins = request.gives_way, request.messages
        call = Call.to(
            found, principal, request.purpose, tokens, most, gives_way=gives_way, begins=begins, tier=request.tier
        )
        async with self._calls.line_up(call) as ongoing:
            if isinstance(found, BuiltIn):
                assert ongoing.place is not None
                ask = partial(self._local.stream, request, ongoing.place, local_wait_s, principal.timezone)
            else:
                ask = partial(self._along, ongoing, found, ongoing.limited(request), principal.timezone, by)
            events = ongoing.events(ask) if call.band == "bulk" else ask()
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, TextDelta):
                        ongoing.made += estimate(event.text)
                    elif isinstance(event, Finish):
                        ongoing.usage = event.usage
                    if not isinstance(event, Waiting):
                        ongoing.first()
                        if by is not None:
                            by.model, by.tier, by.degraded = ongoing.call.model, ongoing.call.tier, ongoing.degraded
                    yield replace(event, routed=routed) if routed and isinstance(event, Finish) else event

    async def _along(
        self, ongoing: Ongoing, route: Route, request: ModelRequest, timezone: str, by: AnsweredBy | None
    ) -> AsyncGenerator[ModelEvent, None]:
        """Ask whoever is on `route`: somebody else after a failure, as long as nothing of an answer has come."""
        attempts, begun = Attempts(route, self._resting, self._settings), False
        while True:
            async with aclosing(ongoing.queue()) as waits:
                async for waiting in waits:
                    yield waiting
            remote = attempts.at(ongoing.pool)
            ongoing.asks(remote)
            if by is not None:
                by.unsaid = unsaid(remote.endpoint.kind, request)
            try:
                async with aclosing(self._remote(remote, request, timezone, is_alone=route.is_single)) as events:
                    async for event in events:
                        begun = begun or not isinstance(event, Waiting)
                        yield event
                attempts.worked(remote)
                self._health.worked(remote.account)
                return
            except MecumError as error:
                self._health.failed(remote.account, error)
                # Alone, it was asked again by the wire already.
                again = None if begun or route.is_single else attempts.failed(remote, error)
                if again is None:
                    raise
            if again.wait_s:
                yield Waiting("provider_busy", about_seconds=again.wait_s)
                await asyncio.sleep(again.wait_s)
            ongoing.elsewhere(again.tiers)

    def _remote(
        self, remote: Remote, request: ModelRequest, timezone: str, *, is_alone: bool
    ) -> AsyncGenerator[ModelEvent, None]:
        target = Target(remote.endpoint, remote.model.upstream_model, remote.model.name, is_alone)

        def ask(asked: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            return self._wires.stream(target, asked)

        return ask(request) if remote.model.native_tools else self._planner.answer(request, ask, timezone)

    async def embed(
        self, principal: Principal, texts: Sequence[str], model: str | None, kind: Literal["query", "passage"]
    ) -> Embedded:
        """Vectors of unit length, one per text.

        Raises:
            NotFound, Unavailable: as `stream`. TooLarge: too many texts. ProviderError: the provider failed.
        """
        if len(texts) > self._settings.embed_texts_max:
            raise TooLarge(
                "models.too_many_texts",
                f"More than {self._settings.embed_texts_max} texts in one call.",
                "Send them in several calls.",
                params={"limit": self._settings.embed_texts_max},
            )
        found = await self._catalogue.resolve(principal, model, "embedding")
        tokens = Tokens(sum(estimate(text) for text in texts))
        purpose = "models.embed_query" if kind == "query" else "models.embed"
        call = replace(Call.to(found, principal, purpose, tokens, 0), is_gated=isinstance(found, Route))
        async with self._calls.open(call) as ongoing:
            embedder = self._ports.embedder
            if isinstance(found, BuiltIn):
                assert embedder is not None
                embedded = await _embed_here(embedder, found.model, texts, kind)
            else:
                embedded = await self._embed_there(ongoing, found, texts, tokens)
            ongoing.first()
            ongoing.usage = Usage(embedded.tokens, Tokens(0))
            return embedded

    async def _embed_there(self, ongoing: Ongoing, route: Route, texts: Sequence[str], estimated: Tokens) -> Embedded:
        def body(remote: Remote) -> bytes:
            return dumps({"model": remote.model.upstream_model, "input": list(texts)})

        async with await self._sender.send(ongoing, route, "/embeddings", body) as (remote, answer):
            if not answer.ok:
                raise await answer.error()
            value = obj(loads(await answer.read()))
        rows = sorted((obj(row) for row in arr(value.get("data"))), key=lambda row: count(row.get("index")) or 0)
        vectors = tuple(_unit(arr(row.get("embedding")), remote.provider.name) for row in rows)
        if len(vectors) != len(texts):
            raise failures.garbage(remote.provider.name, f"{len(vectors)} vectors for {len(texts)} texts")
        said = count(obj(value.get("usage")).get("prompt_tokens"))
        return Embedded(vectors, remote.model.name, Tokens(said) if said is not None else estimated)


async def _embed_here(
    embedder: LocalEmbedder, name: str, texts: Sequence[str], kind: Literal["query", "passage"]
) -> Embedded:
    found = await embedder.embed_counted(texts, kind)
    return Embedded(tuple(tuple(vector) for vector in found.vectors), name, Tokens(found.tokens))


def _unit(values: list[object], provider: str) -> tuple[float, ...]:
    """`values` scaled to unit length.

    Raises:
        ProviderError: not numbers, or all zero.
    """
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    length = sum(number * number for number in numbers) ** 0.5
    if not numbers or len(numbers) != len(values) or not 0 < length < float("inf"):
        raise failures.garbage(provider, "something that is not a vector")
    return tuple(number / length for number in numbers)
