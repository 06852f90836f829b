"""The events of a thread: their types, and the values that their payloads hold.

An event is an envelope (never erased) and a payload (erasable). Readers upcast older `v` with `upcast` and ignore
types they do not know. `docs/events.md` describes every type for those who read the log from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from mecum.kit.ids import new_id

THREAD_CREATED = "thread.created"
THREAD_TITLED = "thread.titled"
HISTORY_GIVEN = "history.given"
MESSAGE_USER = "message.user"
MESSAGE_TOOL = "message.tool"
MESSAGE_ASSISTANT = "message.assistant"
RUN_STARTED = "run.started"
RUN_STEP = "run.step"
RUN_WAITING = "run.waiting"
RUN_ANSWERED = "run.answered"
RUN_FINISHED = "run.finished"
ACT_INTENDED = "act.intended"
ACT_DONE = "act.done"
ACT_UNKNOWN = "act.unknown"
BRANCH_SELECTED = "branch.selected"
FEEDBACK_GIVEN = "feedback.given"

EVENT_TYPES = frozenset(
    (
        THREAD_CREATED,
        THREAD_TITLED,
        HISTORY_GIVEN,
        MESSAGE_USER,
        MESSAGE_TOOL,
        MESSAGE_ASSISTANT,
        RUN_STARTED,
        RUN_STEP,
        RUN_WAITING,
        RUN_ANSWERED,
        RUN_FINISHED,
        ACT_INTENDED,
        ACT_DONE,
        ACT_UNKNOWN,
        BRANCH_SELECTED,
        FEEDBACK_GIVEN,
    )
)
POSTED_TYPES = (MESSAGE_USER, MESSAGE_TOOL)
"""What a person or client posts, and what a run answers."""

Actor: TypeAlias = Literal["person", "mecum", "system"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has its place in a log.

    `terms`: what a search finds a message by, from `kit.text.searchable`; "" for what is not searched.
    """

    type: str
    payload: Mapping[str, Any]
    actor: Actor
    run: UUID | None = None
    message: UUID | None = None
    parent: UUID | None = None
    id: UUID = field(default_factory=new_id)
    v: int = 1
    terms: str = ""


def upcast(type_: str, v: int, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """`payload` in the newest version of its type. Version 1 is the newest of all types."""
    return payload
