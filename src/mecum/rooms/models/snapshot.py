"""The catalogue at one moment, read from the database and put together."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection
from mecum.kit.errors import StartError
from mecum.kit.types import Principal
from mecum.rooms.models import CatalogueModel, access
from mecum.rooms.models.access import EVERYBODY, Access
from mecum.rooms.models.gate.rate import Stated
from mecum.rooms.models.routes import BuiltIn, Found, Remote, Route
from mecum.rooms.models.store import accounts as account_store
from mecum.rooms.models.store import aliases as alias_store
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store import prices as price_store
from mecum.rooms.models.store.accounts import AccountRow
from mecum.rooms.models.store.aliases import BUILT_IN, AliasRow
from mecum.rooms.models.store.catalogue import ModelKind, ModelRow, ProviderRow
from mecum.rooms.models.store.prices import PriceRow
from mecum.rooms.models.upstream import Endpoint

logger = logging.getLogger(__name__)

BUILT_IN_KEY = "built_in"
"""The setting in which operators say who may use the built-in model: `{"access": ..., "hidden": ...}`."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for, while it is switched on.

    Args:
        ways: who is asked, in turn; each knows the next one as its `otherwise`. Nothing: no account may be asked now.
    """

    shown: CatalogueModel
    access: Access
    ways: tuple[Found, ...]

    @property
    def name(self) -> str:
        return self.shown.name

    @property
    def kind(self) -> ModelKind:
        return self.shown.kind

    def allows(self, principal: Principal | None) -> bool:
        return self.access.allows(principal)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment, what is switched off included.

    Args:
        accounts: of each provider, oldest first; one at least.
        remotes: each model at each account, paused ones too, by the model's id.
        named: what can be asked for, by name: models, then aliases.
        built_in: the built-in model, while it is switched on.
    """

    providers: Mapping[UUID, ProviderRow]
    accounts: Mapping[UUID, tuple[AccountRow, ...]]
    remotes: Mapping[UUID, tuple[Remote, ...]]
    aliases: tuple[AliasRow, ...]
    named: Mapping[str, Named]
    chosen: Mapping[str, object]
    built_in: Named | None = None

    def find(self, name: str) -> Named | None:
        """What is called so, the built-in model too."""
        is_built_in = self.built_in is not None and name == self.built_in.name
        return self.built_in if is_built_in else self.named.get(name)

    def stated(self) -> dict[str, Stated]:
        """The limits of accounts that the operator states, by pool."""
        found: dict[str, Stated] = {}
        for remote in (each for at_accounts in self.remotes.values() for each in at_accounts):
            account = remote.account
            if account.calls_max is not None or account.tokens_per_minute is not None:
                found[remote.endpoint.pool] = Stated(account.calls_max, account.tokens_per_minute)
        return found

    def models(self) -> tuple[Remote, ...]:
        """Every model once, at its first account."""
        return tuple(each[0] for each in self.remotes.values())

    def model(self, name: str) -> tuple[Remote, ...]:
        """The model of that name at all its accounts; nothing when there is none."""
        return next((each for each in self.remotes.values() if each[0].model.name == name), ())


async def read(
    connection: AsyncConnection,
    secrets: SecretBox,
    now: dt.datetime,
    currency: str,
    built_in: CatalogueModel | None = None,
) -> Snapshot:
    """What there is; prices are those that hold `now`. `built_in`: the model of the house, while it is on."""
    providers = {row.id: row for row in await store.providers(connection)}
    accounts: dict[UUID, tuple[AccountRow, ...]] = {}
    for row in await account_store.accounts(connection):
        accounts[row.provider_id] = (*accounts.get(row.provider_id, ()), row)
    models = await store.models(connection)
    aliases = await alias_store.aliases(connection)
    chosen = await store.choices(connection)
    priced = await price_store.in_force(connection, now, currency)
    endpoints = {
        account.id: _endpoint(secrets, providers[provider_id], account)
        for provider_id, of_provider in accounts.items()
        if provider_id in providers
        for account in of_provider
    }
    remotes = {
        each.id: tuple(
            _remote(each, providers[each.provider_id], account, endpoints[account.id], priced.get(each.id))
            for account in accounts[each.provider_id]
        )
        for each in models
        if each.provider_id in providers and each.provider_id in accounts
    }
    here = None if built_in is None else _here(built_in, chosen)
    return Snapshot(providers, accounts, remotes, aliases, _named(remotes, aliases, here), chosen, here)


def _here(shown: CatalogueModel, chosen: Mapping[str, object]) -> Named:
    """The built-in model, as operators let it be used."""
    allowed, hidden = allowed_of(chosen)
    return Named(replace(shown, hidden=hidden), allowed, (BuiltIn(shown.name, shown.name, shown.provider),))


def allowed_of(chosen: Mapping[str, object]) -> tuple[Access, bool]:
    """Who may use the built-in model, and whether it is in no list, of what operators chose."""
    said = cast("Mapping[str, Any]", chosen.get(BUILT_IN_KEY) or {})
    return (access.read(said["access"]) if "access" in said else EVERYBODY), bool(said.get("hidden"))


def _endpoint(secrets: SecretBox, provider: ProviderRow, account: AccountRow) -> Endpoint:
    key = ""
    if account.key_sealed is not None:
        try:
            key = account_store.KEY.open(secrets, account.id, account.key_sealed).decode()
        except StartError:
            # The other accounts go on; this one will say that its key is wrong.
            logger.exception("The key of a provider can't be opened")
    return Endpoint(
        provider=provider.name,
        base_url=provider.base_url,
        key=key,
        kind=provider.kind,
        pool=f"{provider.name}/{account.name}" if account.name else provider.name,
        first_byte_s=provider.first_byte_s,
        silence_s=provider.silence_s,
        total_s=provider.total_s,
    )


def _remote(
    model: ModelRow, provider: ProviderRow, account: AccountRow, endpoint: Endpoint, price: PriceRow | None
) -> Remote:
    if price is None:
        return Remote(model, provider, account, endpoint)
    return Remote(model, provider, account, endpoint, price.prices, price.id)


def _named(
    remotes: Mapping[UUID, tuple[Remote, ...]], aliases: Sequence[AliasRow], here: Named | None
) -> dict[str, Named]:
    """What can be asked for. A model goes before an alias of its name."""
    found: dict[str, Named] = {}
    for at_accounts in remotes.values():
        model, provider = at_accounts[0].model, at_accounts[0].provider
        if model.enabled:
            ways = _ways(model.name, [at_accounts], None)
            found[model.name] = Named(_shown(model, provider), model.access, ways)
    for alias in aliases:
        tiers = [_members(tier, remotes, here) for tier in alias.tiers]
        members = [_shown(each.model, each.provider) for tier in tiers if not isinstance(tier, Named) for each in tier]
        members += [tier.shown for tier in tiers if isinstance(tier, Named)]
        if alias.enabled and members:
            shown = _shown_alias(alias, members)
            found.setdefault(alias.name, Named(shown, alias.access, _ways(alias.name, tiers, here)))
    return found


def _members(
    tier: Sequence[UUID], remotes: Mapping[UUID, tuple[Remote, ...]], here: Named | None
) -> tuple[Remote, ...] | Named:
    """The models of a tier of an alias that are on, at all accounts; or the built-in one."""
    if BUILT_IN in tier:
        return here if here is not None else ()
    return tuple(remote for id_ in tier if id_ in remotes and remotes[id_][0].model.enabled for remote in remotes[id_])


def _ways(name: str, tiers: Sequence[tuple[Remote, ...] | Named], here: Named | None) -> tuple[Found, ...]:
    """Who may be asked, in turn: accounts in tiers, and the built-in model between them."""
    runs: list[list[tuple[Remote, ...]] | None] = []
    for tier in tiers:
        if isinstance(tier, Named):
            runs.append(None)
            continue
        usable = tuple(each for each in tier if not each.account.paused)
        if usable and runs and runs[-1] is not None:
            runs[-1].append(usable)
        elif usable:
            runs.append([usable])
    ways: tuple[Found, ...] = ()
    for run in reversed(runs):
        after = ways[0] if ways else None
        if run is not None:
            ways = (Route(name, tuple(run), otherwise=after), *ways)
        elif here is not None:
            ways = (BuiltIn(name, here.name, here.shown.provider, otherwise=after), *ways)
    return ways


def _shown(row: ModelRow, provider: ProviderRow) -> CatalogueModel:
    return CatalogueModel(
        name=row.name,
        provider=provider.name,
        kind=row.kind,
        upstream_model=row.upstream_model,
        context_tokens=row.context_tokens,
        vision=row.vision,
        native_tools=row.native_tools,
        local=False,
        small=False,
        default=False,
        licence=row.licence,
        reasoning=row.reasoning,
        hidden=row.hidden,
    )


def _shown_alias(alias: AliasRow, members: Sequence[CatalogueModel]) -> CatalogueModel:
    """An alias promises no more than the least of its models."""
    licences = {each.licence for each in members}
    return CatalogueModel(
        name=alias.name,
        provider="",
        kind=alias.kind,
        upstream_model="",
        context_tokens=min(each.context_tokens for each in members),
        vision=all(each.vision for each in members),
        native_tools=all(each.native_tools for each in members),
        local=False,
        small=False,
        default=False,
        licence=licences.pop() if len(licences) == 1 else "",
        reasoning=all(each.reasoning for each in members),
        hidden=alias.hidden,
        alias=True,
        note=alias.note,
    )
