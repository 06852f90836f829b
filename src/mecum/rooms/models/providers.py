"""What an operator does with providers and models: connect, look, try, change, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, MecumError, NotFound, TooLarge, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.origins import origin_of
from mecum.kit.types import Principal
from mecum.rooms.models import service
from mecum.rooms.models.catalogue import DEFAULT_CHAT, DEFAULT_EMBEDDING, Catalogue, Remote
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store.catalogue import ModelKind, ModelRow, ProviderKind, ProviderRow
from mecum.rooms.models.trials import Trial, Trials

KEY_CHARS_MAX = 2000


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model to connect; None where it is to be guessed from its name. `name`: what the catalogue will call it."""

    upstream_model: str
    name: str | None = None
    kind: ModelKind | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class NewProvider:
    """A provider to connect; its `kind` is guessed from the address where it is None."""

    name: str
    base_url: str
    key: str = ""
    models: Sequence[NewModel] = ()
    kind: ProviderKind | None = None


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """None keeps a value; `key` "" takes the key away. `add` connects further models."""

    name: str | None = None
    base_url: str | None = None
    key: str | None = None
    add: Sequence[NewModel] = ()
    kind: ProviderKind | None = None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """None keeps a value."""

    name: str | None = None
    enabled: bool | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider with its models, for an operator's eyes. Its key is never shown."""

    row: ProviderRow
    models: tuple[ModelRow, ...]
    defaults: frozenset[str]


class Providers:
    def __init__(
        self,
        db: Database,
        secrets: SecretBox,
        clock: Clock,
        audit: Audit,
        catalogue: Catalogue,
        trials: Trials,
        settings: ModelsSettings,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._audit = audit
        self._catalogue = catalogue
        self._trials = trials
        self._settings = settings

    async def connected(self) -> tuple[Connected, ...]:
        """All providers, oldest first."""
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        both = (await self._catalogue.default("chat"), await self._catalogue.default("embedding"))
        defaults = frozenset(name for name in both if name is not None)
        found: list[Connected] = []
        for row in known.providers.values():
            models = tuple(each.model for each in known.models.values() if each.provider.id == row.id)
            found.append(Connected(row, models, defaults))
        return tuple(found)

    async def one(self, provider_id: UUID) -> Connected:
        """Raises NotFound."""
        for each in await self.connected():
            if each.row.id == provider_id:
                return each
        raise _no_provider()

    async def add(self, principal: Principal | None, new: NewProvider) -> UUID:
        """Connect a provider with its models. Nothing is called.

        Raises:
            Conflict: another provider or model has the name. Unprocessable: a name or address is not possible.
            TooLarge: too many providers or models.
        """
        name, provider_id, key = service.provider_name(new.name), new_id(), _checked_key(new.key)
        kind = new.kind or service.guess_provider_kind(new.base_url)
        row = ProviderRow(
            id=provider_id,
            name=name,
            name_key=name.casefold()[: service.PROVIDER_NAME_MAX],
            kind=kind,
            base_url=service.base_url(new.base_url, kind),
            key_sealed=None,
            speaks_responses=None,
            state="unknown",
            fault=None,
            created_at=self._clock.now(),
        )
        async with self._db.transaction() as connection:
            providers, _ = await store.count(connection)
            if providers >= self._settings.providers_max:
                raise _too_many("providers", self._settings.providers_max)
            row = replace(row, key_sealed=await self._sealed(connection, provider_id, key))
            if not await store.add_provider(connection, row):
                raise _provider_name_taken(name)
            await self._add_models(connection, row, new.models)
            await self._audit.record(connection, principal, "models.provider_added", f"prv_{provider_id.hex}")
        self._catalogue.forget()
        return provider_id

    async def change(self, principal: Principal | None, provider_id: UUID, change: ProviderChange) -> None:
        """Change a provider. At another origin the key is dropped unless one is given: it belongs to the old one.

        Raises NotFound, and as `add` does.
        """
        row = (await self.one(provider_id)).row
        values: dict[str, object] = {"state": "unknown", "fault": None, "speaks_responses": None}
        if change.name is not None:
            values["name"] = service.provider_name(change.name)
            values["name_key"] = str(values["name"]).casefold()[: service.PROVIDER_NAME_MAX]
        if change.base_url is not None:
            values["base_url"] = address = service.base_url(change.base_url, change.kind or row.kind)
            if origin_of(address) != origin_of(row.base_url):
                values["key_sealed"] = None
        if change.kind is not None:
            values["kind"] = change.kind
        key = _checked_key(change.key) if change.key is not None else None
        async with self._db.transaction() as connection:
            if key is not None:
                values["key_sealed"] = await self._sealed(connection, provider_id, key)
            name_key = str(values.get("name_key", row.name_key))
            if await store.provider_name_taken(connection, name_key, provider_id):
                raise _provider_name_taken(str(values["name"]))
            await store.change_provider(connection, provider_id, **values)
            await self._add_models(connection, row, change.add)
            await self._audit.record(connection, principal, "models.provider_changed", f"prv_{provider_id.hex}")
        self._catalogue.forget()

    async def remove(self, principal: Principal | None, provider_id: UUID) -> None:
        """Remove a provider with its models. Raises NotFound."""
        async with self._db.transaction() as connection:
            if not await store.remove_provider(connection, provider_id):
                raise _no_provider()
            await self._audit.record(connection, principal, "models.provider_removed", f"prv_{provider_id.hex}")
        self._catalogue.forget()

    async def change_model(self, principal: Principal | None, model_id: UUID, change: ModelChange) -> Remote:
        """Raises NotFound; Conflict and Unprocessable for a new name."""
        found = await self._model(model_id)
        values = {name: value for name in ModelChange.__slots__ if (value := getattr(change, name)) is not None}
        if change.name is not None:
            values["name"] = service.model_name(change.name)
        async with self._db.transaction() as connection:
            if change.name is not None and await store.name_taken(connection, change.name, model_id):
                raise _name_taken(change.name)
            if values:
                await store.change_model(connection, model_id, **values)
                if change.name is not None:
                    await self._follow(connection, found.model.name, change.name)
            await self._audit.record(connection, principal, "models.model_changed", f"mdl_{model_id.hex}")
        self._catalogue.forget()
        return await self._model(model_id)

    async def remove_model(self, principal: Principal | None, model_id: UUID) -> None:
        """Raises NotFound."""
        async with self._db.transaction() as connection:
            if not await store.remove_model(connection, model_id):
                raise _no_model()
            await self._audit.record(connection, principal, "models.model_removed", f"mdl_{model_id.hex}")
        self._catalogue.forget()

    async def choose_default(self, principal: Principal | None, name: str) -> None:
        """Make a model the default of its kind. Raises NotFound."""
        self._catalogue.forget()
        listed = {each.name: each for each in await self._catalogue.listed()}
        if name not in listed:
            raise _no_model()
        key = DEFAULT_CHAT if listed[name].kind == "chat" else DEFAULT_EMBEDDING
        async with self._db.transaction() as connection:
            await store.choose(connection, key, name)
            await self._audit.record(connection, principal, "models.default_chosen", name)
        self._catalogue.forget()

    async def try_model(self, name: str) -> Trial:
        """Ask a model of the catalogue. Raises NotFound."""
        self._catalogue.forget()
        remote = (await self._catalogue.snapshot()).models.get(name)
        if remote is None and name == service.LOCAL_CHAT and self._catalogue.local_on:
            return await self._trials.ask_local("chat")
        if remote is None and name == self._catalogue.local_embedding:
            return await self._trials.ask_local("embedding")
        if remote is None:
            raise _no_model()
        trial = await self._trials.ask(remote.endpoint, remote.model.upstream_model, remote.model.kind)
        state = "ok" if trial.ok else "failing"
        fault = None if trial.problem is None else trial.problem.problem()
        async with self._db.transaction() as connection:
            await store.change_provider(connection, remote.provider.id, state=state, fault=fault)
        self._catalogue.forget()
        return trial

    async def reach(self) -> tuple[tuple[str, MecumError | None], ...]:
        """Each provider with its name, and why it can't be reached or refuses the key; None where all is well. Asks
        for the list of models, which costs nothing.
        """
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        endpoints = {each.provider.id: each.endpoint for each in known.models.values()}
        found: list[tuple[str, MecumError | None]] = []
        for endpoint in endpoints.values():
            try:
                await self._trials.discover(endpoint.base_url, endpoint.key, endpoint.kind)
            except NotFound:
                found.append((endpoint.provider, None))  # there, but without a list of models
            except MecumError as error:
                found.append((endpoint.provider, error))
            else:
                found.append((endpoint.provider, None))
        return tuple(found)

    async def _sealed(self, connection: AsyncConnection, provider_id: UUID, key: str) -> bytes | None:
        return await store.KEY.seal(connection, self._secrets, provider_id, key.encode()) if key else None

    async def _add_models(self, connection: AsyncConnection, provider: ProviderRow, new: Sequence[NewModel]) -> None:
        _, there = await store.count(connection)
        if there + len(new) > self._settings.models_max:
            raise _too_many("models", self._settings.models_max)
        taken = {row.name for row in await store.models(connection)}
        for each in new:
            row = self._model_row(provider, each, taken)
            taken.add(row.name)
            if not await store.add_model(connection, row):
                raise _name_taken(row.name)

    def _model_row(self, provider: ProviderRow, new: NewModel, taken: set[str]) -> ModelRow:
        upstream = new.upstream_model.strip()
        if not upstream or len(upstream) > service.UPSTREAM_NAME_MAX or not upstream.isprintable():
            raise Unprocessable(
                "models.upstream_name_malformed", "The provider's name of the model is missing or too long."
            )
        wanted = new.name if new.name is not None else service.free_name(upstream, provider.name, taken)
        kind = new.kind or service.guess_kind(upstream)
        return ModelRow(
            id=new_id(),
            provider_id=provider.id,
            name=service.model_name(wanted),
            upstream_model=upstream,
            kind=kind,
            context_tokens=new.context_tokens or service.CONTEXT_DEFAULT,
            vision=service.guess_vision(upstream) if new.vision is None else new.vision,
            native_tools=kind == "chat" if new.native_tools is None else new.native_tools,
            enabled=True,
            created_at=self._clock.now(),
        )

    async def _model(self, model_id: UUID) -> Remote:
        self._catalogue.forget()
        for remote in (await self._catalogue.snapshot()).models.values():
            if remote.model.id == model_id:
                return remote
        raise _no_model()

    async def _follow(self, connection: AsyncConnection, old: str, new: str) -> None:
        """A default that is renamed stays the default."""
        for key, value in (await store.choices(connection)).items():
            if value == old:
                await store.choose(connection, key, new)


def _checked_key(key: str) -> str:
    """Raises Unprocessable."""
    if len(key) > KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise Unprocessable("models.key_malformed", "That is not an API key.", "Copy it again, without line breaks.")
    return key.strip()


def _no_provider() -> NotFound:
    return NotFound("models.provider_unknown", "There is no such provider.")


def _no_model() -> NotFound:
    return NotFound("models.model_unknown", "There is no such model.")


def _provider_name_taken(name: str) -> Conflict:
    return Conflict(
        "models.provider_name_taken",
        f"There is a provider called {name} already.",
        "Choose another name.",
        params={"name": name},
    )


def _name_taken(name: str) -> Conflict:
    return Conflict(
        "models.name_taken", f"There is a model called {name} already.", "Choose another name.", params={"name": name}
    )


def _too_many(what: str, limit: int) -> TooLarge:
    return TooLarge(
        "models.too_many",
        f"There are {limit} {what} already.",
        "Remove some first.",
        params={"what": what, "limit": limit},
    )
