"""What callers of the entity may send: what means something here of OpenAI's shapes. Unknown fields are ignored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mecum.kit.errors import BadRequest, MecumError, TooLarge, Unprocessable
from mecum.rooms.assistant import NewFile

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
    tool_calls: list[ToolCall] = Field(default_factory=list[ToolCall])
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
    messages: list[ChatMessage] = Field(min_length=1)
    tools: list[ChatTool] = Field(default_factory=list[ChatTool])
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


class ResponsesTool(Loose):
    type: Literal["function"]
    name: str = Field(min_length=1, max_length=64)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponsesRequest(Loose):
    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    tools: list[ResponsesTool] = Field(default_factory=list[ResponsesTool])
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


Content: TypeAlias = str | list[dict[str, Any]] | None

TEXT_PARTS = frozenset(("text", "input_text", "output_text", "refusal"))
IMAGE_PARTS = frozenset(("image_url", "input_image"))


@dataclass(slots=True)
class Turn:
    """A message that was said before, with its pictures."""

    role: str
    text: str = ""
    tool_uses: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    tool_use_id: str | None = None
    images: list[bytes] = field(default_factory=list[bytes])

    def posted(self) -> dict[str, Any]:
        """As `Post.history` has it."""
        item: dict[str, Any] = {"role": self.role, "text": self.text, "tool_uses": self.tool_uses}
        if self.tool_use_id:
            item["tool_use_id"] = self.tool_use_id
        if self.images:
            item["new_files"] = files(self.images)
        return item


@dataclass(slots=True)
class Conversation:
    """A request taken apart: what came before, and what is to be answered."""

    instructions: list[str] = field(default_factory=list[str])
    history: list[Turn] = field(default_factory=list[Turn])
    text: str = ""
    images: list[bytes] = field(default_factory=list[bytes])
    tool_results: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def keep_newest_images(self, most: int) -> None:
        """Leave out those beyond `most`, the oldest first.

        Raises:
            TooLarge: so many came with what is to be answered alone.
        """
        left = most - len(self.images)
        if left < 0:
            raise TooLarge("openai.too_many_images", f"More than {most} images.", params={"param": "content"})
        for turn in reversed(self.history):
            turn.images = turn.images[-left:] if left > 0 else []
            left -= len(turn.images)


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


def files(images: Sequence[bytes]) -> list[NewFile]:
    """Pictures as files of a message."""
    return [NewFile("image", image) for image in images]


def conversation_of(messages: Sequence[ChatMessage], images_max: int) -> Conversation:
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
    found.history = [_turn(message) for message in turns[:split]]
    found.keep_newest_images(images_max)
    return found


def _turn(message: ChatMessage) -> Turn:
    uses = [{"id": c.id, "name": c.function.name, "arguments": c.function.arguments} for c in message.tool_calls]
    text, images = text_of(message.content), images_of(message.content)
    return Turn(message.role, text, uses, message.tool_call_id or None, images)


def text_of(content: Content) -> str:
    """The text of message content, parts joined by line breaks.

    Raises:
        BadRequest: a part is neither text nor a picture.
    """
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        kind = str(part.get("type"))
        if kind not in TEXT_PARTS | IMAGE_PARTS:
            raise refused("content", f"The entity can't read a part of type {kind[:40]}: send text or images.")
    texts = (str(part.get("text") or part.get("refusal") or "") for part in content if part["type"] in TEXT_PARTS)
    return "\n".join(texts)


def images_of(content: Content) -> list[bytes]:
    """The pictures of message content. Only data URLs: the entity fetches no address unasked.

    Raises:
        BadRequest, Unprocessable: what is given is no picture that can be taken.
    """
    if not isinstance(content, list):
        return []
    images: list[bytes] = []
    for part in content:
        if part.get("type") in IMAGE_PARTS:
            given: object = part.get("image_url")
            url = cast("dict[str, object]", given).get("url") if isinstance(given, dict) else given
            images.append(_data_url(str(url)))
    return images


def _data_url(url: str) -> bytes:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        detail = "An image must be a data: URL with base64."
        raise Unprocessable("openai.image_url", detail, "Send its bytes.", params={"param": "image_url"})
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refused("image_url", "The image is not valid base64.") from None


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
