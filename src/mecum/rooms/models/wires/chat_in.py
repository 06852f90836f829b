"""A chat completions request that somebody sent us, as a model request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal

from mecum.kit.errors import BadRequest
from mecum.rooms.models import Content, ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, obj, text

ROLES: dict[str, Literal["system", "user", "assistant", "tool"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
MESSAGES_MAX = 4096
TOOLS_MAX = 256
STOPS_MAX = 4
SEED_MAX = 2**31 - 1
"""The largest that every wire takes."""
UNREAD = ("audio", "logit_bias", "logprobs", "modalities", "prediction", "top_logprobs", "verbosity")
EFFORTS: dict[str, Literal["fast", "think"]] = {"none": "fast", "minimal": "fast", "low": "fast", "high": "think"}


def malformed(where: str, what: str) -> BadRequest:
    return BadRequest(
        "models.request_malformed",
        f"{where}: {what}.",
        "See the API reference of chat completions or responses.",
        params={"where": where},
    )


def read(body: Mapping[str, Any], model: str) -> ModelRequest:
    """`body` for the catalogue's `model`.

    Raises:
        BadRequest: it names what is wrong and where.
    """
    messages = arr(body.get("messages"))
    if not 0 < len(messages) <= MESSAGES_MAX:
        raise malformed("messages", f"1 to {MESSAGES_MAX} messages are needed")
    tools = _tools(body)
    named = text(obj(obj(body.get("tool_choice")).get("function")).get("name"))
    if named and named not in (tool.name for tool in tools):
        raise malformed("tool_choice", f"there is no tool {named[:60]} among the tools")
    if (body.get("n") or 1) != 1:
        raise malformed("n", "this model gives one answer at a time")
    return ModelRequest(
        messages=[_message(obj(message), f"messages[{place}]") for place, message in enumerate(messages)],
        model=model,
        tools=[tool for tool in tools if named in ("", tool.name)],
        must_call=bool(tools) and (bool(named) or body.get("tool_choice") == "required"),
        effort=EFFORTS.get(text(body.get("reasoning_effort")), "auto"),
        max_tokens=count(body.get("max_completion_tokens")) or count(body.get("max_tokens")) or None,
        temperature=_number(body.get("temperature"), 0, 2),
        top_p=_number(body.get("top_p"), 0, 1),
        seed=_seed(body.get("seed")),
        frequency_penalty=_number(body.get("frequency_penalty"), -2, 2),
        presence_penalty=_number(body.get("presence_penalty"), -2, 2),
        stop=_stops(body.get("stop")),
        json_schema=_schema(obj(body.get("response_format"))),
        conversation=text(body.get("prompt_cache_key")),
        purpose="relay.chat",
    )


def _message(message: JsonObject, where: str) -> Message:
    role = ROLES.get(text(message.get("role")))
    if role is None:
        raise malformed(f"{where}.role", "system, developer, user, assistant or tool")
    content = message.get("content")
    parts = [TextPart(content)] if isinstance(content, str) else [_part(obj(part), where) for part in arr(content)]
    uses: list[ToolUse] = []
    for call in arr(message.get("tool_calls")) if role == "assistant" else []:
        function = obj(obj(call).get("function"))
        uses.append(ToolUse(text(obj(call).get("id")), text(function.get("name")), text(function.get("arguments"))))
    answered = text(message.get("tool_call_id")) if role == "tool" else ""
    if role == "tool" and not answered:
        raise malformed(f"{where}.tool_call_id", "which call is this the result of?")
    return Message(role, tuple(part for part in parts if part != TextPart("")), tuple(uses), answered or None)


def _part(part: JsonObject, where: str) -> Content:
    kind = text(part.get("type"))
    if kind in ("text", "refusal"):
        return TextPart(text(part.get(kind)))
    if kind == "image_url":
        return _image(text(obj(part.get("image_url")).get("url")), where)
    raise malformed(f"{where}.content", f"{kind[:40] or 'a part without type'} is not something that this model takes")


def _image(url: str, where: str) -> ImagePart:
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise malformed(f"{where}.content", "an image is given as a data URL with base64")
    try:
        return ImagePart(head.removeprefix("data:").removesuffix(";base64"), base64.b64decode(data, validate=True))
    except binascii.Error:
        raise malformed(f"{where}.content", "an image that is not base64") from None


def _tools(body: Mapping[str, Any]) -> list[ToolSpec]:
    tools = arr(body.get("tools")) if body.get("tool_choice") != "none" else []
    if len(tools) > TOOLS_MAX:
        raise malformed("tools", f"at most {TOOLS_MAX} tools")
    return [_tool(obj(tool), f"tools[{place}]") for place, tool in enumerate(tools)]


def _tool(tool: JsonObject, where: str) -> ToolSpec:
    function = obj(tool.get("function"))
    name = text(function.get("name"))
    if tool.get("type") != "function" or not name:
        raise malformed(where, "only functions with a name")
    return ToolSpec(name, text(function.get("description")), obj(function.get("parameters")))


def unread(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What `body` asks for that no model request can say, and that an answer can do without."""
    return tuple(name for name in UNREAD if body.get(name))


def _number(value: object, least: float, most: float) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if least <= value <= most else None


def _seed(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= SEED_MAX else None


def _stops(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else arr(value)
    if len(given) > STOPS_MAX or not all(isinstance(stop, str) for stop in given):
        raise malformed("stop", f"a text, or at most {STOPS_MAX} of them")
    return tuple(stop for stop in given if stop)


def _schema(response_format: JsonObject) -> Mapping[str, Any] | None:
    kind = response_format.get("type")
    if kind == "json_schema":
        return obj(obj(response_format.get("json_schema")).get("schema"))
    return {"type": "object"} if kind == "json_object" else None
