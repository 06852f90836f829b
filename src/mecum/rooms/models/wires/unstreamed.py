"""A whole answer as a stream: some servers give one JSON body to somebody who asked for events."""

from __future__ import annotations

from collections.abc import Iterator

from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, obj, text
from mecum.rooms.models.wires.sse import frame


def chat_stream(answer: JsonObject, *, include_usage: bool) -> Iterator[bytes]:
    """A chat completion as its chunks: each choice at once, the usage where it is wanted, and the end."""
    head = {name: value for name, value in answer.items() if name not in ("choices", "usage", "object")}
    head["object"] = "chat.completion.chunk"
    for choice in arr(answer.get("choices")):
        told = obj(choice)
        message = obj(told.get("message"))
        calls = [{"index": index, **obj(call)} for index, call in enumerate(arr(message.get("tool_calls")))]
        delta = {**message, "tool_calls": calls} if calls else message
        part = {"index": told.get("index", 0), "delta": delta, "finish_reason": told.get("finish_reason")}
        yield frame(dumps({**head, "choices": [part]}))
    if include_usage and answer.get("usage"):
        yield frame(dumps({**head, "choices": [], "usage": answer["usage"]}))
    yield b"data: [DONE]\n\n"


def response_stream(response: JsonObject) -> Iterator[bytes]:
    """A response as its events: begun, each of its items with its text at once, and completed."""
    events: list[JsonObject] = [{"type": "response.created", "response": {**response, "output": [], "usage": None}}]
    for place, item in enumerate(obj(each) for each in arr(response.get("output"))):
        events.append({"type": "response.output_item.added", "output_index": place, "item": {**item, "content": []}})
        for index, part in enumerate(obj(each) for each in arr(item.get("content"))):
            at = {"item_id": text(item.get("id")), "output_index": place, "content_index": index}
            events.append({"type": "response.content_part.added", **at, "part": {**part, "text": ""}})
            events.append({"type": "response.output_text.delta", **at, "delta": text(part.get("text")), "logprobs": []})
            events.append({"type": "response.content_part.done", **at, "part": part})
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    status = text(response.get("status")) or "completed"
    events.append({"type": f"response.{status}", "response": response})
    for number, event in enumerate(events):
        yield frame(dumps({**event, "sequence_number": number}), text(event["type"]))
