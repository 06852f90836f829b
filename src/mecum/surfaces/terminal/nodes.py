"""What a conversation is made of: messages, the work on answers, and what is shown of both."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from mecum.surfaces.terminal.frames import Attachment, Json


@dataclass(frozen=True, slots=True)
class Node:
    """A message of the log. `run` only with an answer."""

    kind: Literal["person", "answer"]
    id: str
    parent: str | None
    seq: int
    at: dt.datetime
    text: str
    attachments: tuple[Attachment, ...] = ()
    run: str | None = None
    reasoning: str = ""
    model: str = ""
    finish: str = "stop"
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done for an answer."""

    call: str
    tool: str
    label: str
    receiver: str | None
    state: Literal["running", "done", "failed", "unknown"]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A question without which the run can't go on. `answer` is None while it is open."""

    id: str
    kind: str
    question: Json
    answer: Json | None


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended: `reason` is done, stopped, limit or failed. `routed`: how it was made, where that was chosen."""

    reason: str
    model: str
    seconds: float | None
    error: Json
    limit: str
    usage: Json
    routed: Json


@dataclass(frozen=True, slots=True)
class Run:
    """The work on an answer. `message` is its answer, once that is written."""

    id: str
    parent: str | None
    seq: int
    at: dt.datetime
    acts: tuple[Act, ...] = ()
    waits: tuple[Wait, ...] = ()
    message: str | None = None
    finished: Finished | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """The partial text of a running answer."""

    message: str
    run: str
    attempt: int
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is shown of one message. An answer that is not written yet has no node.

    Args:
        key: the same for one turn as long as the thread is open.
        place: which of its siblings this is, from 1; `places`: how many there are.
        siblings: their ids.
    """

    kind: Literal["person", "answer"]
    key: str
    node: Node | None
    run: Run | None = None
    live: Live | None = None
    siblings: tuple[str, ...] = ()
    place: int = 1

    @property
    def places(self) -> int:
        return max(1, len(self.siblings))

    @property
    def at(self) -> dt.datetime | None:
        return self.node.at if self.node else self.run.at if self.run else None

    @property
    def text(self) -> str:
        return self.node.text if self.node else self.live.text if self.live else ""

    @property
    def reasoning(self) -> str:
        return self.node.reasoning if self.node else self.live.reasoning if self.live else ""
