"""What goes in and out of the room's routes. Parsing and rendering only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mecum.kit.errors import BadRequest
from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX
from mecum.kit.ids import encode
from mecum.rooms.models import CatalogueModel, LocalModel
from mecum.rooms.models.providers import Connected, ModelChange, NewModel, NewProvider, ProviderChange
from mecum.rooms.models.service import BASE_URL_MAX, CONTEXT_MAX
from mecum.rooms.models.store.catalogue import ModelRow, ProviderKind
from mecum.rooms.models.trials import Discovered, Trial

MODELS_AT_ONCE = 200

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="Most items to give.")]
Cursor = Annotated[str | None, Query(max_length=20, description="`next` of the page before.")]
Url = Annotated[str, StringConstraints(max_length=BASE_URL_MAX)]
Name = Annotated[str, StringConstraints(max_length=400)]
Key = Annotated[str, StringConstraints(max_length=4000)]
ContextTokens = Annotated[int, Field(ge=256, le=CONTEXT_MAX)]
LIMIT = PAGE_SIZE


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewModelBody(Body):
    """`upstream_model` is the provider's name of it, `name` what the catalogue will call it."""

    upstream_model: Name
    name: Name | None = None
    kind: Literal["chat", "embedding"] | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: ContextTokens | None = None

    def new(self) -> NewModel:
        return NewModel(self.upstream_model, self.name, self.kind, self.vision, self.native_tools, self.context_tokens)


class NewProviderBody(Body):
    """`kind` is the wire that it speaks; guessed from the address where it is absent."""

    name: Name
    base_url: Url
    key: Key = ""
    kind: ProviderKind | None = None
    model: Name | None = None
    models: Annotated[list[Name | NewModelBody], Field(max_length=MODELS_AT_ONCE)] = []

    def new(self) -> NewProvider:
        first = [NewModel(self.model)] if self.model is not None else []
        return NewProvider(self.name, self.base_url, self.key, [*first, *new_models(self.models)], self.kind)


class ProviderChangeBody(Body):
    """What is absent stays; `key` "" takes the key away; `models` are connected in addition."""

    name: Name | None = None
    base_url: Url | None = None
    key: Key | None = None
    kind: ProviderKind | None = None
    models: Annotated[list[Name | NewModelBody], Field(max_length=MODELS_AT_ONCE)] = []

    def change(self) -> ProviderChange:
        return ProviderChange(self.name, self.base_url, self.key, new_models(self.models), self.kind)


class ModelChangeBody(Body):
    """What is absent stays."""

    name: Name | None = None
    enabled: bool | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: ContextTokens | None = None

    def change(self) -> ModelChange:
        return ModelChange(self.name, self.enabled, self.vision, self.native_tools, self.context_tokens)


class DiscoverBody(Body):
    base_url: Url
    key: Key = ""
    kind: ProviderKind | None = None


class TrialBody(DiscoverBody):
    model: Name


class DefaultBody(Body):
    name: Name


def new_models(given: list[str | NewModelBody]) -> list[NewModel]:
    return [NewModel(each) if isinstance(each, str) else each.new() for each in given]


def catalogue_model_out(model: CatalogueModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "provider": model.provider,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
        "native_tools": model.native_tools,
        "local": model.local,
        "small": model.small,
        "default": model.default,
        "licence": model.licence,
    }


def local_out(local: LocalModel) -> dict[str, Any]:
    return {
        "name": local.name,
        "licence": local.licence,
        "publisher": local.publisher,
        "sha256": local.sha256,
        "state": local.state,
        "bytes_done": local.bytes_done,
        "bytes_total": local.bytes_total,
        "seconds_left": local.seconds_left,
        "problem": local.problem,
    }


def provider_out(connected: Connected) -> dict[str, Any]:
    row = connected.row
    return {
        "id": encode("prv", row.id),
        "name": row.name,
        "kind": row.kind,
        "base_url": row.base_url,
        "has_key": row.key_sealed is not None,
        "state": row.state,
        "problem": row.fault,
        "models": [model_out(model, model.name in connected.defaults) for model in connected.models],
    }


def model_out(model: ModelRow, is_default: bool) -> dict[str, Any]:
    return {
        "id": encode("mdl", model.id),
        "name": model.name,
        "upstream_model": model.upstream_model,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
        "native_tools": model.native_tools,
        "enabled": model.enabled,
        "default": is_default,
    }


def discovered_out(model: Discovered) -> dict[str, Any]:
    return {
        "id": model.id,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
    }


def trial_out(trial: Trial) -> dict[str, Any]:
    return {
        "ok": trial.ok,
        "latency_ms": trial.latency_ms,
        "text": trial.text,
        "problem": None if trial.problem is None else trial.problem.problem(),
    }


def page_out(items: list[dict[str, Any]], cursor: str | None, limit: int) -> dict[str, Any]:
    """One page of a list that is in memory anyway; the cursor is how many came before.

    Raises:
        BadRequest: a cursor that is not one of ours.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise BadRequest("models.cursor_malformed", "This cursor is not one of ours.", "Begin without a cursor.")
    start = int(cursor) if cursor is not None else 0
    more = start + limit < len(items)
    return {"items": items[start : start + limit], "next": str(start + limit) if more else None}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its description."""
    schema = {"type": "object", "required": ["code", "detail", "status"]}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": MEANINGS[status], "content": content} for status in (*statuses, 400, 503)}


MEANINGS = {
    400: "The request can't be understood.",
    401: "Nobody is signed in.",
    403: "Not allowed.",
    404: "Not there.",
    409: "The name is taken.",
    413: "Over a limit.",
    422: "A value is not possible.",
    429: "The provider limits how much may be asked.",
    502: "The provider failed.",
    503: "The database or another part is away.",
}
