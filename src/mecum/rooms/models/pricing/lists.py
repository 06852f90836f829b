"""Stating prices, looking at all their versions, and bringing whole lists in and out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, MecumError, NotFound, TooLarge, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.prices import Prices
from mecum.rooms.models.pricing import files
from mecum.rooms.models.routes import Remote
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import prices as store
from mecum.rooms.models.store.catalogue import ModelRow
from mecum.rooms.models.store.prices import PriceRow

COMING_MAX = 2000
LATE_MAX = dt.timedelta(minutes=1)
"""A moment that was now when somebody chose it is still taken for now."""

Difference: TypeAlias = Literal["new", "changed", "same", "unknown", "currency", "malformed"]


@dataclass(frozen=True, slots=True)
class Priced:
    """A model with the price that holds now, and the next one that is coming."""

    model: ModelRow
    provider: str
    now: PriceRow | None
    coming: PriceRow | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a line of a price file would do.

    Args:
        line: the model as the file names it. model: as the catalogue does; None: it has none of that name.
        kind: `unknown`: there is no such model; `currency`: not the one of this installation.
    """

    line: str
    model: ModelRow | None
    kind: Difference
    before: Prices | None
    after: Prices | None
    problem: MecumError | None = None


class PriceLists:
    def __init__(
        self, db: Database, clock: Clock, audit: Audit, catalogue: Catalogue, settings: ModelsSettings
    ) -> None:
        self.currency = settings.currency
        self._db = db
        self._clock = clock
        self._audit = audit
        self._catalogue = catalogue
        self._versions_max = settings.price_versions_max

    async def all(self) -> tuple[Priced, ...]:
        """Every connected model with its price, as the catalogue orders them."""
        async with self._db.transaction() as connection:
            now = self._clock.now()
            held = await store.in_force(connection, now, self.currency)
            coming: dict[UUID, PriceRow] = {}
            for row in await store.coming(connection, now, COMING_MAX):
                coming.setdefault(row.model_id, row)
        return tuple(
            Priced(each.model, each.provider.name, held.get(each.model.id), coming.get(each.model.id))
            for each in await self._models()
        )

    async def versions(
        self, model_id: UUID, before: tuple[dt.datetime, UUID] | None, limit: int
    ) -> tuple[PriceRow, ...]:
        """All versions of one model's prices, the latest first; of one that was removed too."""
        async with self._db.transaction() as connection:
            return await store.versions(connection, model_id, before, limit)

    async def version(self, price_id: UUID) -> PriceRow:
        """Raises NotFound."""
        async with self._db.transaction() as connection:
            found = await store.version(connection, price_id)
        if found is None:
            raise _no_price()
        return found

    async def state(
        self, principal: Principal | None, model_id: UUID, prices: Prices, since: dt.datetime | None = None
    ) -> PriceRow:
        """State what a model costs from `since` on, by default from now.

        Raises:
            NotFound: no such model. Unprocessable: `since` is over. TooLarge: too many versions.
        """
        model = next((each.model for each in await self._models() if each.model.id == model_id), None)
        if model is None:
            raise NotFound("models.model_unknown", "There is no such model.")
        since = self._since(since)
        async with self._db.transaction() as connection:
            row = await self._add(connection, model, prices, since)
            details = {"model": model.name, "since": since.isoformat(timespec="seconds")}
            await self._audit.record(connection, principal, "models.price_stated", f"mdl_{model_id.hex}", details)
        self._catalogue.forget()
        return row

    async def withdraw(self, principal: Principal | None, price_id: UUID) -> None:
        """Take back a version that does not hold yet.

        Raises:
            NotFound: no such version. Conflict: it holds or has held, so costs were reckoned by it.
        """
        row = await self.version(price_id)
        async with self._db.transaction() as connection:
            if not await store.withdraw(connection, price_id, self._clock.now()):
                raise Conflict(
                    "models.price_held",
                    "This price holds already.",
                    "State another one: it holds from then on.",
                )
            details = {"model": row.model, "since": row.since.isoformat(timespec="seconds")}
            await self._audit.record(
                connection, principal, "models.price_withdrawn", f"mdl_{row.model_id.hex}", details
            )
        self._catalogue.forget()

    async def export(self, kind: files.Format) -> str:
        """A price file of all models that have prices now."""
        priced = await self.all()
        return files.write([(each.model.name, each.now.prices) for each in priced if each.now], kind, self.currency)

    async def compared(self, text: str, kind: files.Format) -> tuple[Change, ...]:
        """What a price file would change, line by line; a model is found by its name here, else by its provider's.

        Raises:
            BadRequest: not such a file. TooLarge: too many lines.
        """
        lines = files.read(text, kind, self.currency)
        priced = await self.all()
        by_name, by_upstream = _named(priced)
        found: dict[UUID | str, Change] = {}
        for line in lines:
            meant = by_name.get(line.model) or by_upstream.get(line.model, ())
            for each in meant or (None,):
                change = self._change(line, each)
                found[each.model.id if each is not None else line.model] = change  # the last line counts
        return tuple(found.values())

    async def bring_in(
        self, principal: Principal | None, text: str, kind: files.Format, since: dt.datetime | None = None
    ) -> tuple[Change, ...]:
        """Do what `compared` says: a version for each model that is new or changed.

        Raises as `compared` and `state` do.
        """
        since = self._since(since)
        changes = await self.compared(text, kind)
        wanted = [each for each in changes if each.kind in ("new", "changed")]
        async with self._db.transaction() as connection:
            for each in wanted:
                assert each.model is not None and each.after is not None
                await self._add(connection, each.model, each.after, since)
            if wanted:
                details = {"models": len(wanted), "since": since.isoformat(timespec="seconds")}
                await self._audit.record(connection, principal, "models.prices_imported", "prices", details)
        self._catalogue.forget()
        return changes

    def _change(self, line: files.Line, meant: Priced | None) -> Change:
        model = meant.model if meant is not None else None
        before = meant.now.prices if meant is not None and meant.now is not None else None
        kind: Difference = "changed" if before is not None else "new"
        if line.prices is None:
            kind = "malformed"
        elif line.currency != self.currency:
            kind = "currency"
        elif model is None:
            kind = "unknown"
        elif before == line.prices:
            kind = "same"
        return Change(line.model, model, kind, before, line.prices, line.problem)

    def _since(self, wanted: dt.datetime | None) -> dt.datetime:
        now = self._clock.now()
        if wanted is None or now - LATE_MAX <= wanted <= now:
            return now
        if wanted < now:
            raise Unprocessable(
                "models.price_moment",
                "A price begins now or at a moment that is still to come.",
                "What was used before is reckoned by the price of then.",
            )
        return wanted

    async def _add(self, connection: AsyncConnection, model: ModelRow, prices: Prices, since: dt.datetime) -> PriceRow:
        if await store.count(connection, model.id) >= self._versions_max:
            raise TooLarge(
                "models.too_many_prices",
                f"There are {self._versions_max} prices of {model.name} already.",
                "Raise MECUM_PRICE_VERSIONS_MAX.",
                params={"model": model.name, "limit": self._versions_max},
            )
        row = PriceRow(new_id(), model.id, model.name, self.currency, since, prices, self._clock.now())
        await store.add(connection, row)
        return row

    async def _models(self) -> Sequence[Remote]:
        self._catalogue.forget()
        return (await self._catalogue.snapshot()).models()


def _named(priced: Sequence[Priced]) -> tuple[Mapping[str, tuple[Priced, ...]], Mapping[str, tuple[Priced, ...]]]:
    """Models by their name here, and by what their providers call them: that may be several."""
    by_upstream: dict[str, tuple[Priced, ...]] = {}
    for each in priced:
        by_upstream[each.model.upstream_model] = (*by_upstream.get(each.model.upstream_model, ()), each)
    return {each.model.name: (each,) for each in priced}, by_upstream


def _no_price() -> NotFound:
    return NotFound("models.price_unknown", "There is no such price.")
