"""Items of the Responses API: what a request gives, and what is shown of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Event, Posted
from mecum.surfaces.openai.requests import Conversation, Turn, images_of, refused, text_of

EVENTS_PAGE = 1_000
EVENTS_PAGES_MAX = 20


def conversation_of_input(given: str | Sequence[Mapping[str, Any]], images_max: int) -> Conversation:
    """The input of a response: the last user message, or the outputs of functions at its end, are what is answered.

    Raises:
        BadRequest: there is nothing to answer, or an item is of a kind that the entity does not know.
    """
    if isinstance(given, str):
        return Conversation(text=given)
    if not given:
        raise refused("input", "input must have an item.")
    found = Conversation()
    split = len(given)
    while split and given[split - 1].get("type") == "function_call_output":
        split -= 1
    found.tool_results = [{"call": str(i.get("call_id")), "text": _output_text(i.get("output"))} for i in given[split:]]
    if not found.tool_results and given[-1].get("role") == "user":
        split -= 1
        found.text = text_of(given[-1].get("content"))
        found.images = images_of(given[-1].get("content"))
    for item in given[:split]:
        _put(found, item)
    if not found.text and not found.tool_results and not found.images:
        raise refused("input", "The last item must be a message of the user or the output of a function.")
    found.keep_newest_images(images_max)
    return found


def _put(found: Conversation, item: Mapping[str, Any]) -> None:
    """Put an item that was said before where it belongs."""
    kind, role, content = item.get("type", "message"), item.get("role"), item.get("content")
    if kind == "message" and role in ("system", "developer"):
        found.instructions.append(text_of(content))
    elif kind == "message" and role in ("user", "assistant"):
        found.history.append(Turn(role, text_of(content), images=images_of(content)))
    elif kind == "function_call":
        use = {"id": str(item.get("call_id")), "name": str(item.get("name")), "arguments": str(item.get("arguments"))}
        found.history.append(Turn("assistant", tool_uses=[use]))
    elif kind == "function_call_output":
        text = _output_text(item.get("output"))
        found.history.append(Turn("tool", text, tool_use_id=str(item.get("call_id"))))
    elif kind != "reasoning":  # a model's earlier thoughts are of no use to the entity
        raise refused("input", f"The entity can't read an item of type {str(kind)[:40]}.")


def _output_text(output: object) -> str:
    return output if isinstance(output, str) else text_of(output if isinstance(output, list) else None)  # pyright: ignore[reportUnknownArgumentType]


async def asked_items(assistant: Assistant, caller: Principal, posted: Posted) -> list[dict[str, Any]]:
    """What came with the request whose message is `posted.message`, oldest first. Raises NotFound."""
    history: Sequence[Mapping[str, Any]] = ()
    after = 0
    for _ in range(EVENTS_PAGES_MAX):
        page = await assistant.events(caller, posted.thread, after=after, limit=EVENTS_PAGE)
        for event in page.items:
            body = event.payload or {}
            if event.type == "history.given":
                history = body.get("messages", ())
            elif event.type in ("message.user", "message.tool"):
                if event.message == posted.message:
                    given = [*history, *body.get("before", ())]
                    return [item for turn in given for item in _items_of_turn(turn)] + _items_of_event(event)
                history = ()  # it came with the first message
        if page.next is None:
            break
        after = int(page.next)
    return []


def _items_of_event(event: Event) -> list[dict[str, Any]]:
    body = event.payload or {}
    if event.type == "message.tool":
        return [_function_output(result["call"], result["text"]) for result in body.get("results", ())]
    return [_message("user", str(body.get("text", "")), body.get("attachments", ()))]


def _items_of_turn(turn: Mapping[str, Any]) -> list[dict[str, Any]]:
    role, text = str(turn.get("role")), str(turn.get("text", ""))
    if role == "tool":
        return [_function_output(str(turn.get("tool_use_id")), text)]
    calls = [
        {
            "type": "function_call",
            "status": "completed",
            "call_id": use["id"],
            "name": use["name"],
            "arguments": use["arguments"],
        }
        for use in turn.get("tool_uses", ())
    ]
    return [_message(role, text, turn.get("attachments", ()))] * bool(text or not calls) + calls


def _function_output(call: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "status": "completed", "call_id": call, "output": text}


def _message(role: str, text: str, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "input_text", "text": text}
    if role == "assistant":
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    images = [{"type": "input_image", "detail": "auto", "image_url": None, "file_id": file["id"]} for file in files]
    return {"type": "message", "status": "completed", "role": role, "content": [part, *images]}


def items_page(
    prefix: str, items: Sequence[Mapping[str, Any]], after: str | None, limit: int, order: str
) -> dict[str, Any]:
    """A page of `items`, newest first unless `order` is `asc`; each has an id that begins with `prefix`."""
    named = [{"id": f"{prefix}{place:04x}", **item} for place, item in enumerate(items)]
    if order != "asc":
        named.reverse()
    ids = [item["id"] for item in named]
    begin = ids.index(after) + 1 if after in ids else 0
    page = named[begin : begin + limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": begin + len(page) < len(named),
    }
