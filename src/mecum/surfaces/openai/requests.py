"""What callers of the entity may send: what means something here of OpenAI's shapes. Unknown fields are ignored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mecum.kit.errors import BadRequest, MecumError, TooLarge, Unprocessable

IMAGES_MAX = 8
IMAGE_BYTES_MAX = 10_000_000
TOOLS_MAX = 128
MESSAGES_MAX = 1_000

M = TypeVar("M", bound=BaseModel)


class Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class FunctionCall(Loose):
    name: str = Field(max_length=200)
    arguments: str = ""


class ToolCall(Loose):
    id: str = Field(max_length=200)
    function: FunctionCall


class ChatMessage(Loose):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] = Field(default_factory=list[ToolCall], max_length=TOOLS_MAX)
    tool_call_id: str | None = None


class ChatFunction(Loose):
    name: str = Field(min_length=1, max_length=64)
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])


class ChatTool(Loose):
    type: Literal["function"]
    function: ChatFunction


class StreamOptions(Loose):
    include_usage: bool = False


class ChatRequest(Loose):
    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=MESSAGES_MAX)
    tools: list[ChatTool] = Field(default_factory=list[ChatTool], max_length=TOOLS_MAX)
    tool_choice: Any = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    n: int | None = None
    store: bool = False
    metadata: dict[str, str] | None = None


class ResponsesRequest(Loose):
    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    tools: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]], max_length=TOOLS_MAX)
    tool_choice: Any = None
    stream: bool = False
    store: bool = True
    background: bool = False
    previous_response_id: str | None = None
    max_output_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None


@dataclass(slots=True)
class Conversation:
    """A request taken apart: what came before, and what is to be answered."""

    instructions: list[str] = field(default_factory=list[str])
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    text: str = ""
    images: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    tool_results: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


def parse(model: type[M], body: object) -> M:
    """`body` as `model`.

    Raises:
        BadRequest: it is not; `params.param` names the field as OpenAI's clients expect.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"])
        raise BadRequest("invalid_request", f"{param}: {first['msg']}", params={"param": param}) from None


def conversation_of(messages: Sequence[ChatMessage]) -> Conversation:
    """Messages of a chat request: the last user message, or the results of tools at the end, are what is answered."""
    found = Conversation()
    turns = [message for message in messages if message.role not in ("system", "developer")]
    found.instructions = [text_of(m.content) for m in messages if m.role in ("system", "developer")]
    if not turns:
        raise refused("messages", "There is no message to answer.")
    split = len(turns)
    if turns[-1].role == "tool":
        while split and turns[split - 1].role == "tool":
            split -= 1
        found.tool_results = [{"call": m.tool_call_id or "", "text": text_of(m.content)} for m in turns[split:]]
    elif turns[-1].role == "user":
        split -= 1
        found.text = text_of(turns[-1].content)
        found.images = images_of(turns[-1].content)
    else:
        raise refused("messages", "The last message must be of the user or of a tool.")
    found.history = [history_item(message) for message in turns[:split]]
    return found


def history_item(message: ChatMessage) -> dict[str, Any]:
    uses = [{"id": c.id, "name": c.function.name, "arguments": c.function.arguments} for c in message.tool_calls]
    item: dict[str, Any] = {"role": message.role, "text": text_of(message.content), "tool_uses": uses}
    if message.tool_call_id:
        item["tool_use_id"] = message.tool_call_id
    return item


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """The text of message content, parts joined by line breaks."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(
        str(part.get("text", "")) for part in content if part.get("type") in ("text", "input_text", "output_text")
    )


def images_of(content: str | list[dict[str, Any]] | None) -> list[tuple[str, bytes]]:
    """The pictures of message content: media type and bytes. Only data URLs: the entity fetches no address unasked."""
    if not isinstance(content, list):
        return []
    images: list[tuple[str, bytes]] = []
    for part in content:
        if part.get("type") in ("image_url", "input_image"):
            given: object = part.get("image_url")
            url = cast("dict[str, object]", given).get("url") if isinstance(given, dict) else given
            images.append(_data_url(str(url)))
    if len(images) > IMAGES_MAX:
        raise TooLarge("openai.too_many_images", f"More than {IMAGES_MAX} images.", params={"param": "messages"})
    return images


def _data_url(url: str) -> tuple[str, bytes]:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        detail = "An image must be a data: URL with base64."
        raise Unprocessable("openai.image_url", detail, "Send its bytes.", params={"param": "image_url"})
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refused("image_url", "The image is not valid base64.") from None
    if len(image) > IMAGE_BYTES_MAX:
        raise TooLarge("openai.image_too_large", f"An image is larger than {IMAGE_BYTES_MAX:,} bytes.")
    return head[5:-7], image


def refused(param: str, detail: str) -> MecumError:
    return BadRequest("invalid_request", detail, params={"param": param})


def json_schema_of(format_: dict[str, Any] | None) -> dict[str, Any] | None:
    """The JSON schema that a response format asks for, in either API's shape; any object for `json_object`."""
    if not format_:
        return None
    kind = format_.get("type")
    if kind == "json_object":
        return {"type": "object"}
    if kind != "json_schema":
        return None
    inner = format_.get("json_schema", format_)
    schema = inner.get("schema")
    if not isinstance(schema, dict):
        raise refused("response_format", "json_schema needs a schema.")
    return schema  # pyright: ignore[reportUnknownVariableType]


EFFORTS: dict[str, Literal["auto", "fast", "think"]] = {
    "none": "fast",
    "minimal": "fast",
    "low": "fast",
    "medium": "auto",
    "high": "think",
    "xhigh": "think",
}
