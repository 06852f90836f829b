"""The catalogue in memory: which models there are, where they are, which is the default.

Read from the database at most every two seconds, so that a change by another process is seen soon; while calls come all
the time it is read beside them, so that none of them waits for a query. While the database is away the last known
catalogue goes on working.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import NotFound, Unavailable
from mecum.kit.types import Principal
from mecum.rooms.models import CatalogueModel
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.router.targets import Targets, targets
from mecum.rooms.models.routes import BuiltIn, Found, Route
from mecum.rooms.models.service import LOCAL_CHAT, LOCAL_EMBEDDING, default_chat, default_embedding
from mecum.rooms.models.snapshot import Named, Snapshot, read
from mecum.rooms.models.store.catalogue import ModelKind

logger = logging.getLogger(__name__)

FRESH_S, STALE_S = 2.0, 4.0
LOCAL_PROVIDER = "built-in"
EMBEDDING_LICENCE, EMBEDDING_CONTEXT = "MIT", 512
DEFAULT_CHAT, DEFAULT_EMBEDDING = "default_chat", "default_embedding"
HERE = frozenset(("ready", "idle", "loading"))


Told: TypeAlias = Callable[[Snapshot], None]
"""Hears of every catalogue that was read."""


def _nobody(known: Snapshot) -> None:
    return None


class Catalogue:
    def __init__(
        self,
        db: Database,
        secrets: SecretBox,
        clock: Clock,
        ports: Ports,
        currency: str,
        resting: Resting,
        told: Told = _nobody,
    ) -> None:
        self._resting = resting
        self._told = told
        self._currency = currency
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._ports = ports
        self._known: Snapshot | None = None
        self._read_at = float("-inf")
        self._changes = self._seen = 0
        self._reading = asyncio.Lock()
        self._refreshing: asyncio.Task[Snapshot] | None = None

    def forget(self) -> None:
        """Something has changed: whoever asks from now on gets what there is after it."""
        self._changes += 1

    async def snapshot(self) -> Snapshot:
        """What there is.

        Raises:
            Unavailable: it was never read and the database is away.
        """
        known, age_s = self._known, self._clock.monotonic() - self._read_at
        if known is not None and self._seen == self._changes and age_s < STALE_S:
            if age_s >= FRESH_S and (self._refreshing is None or self._refreshing.done()):
                self._refreshing = asyncio.create_task(self._read_anew())
            return known
        return await self._read_anew()

    async def stop(self) -> None:
        """No more reading."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})

    async def _read_anew(self) -> Snapshot:
        """Raises as `snapshot`."""
        async with self._reading:
            if self._known is not None and self._seen == self._changes and self._is_fresh:
                return self._known
            changes, self._read_at = self._changes, self._clock.monotonic()
            try:
                async with self._db.transaction() as connection:
                    built_in = self._built_in() if self.local_on else None
                    self._known = await read(connection, self._secrets, self._clock.now(), self._currency, built_in)
                self._told(self._known)
            except Unavailable:
                if self._known is None:
                    raise
                logger.warning("The catalogue can't be read; the last known one goes on")
            self._seen = changes
            return self._known

    @property
    def _is_fresh(self) -> bool:
        return self._clock.monotonic() - self._read_at < FRESH_S

    @property
    def local_on(self) -> bool:
        return self._ports.engine.state.phase != "off"

    @property
    def local_embedding(self) -> str | None:
        return LOCAL_EMBEDDING if self._ports.embedder is not None else None

    async def default(self, kind: ModelKind, principal: Principal | None = None) -> str | None:
        """The name of the model of a kind that answers whoever chooses none; None when there is none.

        Args:
            principal: for whom; None: for somebody who may use everything.
        """
        known = await self.snapshot()
        usable = [each for each in known.named.values() if each.kind == kind and each.allows(principal)]
        names = [each.name for each in usable]
        first = next((each.name for each in usable if not (each.shown.hidden or each.shown.alias)), None)
        if kind == "chat":
            here = known.built_in
            may_local = self.local_on and (here is None or here.allows(principal))
            return default_chat(known.chosen.get(DEFAULT_CHAT), names, first, may_local)
        return default_embedding(known.chosen.get(DEFAULT_EMBEDDING), names, first, self.local_embedding)

    async def resolve(self, principal: Principal | None, name: str | None, kind: ModelKind) -> Found:
        """Where `name` leads; None asks for the default.

        Raises:
            NotFound: no such model for `principal`, or it is of the other kind or switched off.
            Unavailable: no model is there at all, or none of its accounts may be asked now.
        """
        wanted = name if name is not None else await self.default(kind, principal)
        if wanted is None:
            raise Unavailable(
                "models.none",
                "No model is connected.",
                "An operator can connect one under Models, or switch the built-in one on.",
                retryable=False,
            )
        if kind == "embedding" and wanted == self.local_embedding:
            return BuiltIn(wanted, wanted, LOCAL_PROVIDER)
        found = (await self.snapshot()).find(wanted)
        if found is None or found.kind != kind or not found.allows(principal):
            raise NotFound(
                "models.unknown",
                f"There is no {kind} model called {wanted[:128]}.",
                "GET /v1/models lists the models.",
                params={"model": wanted[:128], "kind": kind},
            )
        way = self.way(found)
        if way is None:
            raise Unavailable(
                "models.paused",
                f"Every key for {wanted} is paused.",
                "An operator can let one go on under Models, or choose another model.",
                params={"model": wanted},
                retryable=False,
            )
        return self._resting.last(way) if isinstance(way, Route) else way

    def way(self, named: Named) -> Found | None:
        """Who is asked first for `named` as things are; None: nobody may be asked.

        The built-in model is passed over while its weights are not here, where somebody else can answer.
        """
        here = self.local_here
        return next((way for way in named.ways if here or isinstance(way, Route)), next(iter(named.ways), None))

    @property
    def local_here(self) -> bool:
        """Whether the weights of the built-in model are here: it answers now, or in some seconds."""
        return self._ports.engine.state.phase in HERE

    @property
    def local_ready(self) -> bool:
        """Whether it is loaded."""
        return self._ports.engine.state.phase == "ready"

    async def targets(self, principal: Principal | None) -> Targets | None:
        """Between what the router chooses for `principal`; None: there is nothing to choose."""
        return targets(await self.snapshot(), principal, await self.default("chat", principal))

    async def usable(self, principal: Principal | None) -> tuple[CatalogueModel, ...]:
        """The models that `principal` may use, hidden ones too: the defaults first, then connected ones, then the
        built-in ones. Where the router has something to choose, it is the default.
        """
        known = await self.snapshot()
        router = await self.targets(principal)
        chat = None if router is not None else await self.default("chat", principal)
        defaults = (chat, await self.default("embedding", principal))
        found = [each.shown for each in known.named.values() if each.allows(principal)]
        found = [replace(each, default=True) if each.name in defaults else each for each in found]
        found += self._local(known, principal, defaults)
        if router is not None:
            found.append(router.shown())
        return tuple(sorted(found, key=lambda each: (not each.default, each.kind != "chat")))

    async def listed(self, principal: Principal | None) -> tuple[CatalogueModel, ...]:
        """The models that `principal` is offered."""
        return tuple(each for each in await self.usable(principal) if not each.hidden)

    def _local(
        self, known: Snapshot, principal: Principal | None, defaults: tuple[str | None, ...]
    ) -> list[CatalogueModel]:
        found: list[CatalogueModel] = []
        if self.local_on and (known.built_in is None or known.built_in.allows(principal)):
            hidden = known.built_in is not None and known.built_in.shown.hidden
            found.append(replace(self._built_in(), default=LOCAL_CHAT in defaults, hidden=hidden))
        embedder = self._ports.embedder
        if embedder is not None:
            made = _of_house(LOCAL_EMBEDDING, "embedding", embedder.model, EMBEDDING_LICENCE, EMBEDDING_CONTEXT)
            found.append(replace(made, default=LOCAL_EMBEDDING in defaults))
        return found

    def _built_in(self) -> CatalogueModel:
        card = self._ports.engine.card
        names = (card.name, card.licence) if card is not None else ("", "")
        return _of_house(LOCAL_CHAT, "chat", *names, self._ports.local_context_tokens)


def _of_house(name: str, kind: ModelKind, upstream: str, licence: str, context: int) -> CatalogueModel:
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
        default=False,
        licence=licence,
    )
