"""From a path of messages to what a model reads, within its context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import HISTORY_GIVEN, MESSAGE_ASSISTANT, MESSAGE_TOOL, MESSAGE_USER
from mecum.rooms.assistant.service import RunState, Step, acts_by_message, fold_run
from mecum.rooms.models import Content, ImagePart, Message, TextPart, ToolUse

BYTES_PER_TOKEN = 3.2
TOOL_RESULT_CHARS_MAX = 24_000
IMAGE_TOKENS = 800
DROPPED_PART = 4


def about_tokens(text: str) -> int:
    """A careful estimate: 3.2 bytes of UTF-8 a token holds for English prose and is high for Chinese."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 4


def history_messages(events: Sequence[Event], files: Mapping[UUID, Content]) -> list[Message]:
    """Messages that an API caller gave before the first one of the thread."""
    given: list[Message] = []
    for event in events:
        if event.type == HISTORY_GIVEN and event.payload:
            given += [_given(item, files) for item in event.payload.get("messages", ())]
    return given


def _given(item: Mapping[str, Any], files: Mapping[UUID, Content]) -> Message:
    uses = tuple(ToolUse(u["id"], u["name"], u["arguments"]) for u in item.get("tool_uses", ()))
    return Message(item["role"], _content(item, files), uses, item.get("tool_use_id"))


def _content(body: Mapping[str, Any], files: Mapping[UUID, Content]) -> tuple[Content, ...]:
    return (TextPart(str(body.get("text", ""))), *(files[each] for each in file_ids(body) if each in files))


def file_ids(body: Mapping[str, Any]) -> list[UUID]:
    """The files that a message's payload names."""
    return [UUID(hex=str(each["id"]).removeprefix("att_")) for each in body.get("attachments", ())]


def files_said(events: Sequence[Event], path: Sequence[Event]) -> list[UUID]:
    """All files of what a model reads, oldest first."""
    bodies = [e.payload for e in events if e.type == HISTORY_GIVEN and e.payload]
    turns = [turn for body in bodies for turn in body.get("messages", ())]
    for event in path:
        if event.payload:
            turns += [*event.payload.get("before", ()), event.payload]
    return [each for turn in turns for each in file_ids(turn)]


def path_messages(path: Sequence[Event], events: Sequence[Event], files: Mapping[UUID, Content]) -> list[Message]:
    """The messages of `path` as the model reads them. `files` is what each attachment adds."""
    acts = acts_by_message(events)
    messages: list[Message] = []
    for event in path:
        body = event.payload or {}
        assert event.message is not None
        messages += [_given(item, files) for item in body.get("before", ())]
        if event.type == MESSAGE_USER:
            messages.append(Message("user", _content(body, files)))
        elif event.type == MESSAGE_TOOL:
            messages += [
                Message("tool", (TextPart(r["text"]),), tool_use_id=r["call"]) for r in body.get("results", ())
            ]
        elif event.type == MESSAGE_ASSISTANT and event.run:
            state = fold_run(acts.get(event.message, ()), event.run, event.message)
            steps = step_messages(state)
            messages += steps if state.steps else [Message("assistant", (TextPart(str(body.get("text", ""))),))]
    return messages


def step_messages(state: RunState) -> list[Message]:
    """What the model said and did in an answer: each step, then the results of its calls."""
    messages: list[Message] = []
    for step in state.steps:
        uses = tuple(ToolUse(call.id, call.tool, call.arguments) for call in step.calls)
        if step.text or uses:
            messages.append(Message("assistant", (TextPart(step.text),), uses))
        messages += _results(step, state)
    return messages


def _results(step: Step, state: RunState) -> list[Message]:
    results: list[Message] = []
    for call in step.calls:
        done = state.done.get(call.id)
        if done is not None:
            text = str(done.get("text", ""))
            results.append(Message("tool", (TextPart(text[:TOOL_RESULT_CHARS_MAX]),), tool_use_id=call.id))
    return results


def fit(system: Message, messages: Sequence[Message], context_tokens: int, answer_tokens: int) -> list[Message]:
    """`system` and as many of the newest messages as fit; a tool result never loses the call that it belongs to.

    What the person said last and all after it is always kept; where that alone is too long, its long texts are cut in
    the middle. Of what was before, a quarter of the room is dropped at a time: with every drop a server has to read
    all that is left again.
    """
    room = max(512, context_tokens - answer_tokens - _size(system))
    asked = next((index for index in range(len(messages) - 1, 0, -1) if messages[index].role == "user"), 0)
    before, turn = messages[:asked], list(messages[asked:])
    if sum(map(_size, turn)) > room:
        share = room // len(turn)
        turn = [message if _size(message) <= share else _cut(message, share) for message in turn]
    step = room // DROPPED_PART
    surplus = sum(map(_size, before)) + sum(map(_size, turn)) - room
    start = _first_after(before, -(-surplus // step) * step)
    while start < len(before) and before[start].role == "tool":
        start += 1
    return [system, *before[start:], *turn]


def _first_after(messages: Sequence[Message], tokens: int) -> int:
    """How many of the first messages have so many tokens, or all of them."""
    start = 0
    while tokens > 0 and start < len(messages):
        tokens -= _size(messages[start])
        start += 1
    return start


def _size(message: Message) -> int:
    total = sum(about_tokens(part.text) if isinstance(part, TextPart) else IMAGE_TOKENS for part in message.content)
    return total + sum(about_tokens(use.arguments) for use in message.tool_uses)


def _cut(message: Message, room: int) -> Message:
    texts = [part.text for part in message.content if isinstance(part, TextPart)]
    images = tuple(part for part in message.content if isinstance(part, ImagePart))
    whole = "\n\n".join(texts)
    bytes_per_char = len(whole.encode()) / max(1, len(whole))
    keep = max(200, int(room * BYTES_PER_TOKEN / bytes_per_char / 2.2))
    if len(whole) > 2 * keep:
        whole = f"{whole[:keep]}\n\n[… {len(whole) - 2 * keep:,} characters left out …]\n\n{whole[-keep:]}"
    return Message(message.role, (TextPart(whole), *images), message.tool_uses, message.tool_use_id)
