"""Cutting a conversation to the context of a model. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from mecum.rooms.models import ImagePart, Message, TextPart

BYTES_PER_TOKEN = 3.2
MESSAGE_TOKENS = 4
IMAGE_TOKENS = 800
ROOM_MIN_TOKENS = 512
DROPPED_PART = 4
PART_MIN_TOKENS = 48
"""What is left at least of a message that must stay: below that a step is left out whole."""


def about_tokens(text: str) -> int:
    """A careful estimate: 3.2 bytes of UTF-8 a token holds for English prose and is high for Chinese."""
    return int(len(text.encode()) / BYTES_PER_TOKEN)


def fit(system: Message, messages: Sequence[Message], context_tokens: int, answer_tokens: int) -> list[Message]:
    """`system` and as many of the newest messages as fit.

    The turn at hand always stays: what the person said last, and what was said and done about it. Where it alone is
    too long, its longest parts are cut in the middle, so that a long page never pushes out the question. Of what was
    before, a quarter of the room is dropped at a time: after every drop a server has to read all that is left again.
    A result never stands without the call that it belongs to.
    """
    room = max(ROOM_MIN_TOKENS, context_tokens - answer_tokens - size(system))
    asked = max((index for index, message in enumerate(messages) if message.role == "user"), default=0)
    turn = _fit_turn(_units(messages[asked:]), room)
    earlier = _units(messages[:asked])
    surplus = sum(map(_size_of, earlier)) + _size_of(turn) - room
    drop = -(-surplus // (room // DROPPED_PART)) * (room // DROPPED_PART)
    while earlier and drop > 0:
        drop -= _size_of(earlier.pop(0))
    return [system, *(message for unit in earlier for message in unit), *turn]


def _size_of(unit: Sequence[Message]) -> int:
    return sum(map(size, unit))


def size(message: Message) -> int:
    """Of a message, in tokens as estimated."""
    return _fixed(message) + sum(about_tokens(part.text) for part in message.content if isinstance(part, TextPart))


def _fixed(message: Message) -> int:
    """The part of its size that can't be cut."""
    images = sum(isinstance(part, ImagePart) for part in message.content)
    kept = 0 if message.state is None else message.state.tokens
    calls = sum(about_tokens(use.arguments) for use in message.tool_uses)
    return MESSAGE_TOKENS + images * IMAGE_TOKENS + calls + kept


def _units(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages that stay or go together: one that calls tools has the results with it."""
    units: list[list[Message]] = []
    for message in messages:
        if message.role != "tool":
            units.append([message])
        elif units and (units[-1][0].tool_uses or len(units[-1]) > 1):
            units[-1].append(message)
    return units


def _fit_turn(units: list[list[Message]], room: int) -> list[Message]:
    """The question and the newest steps after it, in `room`: the longest texts are cut to the same length."""
    while len(units) > 2 and _least(units) > room:
        del units[1]
    turn = [message for unit in units for message in unit]
    longest = _level([size(message) - _fixed(message) for message in turn], room - sum(map(_fixed, turn)))
    return [_cut(message, max(PART_MIN_TOKENS, longest)) for message in turn]


def _least(units: Sequence[Sequence[Message]]) -> int:
    return sum(_fixed(m) + min(PART_MIN_TOKENS, size(m) - _fixed(m)) for unit in units for m in unit)


def _level(sizes: Sequence[int], room: int) -> int:
    """The length to which the longest of `sizes` must be cut, so that together they fit into `room`."""
    left = room
    for number, each in enumerate(sorted(sizes)):
        share = left // (len(sizes) - number)
        if each > share:
            return max(0, share)
        left -= each
    return max(sizes, default=0)


def _cut(message: Message, tokens: int) -> Message:
    """`message` with at most `tokens` of text: its beginning and its end."""
    texts = [part.text for part in message.content if isinstance(part, TextPart)]
    if sum(map(about_tokens, texts)) <= tokens:
        return message
    whole = "\n\n".join(texts).encode()
    note = "\n\n[… the middle is left out …]\n\n"
    half = max(0, int(tokens * BYTES_PER_TOKEN) - len(note.encode())) // 2
    head, tail = whole[:half].decode(errors="ignore"), whole[len(whole) - half :].decode(errors="ignore")
    others = tuple(part for part in message.content if not isinstance(part, TextPart))
    return dataclasses.replace(message, content=(TextPart(head + note + tail), *others))
