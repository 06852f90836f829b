"""`/api` routes of the room."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from mecum.kit.http import Operator, Signed
from mecum.kit.ids import decode
from mecum.rooms.models.api_accounts import build_account_router
from mecum.rooms.models.api_aliases import build_alias_router
from mecum.rooms.models.bodies import (
    LIMIT,
    BuiltInBody,
    Cursor,
    DefaultBody,
    DiscoverBody,
    Limit,
    ModelChangeBody,
    NewProviderBody,
    ProviderChangeBody,
    TrialBody,
    problems,
)
from mecum.rooms.models.budgets.api import build_budget_router
from mecum.rooms.models.built_in import BuiltInAccess
from mecum.rooms.models.capacity.api import build_capacity_router
from mecum.rooms.models.local import Local
from mecum.rooms.models.out import (
    built_in_out,
    catalogue_model_out,
    discovered_out,
    local_out,
    model_out,
    page_out,
    provider_out,
    trial_out,
)
from mecum.rooms.models.parts import Parts
from mecum.rooms.models.pricing.api import build_price_router
from mecum.rooms.models.providers import Providers
from mecum.rooms.models.reports.api import build_usage_router
from mecum.rooms.models.router.api import build_routing_router
from mecum.rooms.models.trials import Trials


def build_router(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["models"])
    router.include_router(_models(parts))
    router.include_router(build_routing_router(parts.choosing))
    router.include_router(_providers(parts.providers))
    router.include_router(build_account_router(parts.accounts, parts.providers))
    router.include_router(build_alias_router(parts.aliases))
    router.include_router(build_price_router(parts.prices))
    router.include_router(build_budget_router(parts.budgets))
    router.include_router(build_usage_router(parts.my_usage))
    router.include_router(build_capacity_router(parts.looking, parts.histories, parts.prices.currency))
    router.include_router(_trials(parts.providers, parts.trials))
    return router


def _models(parts: Parts) -> APIRouter:
    router = APIRouter()
    router.include_router(_local(parts.local))
    router.include_router(_local_access(parts.built_in))

    @router.get("/api/models", responses=problems(401))
    async def list_models(caller: Signed, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """The models that can be chosen, the defaults first."""
        listed = await parts.catalogue.listed(caller)
        return page_out([catalogue_model_out(model) for model in listed], cursor, limit)

    return router


def _local(local: Local) -> APIRouter:
    router = APIRouter()

    @router.get("/api/models/local", responses=problems(401))
    async def read_local(caller: Signed) -> dict[str, Any]:
        """How far the built-in model is."""
        return local_out(local.status())

    @router.post("/api/models/local/pause", responses=problems(401, 403))
    async def pause_local(caller: Operator) -> dict[str, Any]:
        """Stop fetching the built-in model for now."""
        local.pause()
        return local_out(local.status())

    @router.post("/api/models/local/resume", responses=problems(401, 403))
    async def resume_local(caller: Operator) -> dict[str, Any]:
        """Go on fetching it."""
        local.resume()
        return local_out(local.status())

    return router


def _local_access(built_in: BuiltInAccess) -> APIRouter:
    router = APIRouter()

    @router.get("/api/models/local/access", responses=problems(401, 403))
    async def read_access(caller: Operator) -> dict[str, Any]:
        """Who may use the built-in model by its own name."""
        return built_in_out(await built_in.now())

    @router.patch("/api/models/local/access", responses=problems(401, 403, 422))
    async def change_access(caller: Operator, body: BuiltInBody) -> dict[str, Any]:
        """Say who may use the built-in model by its own name, and whether it is offered; aliases have other rules."""
        await built_in.put(caller, None if body.access is None else body.access.access(), body.hidden)
        return built_in_out(await built_in.now())

    return router


def _providers(providers: Providers) -> APIRouter:
    router = APIRouter()

    @router.get("/api/providers", responses=problems(401, 403))
    async def list_providers(caller: Operator, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Connected providers with their models. Of a key only its end is shown."""
        return page_out([provider_out(each) for each in await providers.connected()], cursor, limit)

    @router.post("/api/providers", status_code=201, responses=problems(401, 403, 409, 413, 422))
    async def add_provider(caller: Operator, body: NewProviderBody) -> dict[str, Any]:
        """Connect a provider with its models."""
        return provider_out(await providers.one(await providers.add(caller, body.new())))

    @router.patch("/api/providers/{provider}", responses=problems(401, 403, 404, 409, 413, 422))
    async def change_provider(caller: Operator, provider: str, body: ProviderChangeBody) -> dict[str, Any]:
        """Change a provider, or connect more of its models."""
        provider_id = decode("prv", provider)
        await providers.change(caller, provider_id, body.change())
        return provider_out(await providers.one(provider_id))

    @router.delete("/api/providers/{provider}", status_code=204, responses=problems(401, 403, 404))
    async def remove_provider(caller: Operator, provider: str) -> None:
        """Remove a provider with its models."""
        await providers.remove(caller, decode("prv", provider))

    @router.put("/api/models/default", status_code=204, responses=problems(401, 403, 404, 422))
    async def choose_default(caller: Operator, body: DefaultBody) -> None:
        """Make a model or an alias the default of its kind."""
        await providers.choose_default(caller, body.name)

    @router.patch("/api/models/{model}", responses=problems(401, 403, 404, 409, 422))
    async def change_model(caller: Operator, model: str, body: ModelChangeBody) -> dict[str, Any]:
        """Change what the catalogue says of a model, and who may use it."""
        changed = (await providers.change_model(caller, decode("mdl", model), body.change())).model
        defaults = (await providers.one(changed.provider_id)).defaults
        return model_out(changed, changed.name in defaults)

    @router.delete("/api/models/{model}", status_code=204, responses=problems(401, 403, 404))
    async def remove_model(caller: Operator, model: str) -> None:
        """Take a model out of the catalogue."""
        await providers.remove_model(caller, decode("mdl", model))

    return router


def _trials(providers: Providers, trials: Trials) -> APIRouter:
    router = APIRouter()

    @router.post("/api/providers/discover", responses=problems(401, 403, 404, 422, 429, 502))
    async def discover(caller: Operator, body: DiscoverBody) -> dict[str, Any]:
        """The models that an address offers, before it is connected."""
        found = await trials.discover(body.base_url, body.key, body.kind)
        return {"models": [discovered_out(model) for model in found]}

    @router.post("/api/providers/test", responses=problems(401, 403, 422))
    async def try_out(caller: Operator, body: TrialBody) -> dict[str, Any]:
        """A real short call to a model that is not connected yet."""
        return trial_out(await trials.try_out(body.base_url, body.key, body.model, body.kind))

    @router.post("/api/models/{name:path}/test", responses=problems(401, 403, 404))
    async def try_model(caller: Operator, name: str) -> dict[str, Any]:
        """A real short call to a connected model."""
        return trial_out(await providers.try_model(name))

    return router
