"""Decisions, all pure: what a log means, and what a run does next.

A run is a fold over the log. `fold_run` reads what has happened in it, `next_step` says what comes next; the runner
does it and writes what happened. Killing the process between any two of these changes nothing but who goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import (
    ACT_DONE,
    ACT_INTENDED,
    ACT_UNKNOWN,
    MESSAGE_ASSISTANT,
    POSTED_TYPES,
    RUN_ANSWERED,
    RUN_STEP,
    RUN_WAITING,
)

TITLE_CHARS = 48


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model asked for in a step. `id` is unique in the run."""

    id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Step:
    """One finished model step. `state`: what its model wants to have back with it, see `ModelState`."""

    text: str
    reasoning: str
    calls: tuple[Call, ...]
    usage: Mapping[str, int]
    finish: str
    model: str
    provider: str
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A question to the person about `call`. `answer` is None until it came."""

    id: UUID
    kind: str
    call: str | None
    answer: Mapping[str, Any] | None


@dataclass(slots=True)
class RunState:
    """What has happened in the current answer of a run."""

    steps: list[Step] = field(default_factory=list[Step])
    intended: dict[str, Event] = field(default_factory=dict[str, Event])
    done: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    unknown: set[str] = field(default_factory=set[str])
    waits: dict[UUID, Wait] = field(default_factory=dict[UUID, Wait])
    pending: list[UUID] = field(default_factory=list[UUID])
    rounds: int = 0

    @property
    def text(self) -> str:
        """The answer's text so far: what the model said in each step, a paragraph each."""
        return join_text(step.text for step in self.steps)

    @property
    def reasoning(self) -> str:
        return join_text(step.reasoning for step in self.steps)

    @property
    def open_calls(self) -> tuple[Call, ...]:
        """Calls of the last step that are not done, in order."""
        return tuple(call for call in self.steps[-1].calls if call.id not in self.done) if self.steps else ()

    def waits_of(self, call: str, kind: str) -> list[Wait]:
        return [wait for wait in self.waits.values() if wait.call == call and wait.kind == kind]


def join_text(parts: Sequence[str] | Any) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def fold_run(events: Sequence[Event], run: UUID, answer_message: UUID) -> RunState:
    """The state of `run` in its answer `answer_message`, from the thread's events.

    A message that follows the answer joins the run, unless it began a run of its own.
    """
    state = RunState()
    chain = {answer_message}
    for event in events:
        if event.type in POSTED_TYPES and event.message and event.parent in chain and event.run in (None, run):
            chain.add(event.message)
            state.pending.append(event.message)
        if event.run == run:
            state.rounds += event.type == RUN_STEP
            if event.message == answer_message:
                _fold_one(state, event, event.payload or {})
    return state


def _fold_one(state: RunState, event: Event, body: Mapping[str, Any]) -> None:
    call = str(body.get("call"))
    match event.type:
        case "run.step":
            state.steps.append(_step(body))
        case "act.intended":
            state.intended[call] = event
            state.unknown.discard(call)
        case "act.done":
            state.done[call] = body
        case "act.unknown":
            state.unknown.add(call)
        case "run.waiting":
            wait = UUID(hex=str(body["wait"]))
            state.waits[wait] = Wait(wait, str(body.get("kind")), body.get("call"), None)
        case "run.answered":
            wait = UUID(hex=str(body["wait"]))
            if asked := state.waits.get(wait):
                state.waits[wait] = Wait(wait, asked.kind, asked.call, body.get("answer") or {})
        case _:
            pass


def _step(body: Mapping[str, Any]) -> Step:
    calls = tuple(Call(c["call"], c["tool"], c["arguments"]) for c in body.get("calls", ()))
    return Step(
        text=body.get("text", ""),
        reasoning=body.get("reasoning", ""),
        calls=calls,
        usage=body.get("usage", {}),
        finish=body.get("finish", "stop"),
        model=body.get("model", ""),
        provider=body.get("provider", ""),
        state=body.get("state"),
    )


@dataclass(frozen=True, slots=True)
class AskModel:
    """Ask the model, with the path to the answer and the steps so far."""


@dataclass(frozen=True, slots=True)
class DoCall:
    """Look at `call` and do it. `intended` is its earlier act.intended, if any."""

    call: Call
    intended: Event | None


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """A question is open: nothing to do until its answer event."""


@dataclass(frozen=True, slots=True)
class CloseAndGoOn:
    """Messages came meanwhile: close this answer as it stands, and answer them in the same run."""


@dataclass(frozen=True, slots=True)
class Finish:
    reason: Literal["done", "stopped", "limit", "failed"]
    limit: str = ""


Next: TypeAlias = AskModel | DoCall | StillWaiting | CloseAndGoOn | Finish


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run."""

    rounds_max: int
    active_seconds_max: float
    output_tokens_max: int


def next_step(
    state: RunState, *, stop_requested: bool, active_seconds: float, limits: Limits, lent: frozenset[str]
) -> Next:
    """What the run does next. `lent` are tools that the caller executes itself: calling one ends the run."""
    if stop_requested:
        return Finish("stopped")
    if any(wait.answer is None for wait in state.waits.values()):
        return StillWaiting()
    for call in state.open_calls:
        if call.tool not in lent:
            return DoCall(call, state.intended.get(call.id))
    if state.open_calls:
        return Finish("done")
    if state.steps and not state.steps[-1].calls:
        return CloseAndGoOn() if state.pending else Finish("done")
    if state.pending:
        return CloseAndGoOn()
    return _within_limits(state, active_seconds, limits) or AskModel()


def _within_limits(state: RunState, active_seconds: float, limits: Limits) -> Finish | None:
    if state.rounds >= limits.rounds_max:
        return Finish("limit", "rounds")
    if active_seconds >= limits.active_seconds_max:
        return Finish("limit", "time")
    if sum(int(step.usage.get("output", 0)) for step in state.steps) >= limits.output_tokens_max:
        return Finish("limit", "tokens")
    return None


def path_to(events: Sequence[Event], leaf: UUID | None) -> tuple[Event, ...]:
    """The messages from the root of the tree to `leaf`, in order. A missing parent (trimmed log) ends the path."""
    by_message = {e.message: e for e in events if e.message and e.type in (*POSTED_TYPES, MESSAGE_ASSISTANT)}
    path: list[Event] = []
    seen: set[UUID] = set()
    while leaf and leaf in by_message and leaf not in seen:
        seen.add(leaf)
        path.append(by_message[leaf])
        leaf = by_message[leaf].parent
    return tuple(reversed(path))


def leaf_under(events: Sequence[Event], message: UUID) -> UUID:
    """The newest message below `message` (itself when it has no children): what selecting its branch shows."""
    children: dict[UUID, UUID] = {}
    for event in events:
        if event.message and event.parent and event.type in (*POSTED_TYPES, MESSAGE_ASSISTANT):
            children[event.parent] = event.message
    seen: set[UUID] = set()
    while message in children and message not in seen:
        seen.add(message)
        message = children[message]
    return message


def acts_by_message(events: Sequence[Event]) -> dict[UUID, list[Event]]:
    """Steps and acts of each answer, in order: what the model is told that it did."""
    acts: dict[UUID, list[Event]] = {}
    for event in events:
        if event.message and event.type in (RUN_STEP, ACT_INTENDED, ACT_DONE, ACT_UNKNOWN, RUN_WAITING, RUN_ANSWERED):
            acts.setdefault(event.message, []).append(event)
    return acts


def first_title(text: str) -> str:
    """A title from the first line of a message: whole words, at most 48 characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= TITLE_CHARS:
        return line
    cut = line[: TITLE_CHARS - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > TITLE_CHARS // 2 else cut).rstrip(" ,;:.-") + "…"
