"""A request in the responses wire (OpenAI API reference, `POST /responses`) as one in the chat completions wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mecum.kit.errors import BadRequest
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, obj, text

ITEMS_MAX = 4096
SAME = ("temperature", "top_p", "parallel_tool_calls", "user", "safety_identifier", "prompt_cache_key", "service_tier")
ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


def items_of(given: object) -> list[JsonObject]:
    """The `input` of a request as a list of items.

    Raises:
        BadRequest: neither text nor items, or too many.
    """
    if isinstance(given, str):
        part = {"type": "input_text", "text": given}
        return [{"type": "message", "role": "user", "content": [part]}]
    items = arr(given)
    if given is not None and items is not given:
        raise malformed("input", "text or a list of items")
    if len(items) > ITEMS_MAX:
        raise malformed("input", f"at most {ITEMS_MAX} items")
    return [obj(item) for item in items]


def to_chat(body: Mapping[str, Any], items: Sequence[JsonObject], model: str) -> JsonObject:
    """`body` with the whole conversation `items`, for the upstream's `model`.

    Raises:
        BadRequest: it asks for something that the chat completions wire can't say.
    """
    chat: JsonObject = {"model": model, "messages": _messages(body.get("instructions"), items)}
    if body.get("stream"):
        chat |= {"stream": True, "stream_options": {"include_usage": True}}
    chat |= {name: body[name] for name in SAME if body.get(name) is not None}
    if body.get("max_output_tokens") is not None:
        chat["max_tokens"] = body["max_output_tokens"]
    effort = obj(body.get("reasoning")).get("effort")
    if effort is not None:
        chat["reasoning_effort"] = effort
    tools = [_tool(obj(tool), place) for place, tool in enumerate(arr(body.get("tools")))]
    if tools:
        chat["tools"] = tools
        if body.get("tool_choice") is not None:
            chat["tool_choice"] = _tool_choice(body["tool_choice"])
    answer_format = _format(obj(obj(body.get("text")).get("format")))
    return chat if answer_format is None else {**chat, "response_format": answer_format}


def _messages(instructions: object, items: Sequence[JsonObject]) -> list[JsonObject]:
    messages: list[JsonObject] = []
    if isinstance(instructions, str) and instructions:
        messages.append({"role": "system", "content": instructions})
    for place, item in enumerate(items):
        kind = text(item.get("type")) or "message"
        if kind == "message":
            messages.append(_message(item, f"input[{place}]"))
        elif kind == "function_call":
            _add_call(messages, item)
        elif kind == "function_call_output":
            output = _tool_output(item.get("output"), f"input[{place}]")
            messages.append({"role": "tool", "tool_call_id": text(item.get("call_id")), "content": output})
        elif kind != "reasoning":  # The other wire has no place for a model's earlier thoughts.
            raise unsupported(f"input[{place}].type", kind)
    if not any(message["role"] != "system" for message in messages):
        raise malformed("input", "there is nothing to answer")
    return messages


def _message(item: JsonObject, where: str) -> JsonObject:
    role = ROLES.get(text(item.get("role")))
    if role is None:
        raise malformed(f"{where}.role", "user, assistant, system or developer")
    return {"role": role, "content": _content(item.get("content"), where)}


def _content(content: object, where: str) -> str | list[JsonObject]:
    if isinstance(content, str):
        return content
    parts = [_part(obj(part), where) for part in arr(content)]
    if all(part["type"] == "text" for part in parts):
        return "".join(text(part["text"]) for part in parts)
    return parts


def _part(part: JsonObject, where: str) -> JsonObject:
    kind = text(part.get("type"))
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": text(part.get("text"))}
    if kind == "refusal":
        return {"type": "text", "text": text(part.get("refusal"))}
    if kind == "input_image" and part.get("image_url"):
        url: JsonObject = {"url": text(part.get("image_url"))}
        return {"type": "image_url", "image_url": url | ({"detail": part["detail"]} if part.get("detail") else {})}
    if kind == "input_file" and part.get("file_data"):
        file = {"filename": text(part.get("filename")), "file_data": text(part.get("file_data"))}
        return {"type": "file", "file": file}
    raise unsupported(f"{where}.content", kind or "a part without type")


def _add_call(messages: list[JsonObject], item: JsonObject) -> None:
    """A call joins the assistant's message just before it: the other wire keeps text and calls of a turn together."""
    function = {"name": text(item.get("name")), "arguments": text(item.get("arguments"))}
    call = {"id": text(item.get("call_id")), "type": "function", "function": function}
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _tool_output(output: object, where: str) -> str | list[JsonObject]:
    if isinstance(output, str):
        return output
    return _content(arr(output), where) if arr(output) else dumps(output).decode()


def _tool(tool: JsonObject, place: int) -> JsonObject:
    if tool.get("type") != "function":
        raise unsupported(f"tools[{place}].type", text(tool.get("type")))
    names = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {name: tool[name] for name in names if tool.get(name) is not None}}


def _tool_choice(choice: object) -> object:
    if isinstance(choice, str):
        return choice
    chosen = obj(choice)
    if chosen.get("type") != "function":
        raise unsupported("tool_choice.type", text(chosen.get("type")))
    return {"type": "function", "function": {"name": text(chosen.get("name"))}}


def _format(wanted: JsonObject) -> JsonObject | None:
    kind = wanted.get("type")
    if kind == "json_schema":
        names = ("name", "description", "schema", "strict")
        schema = {name: wanted[name] for name in names if wanted.get(name) is not None}
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if kind == "json_object" else None


def unsupported(where: str, what: str) -> BadRequest:
    return BadRequest(
        "models.not_supported",
        f"{where}: {what[:60]} is not supported by this model.",
        "Leave it out, or choose a model whose provider supports it.",
        params={"where": where, "what": what[:60]},
    )
