"""From a path of messages to what a model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mecum.kit.types import Tokens
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import HISTORY_GIVEN, MESSAGE_ASSISTANT, MESSAGE_TOOL, MESSAGE_USER
from mecum.rooms.assistant.service import RunState, Step, acts_by_message, fold_run
from mecum.rooms.models import Content, Message, ModelState, TextPart, ToolUse


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


def path_messages(
    path: Sequence[Event], events: Sequence[Event], files: Mapping[UUID, Content], result_chars_max: int
) -> list[Message]:
    """The messages of `path` as the model reads them.

    Args:
        files: what each attachment adds.
        result_chars_max: of each tool's result.
    """
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
            steps = step_messages(state, result_chars_max)
            messages += steps if state.steps else [Message("assistant", (TextPart(str(body.get("text", ""))),))]
    return messages


def step_messages(state: RunState, result_chars_max: int) -> list[Message]:
    """What the model said and did in an answer: each step, then the results of its calls, so long at most."""
    messages: list[Message] = []
    for step in state.steps:
        uses = tuple(ToolUse(call.id, call.tool, call.arguments) for call in step.calls)
        if step.text or uses:
            messages.append(Message("assistant", (TextPart(step.text),), uses, state=_state(step)))
        messages += _results(step, state, result_chars_max)
    return messages


def _state(step: Step) -> ModelState | None:
    kept = step.state
    return None if kept is None else ModelState(str(kept["by"]), str(kept["value"]), Tokens(int(kept["tokens"])))


def _results(step: Step, state: RunState, chars_max: int) -> list[Message]:
    results: list[Message] = []
    for call in step.calls:
        done = state.done.get(call.id)
        if done is not None:
            text = str(done.get("text", ""))
            results.append(Message("tool", (TextPart(text[:chars_max]),), tool_use_id=call.id))
    return results
