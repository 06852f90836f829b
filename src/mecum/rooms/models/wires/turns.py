"""A conversation as two sides that take turns: for wires where the system and tools have no turn of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mecum.rooms.models import Message, TextPart
from mecum.rooms.models.wires.jsons import JsonObject


def turns(
    messages: Sequence[Message], model: str, parts: str, parts_of: Callable[[Message], list[JsonObject]]
) -> tuple[str, list[JsonObject]]:
    """What the system says, and the turns: neighbours of one side are one turn, as results of parallel calls are.

    Args:
        model: the role of the model. parts: the member that holds the parts of a turn. parts_of: those of a message.
    """
    system: list[str] = []
    found: list[JsonObject] = []
    for message in messages:
        if message.role == "system":
            system += [part.text for part in message.content if isinstance(part, TextPart) and part.text.strip()]
            continue
        role, given = (model if message.role == "assistant" else "user"), parts_of(message)
        if given and found and found[-1]["role"] == role:
            found[-1][parts] += given
        elif given:
            found.append({"role": role, parts: given})
    if not found and system:
        # Instructions alone are no conversation: they are what is asked.
        asked = Message("user", (TextPart("\n\n".join(system)),))
        return "", [{"role": "user", parts: parts_of(asked)}]
    return "\n\n".join(system), found
