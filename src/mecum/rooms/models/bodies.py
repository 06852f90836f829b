"""What comes in by the room's routes. Parsing only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX
from mecum.kit.ids import decode
from mecum.kit.types import InstallationRole
from mecum.rooms.models.access import ORGANISATIONS_MAX, Access
from mecum.rooms.models.providers import ModelChange, NewModel, NewProvider, ProviderChange, Timeouts
from mecum.rooms.models.service import BASE_URL_MAX, CONTEXT_MAX
from mecum.rooms.models.store.catalogue import ProviderKind

MODELS_AT_ONCE = 200

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="Most items to give.")]
Cursor = Annotated[str | None, Query(max_length=20, description="`next` of the page before.")]
Url = Annotated[str, StringConstraints(max_length=BASE_URL_MAX)]
Name = Annotated[str, StringConstraints(max_length=400)]
Key = Annotated[str, StringConstraints(max_length=4000)]
ContextTokens = Annotated[int, Field(ge=256, le=CONTEXT_MAX)]
Timeout = Annotated[float, Field(gt=0, le=86_400)]
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
    reasoning: bool | None = None

    def new(self) -> NewModel:
        return NewModel(**self.model_dump())


class TimeoutsBody(Body):
    """In seconds; what is absent is as the settings have it."""

    first_byte_s: Timeout | None = None
    silence_s: Timeout | None = None
    total_s: Timeout | None = None

    def timeouts(self) -> Timeouts:
        return Timeouts(self.first_byte_s, self.silence_s, self.total_s)


class AccessBody(Body):
    """Who may use it. `organisations` only with that kind, `roles` only with that."""

    kind: Literal["everybody", "operators", "organisations", "roles"]
    organisations: Annotated[list[Name], Field(max_length=ORGANISATIONS_MAX)] = []
    roles: Annotated[list[InstallationRole], Field(max_length=3)] = []

    def access(self) -> Access:
        organisations = frozenset(decode("org", each) for each in self.organisations)
        return Access(self.kind, organisations, frozenset(self.roles))


class BuiltInBody(Body):
    """What is absent stays."""

    access: AccessBody | None = None
    hidden: bool | None = None


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
    """What is absent stays; `key` is that of the first account, "" takes all keys away; `models` are connected in
    addition."""

    name: Name | None = None
    base_url: Url | None = None
    key: Key | None = None
    kind: ProviderKind | None = None
    models: Annotated[list[Name | NewModelBody], Field(max_length=MODELS_AT_ONCE)] = []
    timeouts: TimeoutsBody | None = None

    def change(self) -> ProviderChange:
        timeouts = self.timeouts.timeouts() if self.timeouts is not None else None
        return ProviderChange(self.name, self.base_url, self.key, new_models(self.models), self.kind, timeouts)


class ModelChangeBody(Body):
    """What is absent stays."""

    name: Name | None = None
    enabled: bool | None = None
    vision: bool | None = None
    native_tools: bool | None = None
    context_tokens: ContextTokens | None = None
    reasoning: bool | None = None
    licence: Name | None = None
    hidden: bool | None = None
    access: AccessBody | None = None

    def change(self) -> ModelChange:
        return ModelChange(
            name=self.name,
            enabled=self.enabled,
            vision=self.vision,
            native_tools=self.native_tools,
            context_tokens=self.context_tokens,
            reasoning=self.reasoning,
            licence=self.licence,
            hidden=self.hidden,
            access=self.access.access() if self.access is not None else None,
        )


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
