"""A request as the router sees it: how the last message of the person is built, never kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mecum.rooms.models import ModelRequest, TextPart
from mecum.rooms.models.tiers import Tier
from mecum.rooms.models.tokens import CHARS_PER_TOKEN, estimate_input
from mecum.rooms.models.wires.jsons import arr, count, obj, text

ENDS_CHARS = 750
"""Of a longer message its two ends are looked at: there stands what is wanted, between them what it is about."""


@dataclass(frozen=True, slots=True)
class Question:
    """
    Args:
        text: the last message of the person; of a long one its two ends.
        chars: how long it is. turns: messages of the person so far.
        tokens: of the whole request, about. attachments: what came with the message. tools: of the caller.
        output_tokens_max: as asked for. tier: how soon it is to be served.
    """

    text: str
    chars: int
    turns: int = 1
    tokens: int = 0
    attachments: int = 0
    tools: int = 0
    wants_schema: bool = False
    purpose: str = "assistant.answer"
    output_tokens_max: int | None = None
    tier: Tier = "default"


def of_request(request: ModelRequest) -> Question:
    """`request` from a room of the house, or from a wire that was read."""
    said = [message for message in request.messages if message.role == "user"]
    parts = said[-1].content if said else ()
    words = next((part.text for part in parts if isinstance(part, TextPart)), "")
    with_words = any(isinstance(part, TextPart) for part in parts)
    return Question(
        text=ends(words),
        chars=len(words),
        turns=max(1, len(said)),
        tokens=estimate_input(request.messages, request.tools),
        attachments=len(parts) - with_words,
        tools=0 if request.purpose.startswith("assistant.") else len(request.tools),
        wants_schema=request.json_schema is not None,
        purpose=request.purpose,
        output_tokens_max=request.max_tokens,
        tier=request.tier,
    )


def of_body(values: Mapping[str, Any], items: list[Any], purpose: str, size: int, tier: Tier) -> Question:
    """A request in one of OpenAI's wires, `items` its messages, `size` bytes long."""
    said = [obj(item) for item in items if obj(item).get("role") == "user"]
    words, attachments = _content(said[-1].get("content")) if said else ("", 0)
    formats = (values.get("response_format"), obj(values.get("text")).get("format"))
    most = (values.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"))
    return Question(
        text=ends(words),
        chars=len(words),
        turns=max(1, len(said)),
        tokens=size // CHARS_PER_TOKEN,
        attachments=attachments,
        tools=len(arr(values.get("tools"))),
        wants_schema=any(text(obj(each).get("type")).startswith("json") for each in formats),
        purpose=purpose,
        output_tokens_max=next((found for each in most if (found := count(each))), None),
        tier=tier,
    )


def _content(content: object) -> tuple[str, int]:
    """The words of a message, and how much came with them."""
    if isinstance(content, str):
        return content, 0
    parts = [obj(part) for part in arr(content)]
    words = [text(part.get("text")) for part in parts if text(part.get("type")) in ("text", "input_text")]
    return "\n".join(words), len(parts) - len(words)


def ends(words: str) -> str:
    """`words`, or the two ends of long ones."""
    return words if len(words) <= 2 * ENDS_CHARS else f"{words[:ENDS_CHARS]}\n{words[-ENDS_CHARS:]}"
