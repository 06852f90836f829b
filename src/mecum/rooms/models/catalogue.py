"""The catalogue in memory: which models there are, where they are, which is the default.

Read from the database at most every two seconds, so that the relay's hot path has no query and a change by another
process is seen soon. While the database is away the last known catalogue goes on working.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import NotFound, StartError, Unavailable
from mecum.rooms.models import CatalogueModel
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.prices import FREE, Prices
from mecum.rooms.models.service import LOCAL_CHAT, LOCAL_EMBEDDING, default_chat, default_embedding
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store import prices as price_store
from mecum.rooms.models.store.catalogue import ModelKind, ModelRow, ProviderRow
from mecum.rooms.models.store.prices import PriceRow
from mecum.rooms.models.upstream import Endpoint

logger = logging.getLogger(__name__)

FRESH_S = 2.0
LOCAL_PROVIDER = "built-in"
EMBEDDING_LICENCE, EMBEDDING_CONTEXT = "MIT", 512
DEFAULT_CHAT, DEFAULT_EMBEDDING = "default_chat", "default_embedding"


@dataclass(frozen=True, slots=True)
class Remote:
    """A connected model, where to ask it, and what it costs.

    Args:
        price_id: the version of its prices; None: none were stated, and `prices` are nothing.
    """

    model: ModelRow
    provider: ProviderRow
    endpoint: Endpoint
    prices: Prices = FREE
    price_id: UUID | None = None

    @property
    def speaks_openai(self) -> bool:
        """Whether requests in OpenAI's wire can be passed to it as they are."""
        return self.provider.kind == "openai"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All providers and models at one moment, by id and by name, disabled ones included."""

    providers: Mapping[UUID, ProviderRow]
    models: Mapping[str, Remote]
    chosen: Mapping[str, object]


class Catalogue:
    def __init__(self, db: Database, secrets: SecretBox, clock: Clock, ports: Ports, currency: str) -> None:
        self._currency = currency
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._ports = ports
        self._known: Snapshot | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Read anew at the next question: something has changed."""
        self._read_at = float("-inf")

    async def snapshot(self) -> Snapshot:
        """What there is.

        Raises:
            Unavailable: it was never read and the database is away.
        """
        if self._known is not None and self._clock.monotonic() - self._read_at < FRESH_S:
            return self._known
        async with self._reading:
            if self._known is not None and self._clock.monotonic() - self._read_at < FRESH_S:
                return self._known
            self._read_at = self._clock.monotonic()
            try:
                self._known = await self._read()
            except Unavailable:
                if self._known is None:
                    self.forget()
                    raise
                logger.warning("The catalogue can't be read; the last known one goes on")
            return self._known

    async def _read(self) -> Snapshot:
        async with self._db.transaction() as connection:
            providers = {row.id: row for row in await store.providers(connection)}
            models = await store.models(connection)
            chosen = await store.choices(connection)
            priced = await price_store.in_force(connection, self._clock.now(), self._currency)
        endpoints = {each.id: self._endpoint(each) for each in providers.values()}
        found = {
            each.name: _remote(each, providers[each.provider_id], endpoints[each.provider_id], priced.get(each.id))
            for each in models
            if each.provider_id in providers
        }
        return Snapshot(providers, found, chosen)

    def _endpoint(self, row: ProviderRow) -> Endpoint:
        key = ""
        if row.key_sealed is not None:
            try:
                key = store.KEY.open(self._secrets, row.id, row.key_sealed).decode()
            except StartError:
                # The other providers go on; this one will say that its key is wrong.
                logger.exception("The key of a provider can't be opened")
        return Endpoint(row.name, row.base_url, key, row.kind)

    @property
    def local_on(self) -> bool:
        return self._ports.engine.state.phase != "off"

    @property
    def local_embedding(self) -> str | None:
        return LOCAL_EMBEDDING if self._ports.embedder is not None else None

    async def default(self, kind: ModelKind) -> str | None:
        """The name of the default model of a kind; None when there is none."""
        known = await self.snapshot()
        rows = [remote.model for remote in known.models.values()]
        if kind == "chat":
            return default_chat(known.chosen.get(DEFAULT_CHAT), rows, self.local_on)
        return default_embedding(known.chosen.get(DEFAULT_EMBEDDING), rows, self.local_embedding)

    async def resolve(self, name: str | None, kind: ModelKind) -> Remote | str:
        """The connected model called `name`, or the name itself of a built-in one; None asks for the default.

        Raises:
            NotFound: no such model, or it is of the other kind or switched off.
            Unavailable: no model is there at all.
        """
        wanted = name if name is not None else await self.default(kind)
        if wanted is None:
            raise Unavailable(
                "models.none",
                "No model is connected.",
                "An operator can connect one under Models, or switch the built-in one on.",
                retryable=False,
            )
        if wanted == (LOCAL_CHAT if kind == "chat" else self.local_embedding) and (
            kind == "embedding" or self.local_on
        ):
            return wanted
        remote = (await self.snapshot()).models.get(wanted)
        if remote is None or not remote.model.enabled or remote.model.kind != kind:
            raise NotFound(
                "models.unknown",
                f"There is no {kind} model called {wanted[:128]}.",
                "GET /v1/models lists the models.",
                params={"model": wanted[:128], "kind": kind},
            )
        return remote

    async def listed(self) -> tuple[CatalogueModel, ...]:
        """The models that can be chosen, the defaults first, then connected ones, then the built-in ones."""
        known = await self.snapshot()
        defaults = (await self.default("chat"), await self.default("embedding"))
        found = [
            _listed(remote, remote.model.name in defaults) for remote in known.models.values() if remote.model.enabled
        ]
        found += self._local(defaults)
        return tuple(sorted(found, key=lambda each: (not each.default, each.kind != "chat")))

    def _local(self, defaults: tuple[str | None, ...]) -> list[CatalogueModel]:
        found: list[CatalogueModel] = []
        if self.local_on:
            card = self._ports.engine.card
            names = (card.name, card.licence) if card is not None else ("", "")
            found.append(_built_in(LOCAL_CHAT, "chat", *names, self._ports.local_context_tokens, defaults))
        embedder = self._ports.embedder
        if embedder is not None:
            names = (embedder.model, EMBEDDING_LICENCE)
            found.append(_built_in(LOCAL_EMBEDDING, "embedding", *names, EMBEDDING_CONTEXT, defaults))
        return found


def _remote(model: ModelRow, provider: ProviderRow, endpoint: Endpoint, price: PriceRow | None) -> Remote:
    if price is None:
        return Remote(model, provider, endpoint)
    return Remote(model, provider, endpoint, price.prices, price.id)


def _built_in(
    name: str, kind: ModelKind, upstream: str, licence: str, context: int, defaults: tuple[str | None, ...]
) -> CatalogueModel:
    return CatalogueModel(
        name=name,
        provider=LOCAL_PROVIDER,
        kind=kind,
        upstream_model=upstream,
        context_tokens=context,
        vision=False,
        native_tools=False,
        local=True,
        small=True,
        default=name in defaults,
        licence=licence,
    )


def _listed(remote: Remote, is_default: bool) -> CatalogueModel:
    row = remote.model
    return CatalogueModel(
        name=row.name,
        provider=remote.provider.name,
        kind=row.kind,
        upstream_model=row.upstream_model,
        context_tokens=row.context_tokens,
        vision=row.vision,
        native_tools=row.native_tools,
        local=False,
        small=False,
        default=is_default,
        licence="",
    )
