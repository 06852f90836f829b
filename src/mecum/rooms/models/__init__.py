"""models: providers, the catalogue, the relay, and the one seam through which an answer is made.

This file is the room's face: what others may know and call.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from mecum.kit.errors import MecumError, Problem
from mecum.kit.types import Principal, Tokens
from mecum.kit.uploads import Upload
from mecum.kit.values import frozen

__all__ = [
    "ANSWER_JUDGED",
    "Bulk",
    "CatalogueModel",
    "Content",
    "Embedded",
    "Finish",
    "FinishReason",
    "ImagePart",
    "LocalModel",
    "Message",
    "ModelEvent",
    "ModelRequest",
    "ModelState",
    "Models",
    "ReasoningDelta",
    "Relay",
    "RelayResponse",
    "Routed",
    "TextDelta",
    "TextPart",
    "ToolCallDelta",
    "ToolSpec",
    "ToolUse",
    "Usage",
    "Waiting",
]


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image as bytes; the provider's wire decides how it travels."""

    media_type: str
    data: bytes = field(repr=False)


Content: TypeAlias = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call that the model wants: `arguments` is its JSON text, unparsed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a model wants to have back with a turn of its own while it goes on: signed or sealed thoughts, which nobody
    else can read. It is kept as it is, and goes to who made it alone; anybody else is asked without.

    Args:
        by: who made it. value: opaque. tokens: about how many a model reads in it.
    """

    by: str
    value: str = field(repr=False)
    tokens: Tokens = Tokens(0)


@dataclass(frozen=True, slots=True)
class Message:
    """One message for a model. `tool_uses` and `state` only with role assistant, `tool_use_id` only with role tool.

    Args:
        state: from the Finish of the answer that this message was.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Content, ...]
    tool_uses: tuple[ToolUse, ...] = ()
    tool_use_id: str | None = None
    state: ModelState | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it. `cues`: see `mecum.kit.tools.Tool`."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    cues: str = ""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What to ask a model.

    Args:
        model: a name of the catalogue; None: whom the router chooses, where it can, else the installation's default.
        must_call: no answer in words, but a call of one of `tools`.
        effort: how hard to think; `auto` leaves it to the router where it chooses the model, else to the model.
        max_tokens: of the answer. temperature to stop: each wire says what it can of them, see docs/models.md.
        json_schema: the answer must be JSON of this schema, or None.
        conversation: that goes on here, so that who answers may keep what it read; it leaves the house as a hash. None:
            the request stands alone.
        purpose: the room and what for, e.g. `assistant.answer`, for the meter.
        gives_way: nobody waits for it. The built-in model refuses it while it is wanted for anything else, and drops it
            when it is wanted in the middle: Unavailable, to be tried again later.
        tier: how soon it is to be served, see docs/api.md.
    """

    messages: Sequence[Message]
    model: str | None = None
    tools: Sequence[ToolSpec] = ()
    must_call: bool = False
    effort: Literal["auto", "fast", "think"] = "auto"
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: Sequence[str] = ()
    json_schema: Mapping[str, Any] | None = None
    conversation: str | None = None
    purpose: str = "assistant.answer"
    gives_way: bool = False
    tier: Literal["default", "flex", "priority", "batch"] = "default"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing yet, and why: `model_arriving` (progress 0 to 1), `model_loading`, `queued`, `provider_busy`."""

    reason: Literal["model_arriving", "model_loading", "queued", "provider_busy"]
    progress: float | None = None
    about_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A whole tool call, given once its arguments are complete."""

    use: ToolUse


@frozen
class Usage:
    """What a call took. `cached` (read of what was kept) and `cache_write` (kept from now on) are parts of `input`,
    `reasoning` is part of `output`. `estimated`: reckoned from the length of the texts, as the provider did not say.
    """

    input: Tokens
    output: Tokens
    cached: Tokens = Tokens(0)
    reasoning: Tokens = Tokens(0)
    estimated: bool = False
    cache_write: Tokens = Tokens(0)


ANSWER_JUDGED = "models.AnswerJudged"
"""Outbox topic, published by whoever had an answer made; payload `{"work", "what"}`: the run or job for which it was
made, and what became of it: `regenerated`, `think_longer`, `answer_fast`, `stopped`, `up`, `down` or `none` (a thumb
was taken back)."""


@dataclass(frozen=True, slots=True)
class Routed:
    """How the router had an answer made.

    Args:
        why: `asked` (chosen), `words` (said in the message), `score`, `explored`, or the kind of message: `code`,
            `maths`, `attachments`, `constraints`, `greeting`, `rewrite`, `translate`, `lookup`.
        lowered, lighter: what was taken away, and what was not read, because many were waiting.
    """

    effort: Literal["fast", "think"]
    why: str
    lowered: Literal["effort", "smaller"] | None = None
    lighter: tuple[Literal["tools", "context"], ...] = ()


FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of a stream. `model` is the catalogue's name of who answered, `provider` its provider's name;
    `routed`: how that was chosen, where the router did; `state`: to be given back with the message of this answer.
    """

    reason: FinishReason
    usage: Usage
    model: str
    provider: str
    routed: Routed | None = None
    state: ModelState | None = None


ModelEvent: TypeAlias = Waiting | TextDelta | ReasoningDelta | ToolCallDelta | Finish


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model that people can choose.

    Args:
        provider: its name; "" for an alias, which stands for models of several.
        hidden: it can be asked for by name, and is offered to nobody.
        note: what the operator says of an alias.
    """

    name: str
    provider: str
    kind: Literal["chat", "embedding"]
    upstream_model: str
    context_tokens: int
    vision: bool
    native_tools: bool
    local: bool
    small: bool
    default: bool
    licence: str
    reasoning: bool = False
    hidden: bool = False
    alias: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """The state of the embedded engine. Bytes and seconds are None where they are not known, `sha256` (hex) of its
    weights is "" of a file that we do not know.
    """

    name: str
    licence: str
    publisher: str
    sha256: str
    state: Literal["off", "absent", "arriving", "paused", "loading", "ready", "failed"]
    bytes_done: int | None = None
    bytes_total: int | None = None
    seconds_left: float | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of unit length, one per text, and what they cost."""

    vectors: tuple[tuple[float, ...], ...]
    model: str
    tokens: Tokens


class Models(Protocol):
    def stream(self, principal: Principal, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask a model. Ends with exactly one Finish, or raises.

        Closing the iterator cancels the request at the provider.

        Raises:
            NotFound: no such model. ProviderError: the provider failed (`retryable` says whether again can help).
            TooMany: a limit of the provider, after honouring Retry-After up to a bound.
            Unavailable: no model is connected.
        """
        ...

    async def embed(
        self, principal: Principal, texts: Sequence[str], model: str | None, kind: Literal["query", "passage"]
    ) -> Embedded: ...

    async def catalogue(self, principal: Principal) -> tuple[CatalogueModel, ...]:
        """The models that `principal` may use, hidden ones too, the default first."""
        ...

    def local(self) -> LocalModel: ...


@frozen
class RelayResponse:
    """An answer of the relay, ready to be sent: OpenAI's wire, its errors too.

    `body` is the whole answer, or its parts as they come. Those are closed (`aclose`) when the client leaves before
    their end: that closes the connection to the provider.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncGenerator[bytes, None] = field(repr=False)


class Bulk(Protocol):
    """OpenAI's Batch API under /v1: files, and batches of requests to models of the relay.

    No method raises a MecumError: errors are answers. The caller needs the scope `models`, and sees their own alone.
    """

    @property
    def file_limit_bytes(self) -> int:
        """How long an uploaded file may be; the surface reads little more."""
        ...

    async def upload(self, principal: Principal, upload: Upload) -> RelayResponse: ...

    async def files(
        self,
        principal: Principal,
        *,
        after: str | None = None,
        limit: int = 10_000,
        order: Literal["asc", "desc"] = "desc",
        purpose: str | None = None,
    ) -> RelayResponse: ...

    async def file(self, principal: Principal, file: str) -> RelayResponse: ...

    async def content(self, principal: Principal, file: str) -> RelayResponse:
        """The bytes of a file, streamed."""
        ...

    async def remove_file(self, principal: Principal, file: str) -> RelayResponse: ...

    async def create(self, principal: Principal, body: bytes) -> RelayResponse:
        """`POST /v1/batches`: the batch is durable when this returns."""
        ...

    async def batches(self, principal: Principal, *, after: str | None = None, limit: int = 20) -> RelayResponse: ...

    async def batch(self, principal: Principal, batch: str) -> RelayResponse: ...

    async def cancel(self, principal: Principal, batch: str) -> RelayResponse: ...


class Relay(Protocol):
    """The door under /v1 for every model but the entity: no memory, no tools, no thread.

    No method raises a MecumError: errors are answers. The caller needs the scope `models`. `body` is what the client
    sent, byte for byte; where the provider speaks the same wire it passes with nothing but the model's name changed.
    """

    @property
    def body_limit_bytes(self) -> int:
        """How long a body may be; the surface reads no more."""
        ...

    async def chat_completions(self, principal: Principal, body: bytes) -> RelayResponse: ...

    async def responses(self, principal: Principal, body: bytes) -> RelayResponse: ...

    async def embeddings(self, principal: Principal, body: bytes) -> RelayResponse: ...

    async def models(self, principal: Principal) -> RelayResponse:
        """`GET /v1/models`, without the entity."""
        ...

    async def model(self, principal: Principal, name: str) -> RelayResponse: ...

    async def response(self, principal: Principal, response_id: str) -> RelayResponse:
        """`GET /v1/responses/{id}` for a response that the relay stored; 404 for any other."""
        ...

    async def input_items(
        self, principal: Principal, response_id: str, *, after: str | None = None, limit: int = 20, order: str = "desc"
    ) -> RelayResponse: ...

    async def cancel(self, principal: Principal, response_id: str) -> RelayResponse: ...

    async def delete(self, principal: Principal, response_id: str) -> RelayResponse: ...

    def error(self, error: MecumError) -> RelayResponse:
        """Any error in OpenAI's shape."""
        ...
