"""Names that stand for several models: what operators do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import NotFound, TooLarge, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.models import access, service
from mecum.rooms.models.access import EVERYBODY, Access
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.providers import follow_default, name_taken
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.snapshot import Named
from mecum.rooms.models.store import aliases as store
from mecum.rooms.models.store import catalogue as catalogue_store
from mecum.rooms.models.store.aliases import BUILT_IN, AliasRow
from mecum.rooms.models.store.catalogue import ModelKind


@dataclass(frozen=True, slots=True)
class AliasChange:
    """None keeps a value. `tiers`: names of models; those of one tier share the load, a later one stands by."""

    name: str | None = None
    tiers: Sequence[Sequence[str]] | None = None
    note: str | None = None
    enabled: bool | None = None
    hidden: bool | None = None
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class KnownAlias:
    """An alias for an operator's eyes.

    Args:
        tiers: names of its models as they are now.
        named: what people get; None: nothing, it is off or none of its models is on.
    """

    row: AliasRow
    tiers: tuple[tuple[str, ...], ...]
    named: Named | None
    is_default: bool


class Aliases:
    def __init__(
        self, db: Database, clock: Clock, audit: Audit, catalogue: Catalogue, settings: ModelsSettings
    ) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._catalogue = catalogue
        self._most = settings.aliases_max
        self._models_most = settings.alias_models_max

    async def all(self) -> tuple[KnownAlias, ...]:
        """All aliases, oldest first."""
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        defaults = (await self._catalogue.default("chat"), await self._catalogue.default("embedding"))
        found: list[KnownAlias] = []
        for row in known.aliases:
            names = {model_id: remotes[0].model.name for model_id, remotes in known.remotes.items()}
            if known.built_in is not None:
                names[BUILT_IN] = known.built_in.name
            tiers = tuple(
                tier for ids in row.tiers if (tier := tuple(names[model_id] for model_id in ids if model_id in names))
            )
            named = known.named.get(row.name)
            found.append(KnownAlias(row, tiers, named, row.name in defaults))
        return tuple(found)

    async def one(self, alias_id: UUID) -> KnownAlias:
        """Raises NotFound."""
        for each in await self.all():
            if each.row.id == alias_id:
                return each
        raise _no_alias()

    async def named(self, name: str) -> KnownAlias | None:
        """The alias of that name."""
        return next((each for each in await self.all() if each.row.name == name), None)

    async def add(self, principal: Principal | None, name: str, change: AliasChange) -> UUID:
        """Let `name` stand for models.

        Raises:
            Conflict: a model or alias has the name. Unprocessable: it, or what it stands for, is not possible.
            NotFound: one of the models is not there. TooLarge: too many aliases or models.
        """
        name, (kind, tiers) = service.alias_name(name), await self._members(change.tiers or ())
        row = AliasRow(
            id=new_id(),
            name=name,
            kind=kind,
            note=service.note(change.note or "", service.NOTE_MAX),
            enabled=change.enabled is not False,
            hidden=change.hidden is True,
            access=(change.access or EVERYBODY).checked(),
            created_at=self._clock.now(),
            tiers=tiers,
        )
        async with self._db.transaction() as connection:
            await catalogue_store.lock_names(connection)
            if await store.count(connection) >= self._most:
                raise TooLarge(
                    "models.too_many",
                    f"There are {self._most} aliases already.",
                    "Remove some first.",
                    params={"what": "aliases", "limit": self._most},
                )
            await self._free(connection, name, row.id)
            await store.add(connection, row)
            await self._audit.record(connection, principal, "models.alias_added", name, _told(row))
        self._catalogue.forget()
        return row.id

    async def change(self, principal: Principal | None, alias_id: UUID, change: AliasChange) -> None:
        """Raises as `add`."""
        before = (await self.one(alias_id)).row
        values: dict[str, object] = {
            name: value for name in ("enabled", "hidden") if (value := getattr(change, name)) is not None
        }
        if change.name is not None:
            values["name"] = service.alias_name(change.name)
        if change.note is not None:
            values["note"] = service.note(change.note, service.NOTE_MAX)
        if change.access is not None:
            values["access"] = access.kept(change.access.checked())
        tiers: tuple[tuple[UUID, ...], ...] | None = None
        if change.tiers is not None:
            values["kind"], tiers = await self._members(change.tiers)
        async with self._db.transaction() as connection:
            await catalogue_store.lock_names(connection)
            name = str(values.get("name", before.name))
            await self._free(connection, name, alias_id)
            if values:
                await store.change(connection, alias_id, **values)
            if tiers is not None:
                await store.put_members(connection, alias_id, tiers)
            if name != before.name:
                await follow_default(connection, before.name, name)
            await self._audit.record(connection, principal, "models.alias_changed", name)
        self._catalogue.forget()

    async def remove(self, principal: Principal | None, alias_id: UUID) -> None:
        """Its models stay. Raises NotFound."""
        row = (await self.one(alias_id)).row
        async with self._db.transaction() as connection:
            if not await store.remove(connection, alias_id):
                raise _no_alias()
            await self._audit.record(connection, principal, "models.alias_removed", row.name)
        self._catalogue.forget()

    async def _free(self, connection: AsyncConnection, name: str, alias_id: UUID) -> None:
        if await catalogue_store.name_taken(connection, name, alias_id):
            raise name_taken(name)

    async def _members(self, tiers: Sequence[Sequence[str]]) -> tuple[ModelKind, tuple[tuple[UUID, ...], ...]]:
        """The kind of models that are called so, and their ids."""
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        models: dict[str, tuple[UUID, ModelKind]] = {
            remote.model.name: (remote.model.id, remote.model.kind) for remote in known.models()
        }
        if known.built_in is not None:
            models[known.built_in.name] = (BUILT_IN, known.built_in.kind)
            if any(known.built_in.name in tier and len(tier) > 1 for tier in tiers):
                raise Unprocessable(
                    "models.alias_built_in",
                    "The built-in model shares its load with nobody.",
                    "Give it a place of its own, before or after the others.",
                )
        names = [name for tier in tiers for name in tier]
        if not names or len(set(names)) != len(names):
            raise Unprocessable(
                "models.alias_empty", "An alias stands for one model at least, and for none twice.", "Choose models."
            )
        if len(names) > self._models_most:
            raise TooLarge(
                "models.too_many",
                f"An alias stands for {self._models_most} models at most.",
                "Remove some first.",
                params={"what": "models", "limit": self._models_most},
            )
        if any(name not in models for name in names):
            raise NotFound("models.model_unknown", "There is no such model.")
        kinds: set[ModelKind] = {models[name][1] for name in names}
        if len(kinds) > 1:
            raise Unprocessable(
                "models.alias_mixed", "Models that answer and models that make vectors can't share a name."
            )
        return kinds.pop(), tuple(tuple(models[name][0] for name in tier) for tier in tiers if tier)


def _told(row: AliasRow) -> dict[str, str | int | bool]:
    return {"models": sum(len(tier) for tier in row.tiers), "access": row.access.kind}


def _no_alias() -> NotFound:
    return NotFound("models.alias_unknown", "There is no such alias.")
