"""What an operator does with providers and models: connect, look, try, change, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, MecumError, NotFound, TooLarge, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.origins import origin_of
from mecum.kit.types import Principal
from mecum.rooms.models import access, service
from mecum.rooms.models.access import EVERYBODY, Access
from mecum.rooms.models.accounts import Accounts, KnownAccount, checked_key
from mecum.rooms.models.catalogue import DEFAULT_CHAT, DEFAULT_EMBEDDING, Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.routes import Remote
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store.catalogue import ModelKind, ModelRow, ProviderKind, ProviderRow
from mecum.rooms.models.trials import Trial, Trials


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model to connect; None where it is to be guessed from its name. `name`: what the catalogue will call it."""

    upstream_model: str
    name: str | None = None
    kind: ModelKind | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: int | None = None
    reasoning: bool | None = None


@dataclass(frozen=True, slots=True)
class NewProvider:
    """A provider to connect; its `kind` is guessed from the address where it is None."""

    name: str
    base_url: str
    key: str = ""
    models: Sequence[NewModel] = ()
    kind: ProviderKind | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Waits of one provider, in seconds; None: as the settings have it."""

    first_byte_s: float | None = None
    silence_s: float | None = None
    total_s: float | None = None


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """None keeps a value; `key` is that of the first account, "" takes all keys away. `add` connects further models."""

    name: str | None = None
    base_url: str | None = None
    key: str | None = None
    add: Sequence[NewModel] = ()
    kind: ProviderKind | None = None
    timeouts: Timeouts | None = None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """None keeps a value."""

    name: str | None = None
    enabled: bool | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: int | None = None
    reasoning: bool | None = None
    licence: str | None = None
    hidden: bool | None = None
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider with its accounts and models, for an operator's eyes. Of a key only its end is shown."""

    row: ProviderRow
    accounts: tuple[KnownAccount, ...]
    models: tuple[ModelRow, ...]
    defaults: frozenset[str]


class Providers:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        catalogue: Catalogue,
        accounts: Accounts,
        trials: Trials,
        settings: ModelsSettings,
    ) -> None:
        self._db = db
        self._accounts = accounts
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
            models = tuple(each.model for each in known.models() if each.provider.id == row.id)
            accounts = tuple(self._accounts.known(each) for each in known.accounts.get(row.id, ()))
            found.append(Connected(row, accounts, models, defaults))
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
        name, provider_id, key = service.provider_name(new.name), new_id(), checked_key(new.key)
        kind = new.kind or service.guess_provider_kind(new.base_url)
        row = ProviderRow(
            id=provider_id,
            name=name,
            name_key=name.casefold()[: service.PROVIDER_NAME_MAX],
            kind=kind,
            base_url=service.base_url(new.base_url, kind),
            speaks_responses=None,
            first_byte_s=None,
            silence_s=None,
            total_s=None,
            created_at=self._clock.now(),
        )
        async with self._db.transaction() as connection:
            providers, _ = await store.count(connection)
            if providers >= self._settings.providers_max:
                raise _too_many("providers", self._settings.providers_max)
            if not await store.add_provider(connection, row):
                raise _provider_name_taken(name)
            await self._accounts.begin(connection, provider_id, key)
            await self._add_models(connection, row, new.models)
            await self._audit.record(connection, principal, "models.provider_added", f"prv_{provider_id.hex}")
        self._catalogue.forget()
        return provider_id

    async def change(self, principal: Principal | None, provider_id: UUID, change: ProviderChange) -> None:
        """Change a provider. At another origin its keys are dropped unless one is given: they belong to the old one.

        Raises NotFound, and as `add` does.
        """
        row = (await self.one(provider_id)).row
        values: dict[str, object] = {"speaks_responses": None}
        if change.name is not None:
            values["name"] = service.provider_name(change.name)
            values["name_key"] = str(values["name"]).casefold()[: service.PROVIDER_NAME_MAX]
        moved = False
        if change.base_url is not None:
            values["base_url"] = address = service.base_url(change.base_url, change.kind or row.kind)
            moved = origin_of(address) != origin_of(row.base_url)
        if change.kind is not None:
            values["kind"] = change.kind
        if change.timeouts is not None:
            values |= asdict(change.timeouts)
        key = checked_key(change.key) if change.key is not None else None
        async with self._db.transaction() as connection:
            name_key = str(values.get("name_key", row.name_key))
            if await store.provider_name_taken(connection, name_key, provider_id):
                raise _provider_name_taken(str(values["name"]))
            await store.change_provider(connection, provider_id, **values)
            await self._accounts.follow(connection, provider_id, key, moved=moved)
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
        """Raises NotFound; Conflict and Unprocessable for a new name, Unprocessable for who may use it."""
        found = await self._model(model_id)
        values = {name: value for name in ModelChange.__slots__ if (value := getattr(change, name)) is not None}
        if change.name is not None:
            values["name"] = service.model_name(change.name)
        if change.licence is not None:
            values["licence"] = service.note(change.licence, service.LICENCE_MAX)
        if change.access is not None:
            values["access"] = access.kept(change.access.checked())
        async with self._db.transaction() as connection:
            await store.lock_names(connection)
            if change.name is not None and await store.name_taken(connection, change.name, model_id):
                raise name_taken(change.name)
            if values:
                await store.change_model(connection, model_id, **values)
                if change.name is not None:
                    await follow_default(connection, found.model.name, change.name)
            details = _opened(found.model, change)
            await self._audit.record(connection, principal, "models.model_changed", f"mdl_{model_id.hex}", details)
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
        listed = {each.name: each for each in await self._catalogue.usable(None)}
        if name not in listed:
            raise _no_model()
        key = DEFAULT_CHAT if listed[name].kind == "chat" else DEFAULT_EMBEDDING
        async with self._db.transaction() as connection:
            await store.choose(connection, key, name)
            await self._audit.record(connection, principal, "models.default_chosen", name)
        self._catalogue.forget()

    async def try_model(self, name: str, account_id: UUID | None = None) -> Trial:
        """Ask a model of the catalogue, by its first account that is not paused or by that one. Raises NotFound."""
        self._catalogue.forget()
        found = (await self._catalogue.snapshot()).model(name)
        if not found and name == service.LOCAL_CHAT and self._catalogue.local_on:
            return await self._trials.ask_local("chat")
        if not found and name == self._catalogue.local_embedding:
            return await self._trials.ask_local("embedding")
        usable = [each for each in found if not each.account.paused] or found
        if account_id is not None:
            usable = [each for each in found if each.account.id == account_id]
        if not usable:
            raise _no_model()
        return await self._tried(usable[0])

    async def try_account(self, provider_id: UUID, account_id: UUID) -> Trial:
        """Ask the first model of a provider by one of its accounts. Raises NotFound."""
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        remotes = [each for at_accounts in known.remotes.values() for each in at_accounts]
        mine = [each for each in remotes if each.account.id == account_id and each.provider.id == provider_id]
        if not mine:
            raise _no_model()
        return await self._tried(min(mine, key=lambda each: (not each.model.enabled, each.model.kind != "chat")))

    async def _tried(self, remote: Remote) -> Trial:
        trial = await self._trials.ask(remote.endpoint, remote.model.upstream_model, remote.model.kind)
        async with self._db.transaction() as connection:
            await self._accounts.note(connection, remote.account.id, trial.problem)
        self._catalogue.forget()
        return trial

    async def reach(self) -> tuple[tuple[str, MecumError | None], ...]:
        """Each account that may be asked, and why it can't be reached or its key is refused; None where all is well.
        Asks for the list of models, which costs nothing.
        """
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        remotes = [each for at_accounts in known.remotes.values() for each in at_accounts]
        endpoints = {each.account.id: each.endpoint for each in remotes if not each.account.paused}
        found: list[tuple[str, MecumError | None]] = []
        for endpoint in endpoints.values():
            try:
                await self._trials.discover(endpoint.base_url, endpoint.key, endpoint.kind)
            except NotFound:
                found.append((endpoint.pool, None))  # there, but without a list of models
            except MecumError as error:
                found.append((endpoint.pool, error))
            else:
                found.append((endpoint.pool, None))
        return tuple(found)

    async def _add_models(self, connection: AsyncConnection, provider: ProviderRow, new: Sequence[NewModel]) -> None:
        _, there = await store.count(connection)
        if there + len(new) > self._settings.models_max:
            raise _too_many("models", self._settings.models_max)
        await store.lock_names(connection)
        taken = await store.names(connection)
        for each in new:
            row = self._model_row(provider, each, taken)
            if row.name in taken or not await store.add_model(connection, row):
                raise name_taken(row.name)
            taken.add(row.name)

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
            reasoning=service.guess_reasoning(upstream) if new.reasoning is None else new.reasoning,
            licence="",
            hidden=False,
            access=EVERYBODY,
            created_at=self._clock.now(),
        )

    async def _model(self, model_id: UUID) -> Remote:
        self._catalogue.forget()
        found = (await self._catalogue.snapshot()).remotes.get(model_id)
        if found is None:
            raise _no_model()
        return found[0]


async def follow_default(connection: AsyncConnection, old: str, new: str) -> None:
    """A default that is renamed stays the default, and what the router chooses between stays that."""
    for key, value in (await store.choices(connection)).items():
        if value == old:
            await store.choose(connection, key, new)
        elif isinstance(value, dict) and old in (names := cast("dict[str, Any]", value)).values():
            await store.choose(connection, key, {role: new if name == old else name for role, name in names.items()})


def _opened(before: ModelRow, change: ModelChange) -> Mapping[str, str | int | bool]:
    """What the audit log says of a change of who may use a model; nothing of any other."""
    if change.access is None or change.access == before.access:
        return {}
    return {"access": change.access.kind}


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


def name_taken(name: str) -> Conflict:
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
