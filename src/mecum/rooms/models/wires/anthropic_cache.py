"""What of a request Anthropic keeps for the next turn (Anthropic API reference, prompt caching).

What is kept is read again for a tenth of its price, and written for a quarter more: so only what is long enough to be
kept at all, and comes again, is marked. The order is tools, system, messages; a mark holds for all before it.
"""

from __future__ import annotations

from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.wires.jsons import JsonObject, dumps

TOKENS_MIN = 1024
"""The shortest beginning that any of its models keeps; where a model wants more, a mark costs nothing."""
TURNS_MARKED = 2
"""The last turns of the other side: this one for the next request, the one before to find what the last one wrote."""
KEPT: JsonObject = {"type": "ephemeral"}


def marked(body: JsonObject) -> JsonObject:
    """`body` with marks where it is long enough: at its tools, its system, and its last two turns."""
    tools, found, tokens = body.get("tools", []), dict(body), 0
    if tools:
        tokens += estimate(dumps(tools).decode())
        if tokens >= TOKENS_MIN:
            found["tools"] = [*tools[:-1], {**tools[-1], "cache_control": KEPT}]
    if system := body.get("system"):
        tokens += estimate(system)
        if tokens >= TOKENS_MIN:
            found["system"] = [{"type": "text", "text": system, "cache_control": KEPT}]
    if _goes_on(body):
        found["messages"] = _marked_turns(body["messages"], tokens)
    return found


def _goes_on(body: JsonObject) -> bool:
    """Whether what is said last will probably be read again: a single question without tools will not."""
    return bool(body.get("tools")) or len(body["messages"]) > 1


def _marked_turns(messages: list[JsonObject], tokens: int) -> list[JsonObject]:
    found, long_enough = list(messages), list[int]()
    for place, message in enumerate(messages):
        tokens += sum(_tokens(block) for block in message["content"])
        if message["role"] == "user" and tokens >= TOKENS_MIN:
            long_enough.append(place)
    for place in long_enough[-TURNS_MARKED:]:
        *first, last = messages[place]["content"]
        found[place] = {**messages[place], "content": [*first, {**last, "cache_control": KEPT}]}
    return found


def _tokens(block: JsonObject) -> int:
    """About; none of pictures, whose bytes say nothing of it."""
    if block["type"] == "tool_result":
        return sum(_tokens(part) for part in block["content"])
    return 0 if block["type"] == "image" else estimate(dumps(block).decode())
