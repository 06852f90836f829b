"""Requests in the responses wire (OpenAI API reference, `POST /responses`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mecum.rooms.models import Content, ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.wires.chat_request import EFFORTS, data_url, is_strict
from mecum.rooms.models.wires.jsons import JsonObject, obj
from mecum.rooms.models.wires.keeping import pieces

OUTPUT_TOKENS_MIN = 16
CALL_ID_MAX = 64
OF_SEALED = re.compile(r"encrypted|\binclude\b['\"\[ ]", re.IGNORECASE)
SEALED = "reasoning.encrypted_content"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model takes of the wire, as far as its refusals have told.

    Args:
        effort: whether it is told how hard to think. summary: whether it tells what it thought.
        sealed: whether it gives its thoughts sealed, to have them back.
        returned: whether it takes back what it gave: another key of the same provider may not open it.
        keyed: whether a conversation can be named, so that it comes to who read it before.
    """

    effort: bool = True
    summary: bool = True
    sealed: bool = True
    returned: bool = True
    temperature: bool = True
    top_p: bool = True
    keyed: bool = True


def learned(terms: Terms, body: JsonObject, said: str) -> Terms:
    """`terms` after `body` was refused with the words `said`; the same where there is nothing to learn from them."""
    reasoning = obj(body.get("reasoning"))
    if any(obj(item).get("type") == "reasoning" for item in body["input"]) and _is_of_thoughts(said):
        return replace(terms, returned=False)
    if "include" in body and OF_SEALED.search(said):
        return replace(terms, sealed=False)
    if "summar" in said and "summary" in reasoning:
        return replace(terms, summary=False)
    if "reasoning" in said and reasoning:
        return replace(terms, effort=False, summary=False)
    if "temperature" in said and "temperature" in body:
        return replace(terms, temperature=False)
    if "top_p" in said and "top_p" in body:
        return replace(terms, top_p=False)
    if "prompt_cache_key" in said and "prompt_cache_key" in body:
        return replace(terms, keyed=False)
    return terms


def _is_of_thoughts(said: str) -> bool:
    """Whether a refusal is about thoughts that were given back: they can't be opened, or stand in a wrong place."""
    return "encrypted" in said.casefold() or "rs_" in said or "type 'reasoning'" in said


def build(request: ModelRequest, upstream_model: str, terms: Terms, by: str) -> JsonObject:
    """`request` as the body of a call, always streamed, and stored by nobody.

    Args:
        by: whose thoughts are given back, see `keeping.tag`.
    """
    instructions, messages = _instructions(request.messages)
    items = [item for message in messages for item in _items(message, by if terms.returned else "")]
    body: JsonObject = {"model": upstream_model, "input": items, "stream": True, "store": False}
    if instructions:
        body["instructions"] = instructions
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.must_call:
            body["tool_choice"] = _choice(request.tools)
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(OUTPUT_TOKENS_MIN, request.max_tokens)
    if request.temperature is not None and terms.temperature:
        body["temperature"] = request.temperature
    if request.top_p is not None and terms.top_p:
        body["top_p"] = request.top_p
    if request.json_schema is not None:
        schema = {"name": "answer", "schema": request.json_schema, "strict": is_strict(request.json_schema)}
        body["text"] = {"format": {"type": "json_schema", **schema}}
    if reasoning := _reasoning(request, terms):
        body["reasoning"] = reasoning
    if request.conversation and terms.keyed:
        body["prompt_cache_key"] = request.conversation
    if terms.sealed:
        body["include"] = [SEALED]
    return body


def _instructions(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """What the system says first, and all that follows. Alone it is no conversation: then it is what is asked."""
    first = next((place for place, message in enumerate(messages) if message.role != "system"), len(messages))
    said = "\n\n".join(_text(message) for message in messages[:first])
    return (said, messages[first:]) if first < len(messages) else ("", [Message("user", (TextPart(said),))])


def _reasoning(request: ModelRequest, terms: Terms) -> JsonObject:
    reasoning: JsonObject = {}
    if request.effort in EFFORTS and terms.effort:
        reasoning["effort"] = EFFORTS[request.effort]
    if request.effort == "think" and terms.summary:
        reasoning["summary"] = "auto"
    return reasoning


def _items(message: Message, by: str) -> list[JsonObject]:
    if message.role == "tool":
        output = {"call_id": _call_id(message.tool_use_id or ""), "output": _output(message.content)}
        return [{"type": "function_call_output", **output}]
    if message.role != "assistant":
        return [{"type": "message", "role": message.role, "content": [_part(part) for part in message.content]}]
    items = [_item(piece.said, piece.own) for piece in pieces(message, by)]
    while items and items[-1]["type"] == "reasoning":
        items.pop()  # A thought is only taken before what came of it.
    return items


def _item(said: str | ToolUse | None, own: JsonObject) -> JsonObject:
    if said is None:
        return own
    if isinstance(said, str):
        return {"type": "message", "role": "assistant", "content": said}
    return {"type": "function_call", "call_id": _call_id(said.id), "name": said.name, "arguments": said.arguments}


def _output(content: Sequence[Content]) -> str | list[JsonObject]:
    """Text alone as a string: some servers take nothing else."""
    if all(isinstance(part, TextPart) for part in content):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return [_part(part) for part in content]


def _part(part: Content) -> JsonObject:
    if isinstance(part, ImagePart):
        return {"type": "input_image", "image_url": data_url(part), "detail": "auto"}
    return {"type": "input_text", "text": part.text}


def _text(message: Message) -> str:
    return "".join(part.text for part in message.content if isinstance(part, TextPart))


def _tool(tool: ToolSpec) -> JsonObject:
    parameters: JsonObject = {"type": "object", "properties": {}, **tool.parameters}
    # Where nothing is said here, the wire takes a schema for a strict one, and few are.
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": parameters,
        "strict": False,
    }


def _choice(tools: Sequence[ToolSpec]) -> str | JsonObject:
    """That a tool must be called: that one, or any of several."""
    return {"type": "function", "name": tools[0].name} if len(tools) == 1 else "required"


def _call_id(given: str) -> str:
    """The id of a call, which another provider may have made, no longer than this wire takes."""
    if 0 < len(given) <= CALL_ID_MAX:
        return given
    return f"call_{hashlib.blake2b(given.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
