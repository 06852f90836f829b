"""Requests in the chat completions wire (OpenAI API reference, `POST /chat/completions`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from mecum.rooms.models import Content, ImagePart, Message, ModelRequest, TextPart, ToolSpec
from mecum.rooms.models.wires.chat_stream import THOUGHTS
from mecum.rooms.models.wires.jsons import JsonObject, arr, obj
from mecum.rooms.models.wires.keeping import pieces

EFFORTS = {"fast": "low", "think": "high"}
"""Our effort as `reasoning_effort`; `auto` leaves it to the provider."""
SAMPLING = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")


def build(
    request: ModelRequest, upstream_model: str, *, stream: bool = True, keyed: bool = False, by: str = ""
) -> JsonObject:
    """`request` as the body of a call.

    Args:
        keyed: name the conversation, so that it comes to who read it before; few servers know that.
        by: whose thoughts are given back, see `keeping.tag`. Only with the calls that it is just at: servers that want
            them there want no older ones.
    """
    messages = request.messages
    begun = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    built = [_message(message, by if place > begun else "") for place, message in enumerate(messages)]
    body: JsonObject = {"model": upstream_model, "messages": built}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.must_call:
            body["tool_choice"] = _choice(request.tools)
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    body |= {name: value for name in SAMPLING if (value := getattr(request, name)) is not None}
    if request.stop:
        body["stop"] = list(request.stop)
    if keyed and request.conversation:
        body["prompt_cache_key"] = request.conversation
    if request.json_schema is not None:
        schema = {"name": "answer", "schema": request.json_schema, "strict": is_strict(request.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.effort in EFFORTS:
        body["reasoning_effort"] = EFFORTS[request.effort]
    return body


def without_thoughts(body: JsonObject) -> bool:
    """Take out of `body` the thoughts that are given back; whether there were any."""
    found = [name for message in arr(body["messages"]) for name in THOUGHTS if obj(message).pop(name, None)]
    return bool(found)


def _message(message: Message, by: str) -> JsonObject:
    built: JsonObject = {"role": message.role, "content": _content(message.content)}
    if message.tool_use_id is not None:
        built["tool_call_id"] = message.tool_use_id
    if message.tool_uses:
        built["content"] = built["content"] or None
        built["tool_calls"] = [
            {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.arguments}}
            for use in message.tool_uses
        ]
        for piece in pieces(message, by):
            built |= {name: piece.own[name] for name in THOUGHTS if name in piece.own}
    return built


def _content(parts: Sequence[Content]) -> str | list[JsonObject]:
    """Text alone as a string: some servers take nothing else."""
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return [_part(part) for part in parts]


def _part(part: Content) -> JsonObject:
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": {"url": data_url(part)}}
    return {"type": "text", "text": part.text}


def data_url(image: ImagePart) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"


def _tool(tool: ToolSpec) -> JsonObject:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _choice(tools: Sequence[ToolSpec]) -> str | JsonObject:
    """A single tool by its name: servers that know no `required` know that."""
    return {"type": "function", "function": {"name": tools[0].name}} if len(tools) == 1 else "required"


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether `schema` keeps OpenAI's rules for strict schemas: closed objects whose properties are all required."""
    if "properties" in schema or schema.get("type") == "object":
        properties = obj(schema.get("properties"))
        if schema.get("additionalProperties") is not False or set(arr(schema.get("required"))) != set(properties):
            return False
    parts = [*obj(schema.get("properties")).values(), *obj(schema.get("$defs")).values()]
    parts += [*arr(schema.get("anyOf")), schema.get("items")]
    return all(is_strict(found) for part in parts if (found := obj(part)))
