"""Implements `mecum.rooms.models.Models`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from mecum.kit.types import Principal
from mecum.rooms.models import Bulk, CatalogueModel, Embedded, LocalModel, ModelEvent, ModelRequest, Relay
from mecum.rooms.models.answering import Answering
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.exporting import Exporting
from mecum.rooms.models.local import Local
from mecum.rooms.models.reports.mine import MyUsage, Works
from mecum.rooms.models.settings import ModelsSettings


class ModelsRoom:
    """The seam of answers; beside it `relay` and `bulk`, doors under /v1, and `exporting`, a part of an export."""

    def __init__(
        self,
        answering: Answering,
        catalogue: Catalogue,
        local: Local,
        relay: Relay,
        bulk: Bulk,
        exporting: Exporting,
        usage: MyUsage,
        settings: ModelsSettings,
    ) -> None:
        self.relay = relay
        self.bulk = bulk
        self.exporting = exporting
        self._answering = answering
        self._usage = usage
        self._catalogue = catalogue
        self._local = local
        self._local_wait_s = settings.local_wait_max_s

    def stream(self, principal: Principal, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return self._answering.ask(principal, request, self._local_wait_s)

    async def embed(
        self, principal: Principal, texts: Sequence[str], model: str | None, kind: Literal["query", "passage"]
    ) -> Embedded:
        return await self._answering.embed(principal, texts, model, kind)

    async def catalogue(self, principal: Principal) -> tuple[CatalogueModel, ...]:
        return await self._catalogue.usable(principal)

    def local(self) -> LocalModel:
        return self._local.status()

    async def works(self, principal: Principal, month: str | None) -> Works:
        """What pieces of work took in a month; see `MyUsage.works`. Raises BadRequest."""
        return await self._usage.works(principal, month)
