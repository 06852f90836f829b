"""Prices from the command line: models by name, amounts as text, and what comes back shaped as the API has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from mecum.kit.errors import NotFound
from mecum.rooms.models.pricing import files
from mecum.rooms.models.pricing.amounts import prices_of
from mecum.rooms.models.pricing.lists import PriceLists
from mecum.rooms.models.pricing.out import change_out, price_out, priced_out
from mecum.rooms.models.store.catalogue import ModelRow

VERSIONS_SHOWN = 200


class PriceCommands:
    def __init__(self, lists: PriceLists) -> None:
        self.currency = lists.currency
        self._lists = lists

    async def list(self) -> list[dict[str, Any]]:
        """Every connected model with its price."""
        return [priced_out(each) for each in await self._lists.all()]

    async def versions(self, name: str) -> list[dict[str, Any]]:
        """The latest versions of a model's prices, the latest first. Raises NotFound."""
        found = await self._lists.versions((await self._model(name)).id, None, VERSIONS_SHOWN)
        return [price_out(row) for row in found]

    async def state(
        self, name: str, stated: Mapping[str, str | None], since: dt.datetime | None = None
    ) -> dict[str, Any]:
        """State what a model costs. Raises NotFound, Unprocessable, TooLarge."""
        model = await self._model(name)
        return price_out(await self._lists.state(None, model.id, prices_of(stated), since))

    async def export(self, kind: files.Format) -> str:
        return await self._lists.export(kind)

    async def bring_in(
        self, text: str, file_name: str, since: dt.datetime | None, *, apply: bool
    ) -> list[dict[str, Any]]:
        """Take prices from a file, or only say what it would change. Raises as `PriceLists.bring_in`."""
        kind = files.format_of(file_name)
        if apply:
            changes = await self._lists.bring_in(None, text, kind, since)
        else:
            changes = await self._lists.compared(text, kind)
        return [change_out(each) for each in changes]

    async def _model(self, name: str) -> ModelRow:
        for each in await self._lists.all():
            if each.model.name == name:
                return each.model
        raise NotFound("models.model_unknown", "There is no such model.")
