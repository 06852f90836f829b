"""How many tokens a text is, roughly, where nobody who knows has said."""

from __future__ import annotations

from collections.abc import Sequence

from mecum.kit.types import Tokens
from mecum.rooms.models import ImagePart, Message, ToolSpec

CHARS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 768
TOKENS_PER_TOOL = 60


def estimate(text: str) -> Tokens:
    """Four ASCII characters make a token, and so does about every other character of other scripts its own."""
    if text.isascii():
        return Tokens(-(-len(text) // CHARS_PER_TOKEN))
    others = sum(1 for character in text if ord(character) >= 0x3000)
    return Tokens(others + -(-(len(text) - others) // (CHARS_PER_TOKEN - 1)))


def estimate_input(messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Tokens:
    """The tokens of a whole request."""
    total = TOKENS_PER_TOOL * len(tools)
    for message in messages:
        total += TOKENS_PER_MESSAGE
        for part in message.content:
            total += TOKENS_PER_IMAGE if isinstance(part, ImagePart) else estimate(part.text)
        total += sum(estimate(use.arguments) for use in message.tool_uses)
    return Tokens(total)
