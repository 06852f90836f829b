"""What a model wants back with its own turns, kept beside what it said, in the order in which it came.

A turn of ours is a text and calls. A model's own has thoughts between those, or signatures at them, and takes it back
only as it was. Calls are counted and not named: elsewhere they have other ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mecum.kit.types import Tokens
from mecum.rooms.models import Message, ModelState, TextPart, ToolUse
from mecum.rooms.models.upstream import Target
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, dumps, loads, obj

STATE_CHARS_MAX = 262_144
"""What is longer is not kept: then the model goes on without it."""
TEXT, CALL, OWN = "text", "call", "own"


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing of a turn.

    Args:
        said: a text or a call; None: something of the model's own, which nobody is told.
        own: that, or what stands beside what was said.
    """

    said: str | ToolUse | None
    own: JsonObject = field(default_factory=dict[str, object])


class Keeping:
    """Collects one turn as it comes."""

    def __init__(self) -> None:
        self._entries: list[JsonObject] = []

    def text(self, piece: str, own: JsonObject | None = None) -> None:
        """A piece of a text; one with something of its own stands alone."""
        last = self._entries[-1] if self._entries else JsonObject()
        if own:
            self._entries.append({TEXT: len(piece), OWN: own})
        elif TEXT in last and OWN not in last:
            last[TEXT] += len(piece)
        else:
            self._entries.append({TEXT: len(piece)})

    def call(self, own: JsonObject | None = None) -> None:
        self._entries.append({CALL: True, **({OWN: own} if own else {})})

    def own(self, item: JsonObject) -> None:
        self._entries.append({OWN: item})

    def state(self, by: str, tokens: Tokens) -> ModelState | None:
        """What is to be kept of the turn; None where it has nothing of its own, or too much."""
        if not any(OWN in entry for entry in self._entries):
            return None
        value = dumps(self._entries).decode()
        return ModelState(by, value, tokens) if len(value) <= STATE_CHARS_MAX else None


def tag(target: Target, *, of_account: bool = False) -> str:
    """Who made a state: a model at its provider, or at one account of it where no other can read it."""
    endpoint = target.endpoint
    where = (endpoint.pool if of_account else "") or endpoint.provider
    return f"{endpoint.kind}:{where}:{target.upstream_model}"


def is_kept(message: Message, by: str) -> bool:
    """Whether a message has a state that `by` made."""
    return message.state is not None and message.state.by == by


def pieces(message: Message, by: str) -> list[Piece]:
    """The text and the calls of a message in their order, with what `by` wanted to have back."""
    text = "".join(part.text for part in message.content if isinstance(part, TextPart))
    entries = _entries(message.state) if is_kept(message, by) else []
    # A text that was cut since is given once, where its first part was.
    is_whole = sum(count(entry.get(TEXT)) or 0 for entry in entries) == len(text)
    uses = list(message.tool_uses)
    found: list[Piece] = []
    for entry in entries:
        own = obj(entry.get(OWN))
        if TEXT in entry:
            length = (count(entry[TEXT]) or 0) if is_whole else len(text)
            found.append(Piece(text[:length], own))
            text = text[length:]
        elif CALL not in entry:
            found.append(Piece(None, own))
        elif uses:
            found.append(Piece(uses.pop(0), own))
    if text:
        first = next((at for at, piece in enumerate(found) if isinstance(piece.said, ToolUse)), len(found))
        found.insert(first, Piece(text))
    return [piece for piece in (*found, *map(Piece, uses)) if piece.said != "" or piece.own]


def _entries(state: ModelState | None) -> list[JsonObject]:
    return [] if state is None else [obj(entry) for entry in arr(loads(state.value.encode("utf-8", "replace")))]
