"""Keys, aliases and access from the command line: everything by name, and what comes back shaped as the API has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mecum.kit.errors import NotFound
from mecum.rooms.models.access import Access
from mecum.rooms.models.accounts import AccountChange, Accounts, Limits
from mecum.rooms.models.aliases import AliasChange, Aliases
from mecum.rooms.models.built_in import BuiltInAccess
from mecum.rooms.models.out import account_out, alias_out
from mecum.rooms.models.providers import Connected, ModelChange, ProviderChange, Providers, Timeouts
from mecum.rooms.models.router.api import chosen_out
from mecum.rooms.models.router.choosing import Choosing
from mecum.rooms.models.service import LOCAL_CHAT
from mecum.rooms.models.trials import Trial


@dataclass(frozen=True, slots=True)
class KeyCommands:
    """Keys of providers; a key is named, or meant by the end that is shown of it."""

    _providers: Providers
    _accounts: Accounts

    async def list(self) -> Sequence[dict[str, Any]]:
        """All keys of all providers."""
        return [
            {"provider": provider.row.name, **account_out(account)}
            for provider in await self._providers.connected()
            for account in provider.accounts
        ]

    async def add(self, provider: str, key: str, name: str, limits: Limits) -> None:
        """Raises as `Accounts.add`."""
        found = await self._provider(provider)
        await self._accounts.add(None, found.row.id, key, name, limits)

    async def change(self, provider: str, key: str, change: AccountChange) -> None:
        """Raises as `Accounts.change`."""
        found = await self._provider(provider)
        await self._accounts.change(None, found.row.id, self._account(found, key), change)

    async def remove(self, provider: str, key: str) -> None:
        """Raises NotFound."""
        found = await self._provider(provider)
        await self._accounts.remove(None, found.row.id, self._account(found, key))

    async def test(self, provider: str, key: str) -> Trial:
        """A real short call with a key. Raises NotFound."""
        found = await self._provider(provider)
        return await self._providers.try_account(found.row.id, self._account(found, key))

    async def wait(self, provider: str, timeouts: Timeouts) -> None:
        """How long a provider is waited for. Raises NotFound."""
        found = await self._provider(provider)
        await self._providers.change(None, found.row.id, ProviderChange(timeouts=timeouts))

    async def _provider(self, name: str) -> Connected:
        for each in await self._providers.connected():
            if each.row.name.casefold() == name.casefold():
                return each
        raise NotFound("models.provider_unknown", "There is no such provider.")

    @staticmethod
    def _account(provider: Connected, key: str) -> UUID:
        for each in provider.accounts:
            if key == each.row.name or (each.tail and key == each.tail):
                return each.row.id
        raise NotFound("models.key_unknown", "There is no such key.")


@dataclass(frozen=True, slots=True)
class AliasCommands:
    """Names that stand for several models."""

    _aliases: Aliases

    async def list(self) -> Sequence[dict[str, Any]]:
        return [alias_out(each) for each in await self._aliases.all()]

    async def put(self, name: str, change: AliasChange) -> dict[str, Any]:
        """Make an alias, or change the one of that name. Raises as `Aliases.add`."""
        known = await self._aliases.named(name)
        if known is None:
            alias_id = await self._aliases.add(None, name, change)
        else:
            alias_id = known.row.id
            await self._aliases.change(None, alias_id, change)
        return alias_out(await self._aliases.one(alias_id))

    async def remove(self, name: str) -> None:
        """Raises NotFound."""
        known = await self._aliases.named(name)
        if known is None:
            raise NotFound("models.alias_unknown", "There is no such alias.")
        await self._aliases.remove(None, known.row.id)


@dataclass(frozen=True, slots=True)
class AccessCommands:
    """Who may use a model or an alias, by its name."""

    _providers: Providers
    _aliases: Aliases
    _built_in: BuiltInAccess

    async def set(self, name: str, access: Access, *, hidden: bool | None) -> None:
        """Raises NotFound, Unprocessable."""
        if name == LOCAL_CHAT:
            await self._built_in.put(None, access, hidden)
            return
        known = await self._aliases.named(name)
        if known is not None:
            await self._aliases.change(None, known.row.id, AliasChange(access=access, hidden=hidden))
            return
        for provider in await self._providers.connected():
            for model in provider.models:
                if model.name == name:
                    await self._providers.change_model(None, model.id, ModelChange(access=access, hidden=hidden))
                    return
        raise NotFound("models.model_unknown", "There is no such model.")


@dataclass(frozen=True, slots=True)
class RouterCommands:
    """Between which models `mecum-auto` chooses."""

    _choosing: Choosing

    async def now(self) -> dict[str, Any]:
        return chosen_out(await self._choosing.now())

    async def put(self, fast: str | None, thinking: str | None, *, off: bool) -> None:
        """Two models, or none: then it goes by itself, or is `off`. Raises as `Choosing.choose`."""
        if fast is not None and thinking is not None:
            await self._choosing.choose(None, fast, thinking)
        elif off:
            await self._choosing.off(None)
        else:
            await self._choosing.by_itself(None)
