"""`/api` routes of the keys of providers: parse, call, render."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from mecum.kit.http import Operator
from mecum.kit.ids import decode
from mecum.rooms.models.accounts import AccountChange, Accounts, Limits
from mecum.rooms.models.bodies import Body, Key, Name, problems
from mecum.rooms.models.out import provider_out, trial_out
from mecum.rooms.models.providers import Providers

CALLS_MAX, TOKENS_MAX = 1_000_000, 10**12


class LimitsBody(Body):
    """What is absent is measured alone."""

    calls_max: Annotated[int, Field(ge=1, le=CALLS_MAX)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1, le=TOKENS_MAX)] | None = None

    def limits(self) -> Limits:
        return Limits(self.calls_max, self.tokens_per_minute)


class NewKeyBody(Body):
    """`name` tells it from the provider's other keys; made up where it is absent."""

    key: Key
    name: Name = ""
    limits: LimitsBody | None = None


class KeyChangeBody(Body):
    """What is absent stays."""

    name: Name | None = None
    key: Key | None = None
    paused: bool | None = None
    limits: LimitsBody | None = None

    def change(self) -> AccountChange:
        limits = self.limits.limits() if self.limits is not None else None
        return AccountChange(self.name, self.key, self.paused, limits)


def build_account_router(accounts: Accounts, providers: Providers) -> APIRouter:
    router = APIRouter()

    @router.post("/api/providers/{provider}/keys", status_code=201, responses=problems(401, 403, 404, 409, 413, 422))
    async def add_key(caller: Operator, provider: str, body: NewKeyBody) -> dict[str, Any]:
        """Give a provider one more key: an account with limits of its own. The load is shared among them."""
        provider_id = decode("prv", provider)
        limits = body.limits.limits() if body.limits is not None else None
        await accounts.add(caller, provider_id, body.key, body.name, limits)
        return provider_out(await providers.one(provider_id))

    @router.patch("/api/providers/{provider}/keys/{key}", responses=problems(401, 403, 404, 409, 422))
    async def change_key(caller: Operator, provider: str, key: str, body: KeyChangeBody) -> dict[str, Any]:
        """Name, limit, pause a key, or put another in its place."""
        provider_id = decode("prv", provider)
        await accounts.change(caller, provider_id, decode("acc", key), body.change())
        return provider_out(await providers.one(provider_id))

    @router.delete("/api/providers/{provider}/keys/{key}", responses=problems(401, 403, 404))
    async def remove_key(caller: Operator, provider: str, key: str) -> dict[str, Any]:
        """Forget a key. Without its last one the provider is asked without any."""
        provider_id = decode("prv", provider)
        await accounts.remove(caller, provider_id, decode("acc", key))
        return provider_out(await providers.one(provider_id))

    @router.post("/api/providers/{provider}/keys/{key}/test", responses=problems(401, 403, 404))
    async def try_key(caller: Operator, provider: str, key: str) -> dict[str, Any]:
        """A real short call with this key."""
        return trial_out(await providers.try_account(decode("prv", provider), decode("acc", key)))

    return router
