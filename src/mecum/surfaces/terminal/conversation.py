"""A thread as this surface holds it: the fold of its log, plus the text that is still being written.

Pure: frames go in, `turns()` come out. The same rules as in the web client, so that both show the same branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mecum.surfaces.terminal.frames import Attachment, Checkpoint, Delta, Event, Frame, Hint, Json, Reset, as_object
from mecum.surfaces.terminal.nodes import Act, Finished, Live, Node, Run, Turn, Wait


@dataclass(slots=True)
class Conversation:
    """Apply frames in the order in which they come."""

    thread: str
    seq: int = 0
    title: str = ""
    temporary: bool = False
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    children: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    selected: dict[str, str] = field(default_factory=dict[str, str])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    runs_of: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    live: dict[str, Live] = field(default_factory=dict[str, Live])
    hint: Hint | None = None
    torn: bool = False
    """Live text was lost: open the stream again, for a checkpoint."""

    @property
    def position(self) -> str:
        """What this holds, in the form that the server takes it up from."""
        if len(self.live) == 1 and not self.torn:
            (live,) = self.live.values()
            if not live.reasoning:
                return f"{self.seq}:{live.attempt}:{len(live.text)}"
        return str(self.seq)

    def mend(self) -> None:
        """Call it when the stream is opened again because text was lost."""
        self.live.clear()
        self.torn = False

    def apply(self, frame: Frame) -> None:
        match frame:
            case Event():
                self._event(frame)
            case Delta():
                self._delta(frame)
            case Checkpoint():
                self._checkpoint(frame)
            case Reset():
                kept = {} if frame.message is None else self.live
                self.live = {run: live for run, live in kept.items() if live.message != frame.message}
                self.torn = False
            case Hint():
                run = self.runs.get(frame.run)
                self.hint = None if run and run.finished else frame
            case _:
                pass

    def active_run(self) -> Run | None:
        """The run that is going on."""
        return max((run for run in self.runs.values() if not run.finished), key=lambda run: run.seq, default=None)

    def open_waits(self) -> tuple[Wait, ...]:
        run = self.active_run()
        return tuple(wait for wait in run.waits if wait.answer is None) if run else ()

    def turns(self) -> list[Turn]:
        """One way through the tree, from the top to the newest."""
        turns: list[Turn] = []
        # A run that goes on while more was written stands below what was written: it will take that in.
        going: Run | None = None
        at, seen = "", set[str]()
        while True:
            chosen = self.nodes.get(self.selected.get(at, ""))
            pending = self._pending_run(at, chosen)
            if pending and not pending.finished:
                going = pending
            elif pending:
                turns.append(self._pending_turn(pending))
            if chosen is None or chosen.id in seen or (chosen.kind == "answer" and pending):
                break
            seen.add(chosen.id)
            turns.append(self._turn(chosen))
            if going and chosen.run == going.id:
                going = None
            at = chosen.id
        active = self.active_run()
        if going is None and active and active.message in seen and turns[-1].kind == "person":
            going = active
        if going:
            turns.append(self._pending_turn(going))
        return _with_own_keys(turns)

    def _turn(self, node: Node) -> Turn:
        siblings = tuple(
            other for other in self.children.get(node.parent or "", ()) if self.nodes[other].kind == node.kind
        )
        run = self.runs.get(node.run) if node.run else None
        place = siblings.index(node.id) + 1 if node.id in siblings else 1
        return Turn(node.kind, (node.run or node.id), node, run, None, siblings, place)

    def _pending_turn(self, run: Run) -> Turn:
        answers = [each for each in self.children.get(run.parent or "", ()) if self.nodes[each].kind == "answer"]
        siblings = (*answers, run.id)
        return Turn("answer", run.id, None, run, self.live.get(run.id), siblings, len(siblings))

    def _pending_run(self, at: str, shown: Node | None) -> Run | None:
        """The newest run on this message that has no answer in the log, if nothing newer took its place."""
        without = [run for each in self.runs_of.get(at, ()) if (run := self.runs[each]).message is None]
        if not without or (shown and shown.kind == "answer" and shown.seq > without[-1].seq):
            return None
        return without[-1]

    def _event(self, event: Event) -> None:
        if event.seq <= self.seq:
            return
        self.seq = event.seq
        body = event.payload
        match event.type:
            case "thread.created" | "thread.titled":
                self.title = str(body.get("title") or self.title)
                self.temporary = bool(body.get("temporary", self.temporary))
            case "message.user" | "message.assistant":
                self._message(event)
            case "branch.selected":
                self._select(str(body.get("message")))
            case _:
                self._run_event(event, body)

    def _message(self, event: Event) -> None:
        if event.message is None:
            return
        body = event.payload
        files: Sequence[Any] = body.get("attachments") or ()
        node = Node(
            kind="person" if event.type == "message.user" else "answer",
            id=event.message,
            parent=event.parent,
            seq=event.seq,
            at=event.at,
            text=str(body.get("text") or ""),
            attachments=tuple(_file(as_object(file)) for file in files),
            run=event.run if event.type == "message.assistant" else None,
            reasoning=str(body.get("reasoning") or ""),
            model=str(body.get("model") or ""),
            finish=str(body.get("finish") or "stop"),
            erased=event.erased,
        )
        siblings = self.children.setdefault(event.parent or "", [])
        if node.id not in siblings:
            siblings.append(node.id)
        self.nodes[node.id] = node
        self._select(node.id)
        if node.run:
            self._change_run(node.run, message=node.id)
            if (live := self.live.get(node.run)) and live.message == node.id:
                del self.live[node.run]

    def _select(self, message: str) -> None:
        """Show the branch that `message` is on."""
        seen = set[str]()
        node = self.nodes.get(message)
        while node and node.id not in seen:
            seen.add(node.id)
            self.selected[node.parent or ""] = node.id
            node = self.nodes.get(node.parent) if node.parent else None

    def _run_event(self, event: Event, body: Json) -> None:
        if event.run is None:
            return
        run = self.runs.get(event.run)
        if run is None:
            # Usually `run.started`; any other where the log is read from the middle.
            parent = event.parent or self._tip()
            run = self.runs[event.run] = Run(event.run, parent, event.seq, event.at)
            self.runs_of.setdefault(parent or "", []).append(event.run)
        match event.type:
            case "run.finished":
                self.runs[run.id] = replace(run, finished=_finished(body))
                self.live.pop(run.id, None)
                if self.hint and self.hint.run == run.id:
                    self.hint = None
            case "run.waiting":
                wait = Wait(str(body.get("wait")), str(body.get("kind")), as_object(body.get("question")), None)
                self._change_run(run.id, waits=(*(other for other in run.waits if other.id != wait.id), wait))
            case "run.answered":
                answer = as_object(body.get("answer"))
                waits = (replace(w, answer=answer) if w.id == body.get("wait") else w for w in run.waits)
                self._change_run(run.id, waits=tuple(waits))
            case "act.intended" | "act.done" | "act.unknown":
                self._change_run(run.id, acts=_with_act(run.acts, event.type, body))
            case _:
                pass

    def _change_run(self, run: str, **changes: Any) -> None:
        if run in self.runs:
            self.runs[run] = replace(self.runs[run], **changes)

    def _tip(self) -> str | None:
        """The last message of the branch that is shown."""
        at, seen = "", set[str]()
        while (following := self.selected.get(at)) and following not in seen:
            seen.add(following)
            at = following
        return at or None

    def _is_over(self, run: str, message: str) -> bool:
        known = self.runs.get(run)
        return message in self.nodes or (known is not None and known.finished is not None)

    def _delta(self, delta: Delta) -> None:
        held = self.live.get(delta.run)
        if self._is_over(delta.run, delta.message) or (held and delta.attempt < held.attempt):
            return
        if held is None or (held.attempt, held.message) != (delta.attempt, delta.message):
            held = Live(delta.message, delta.run, delta.attempt)
        have = len(held.reasoning if delta.channel == "reasoning" else held.text)
        if delta.offset > have:
            self.torn = True
            return
        added = delta.text[have - delta.offset :]
        if delta.channel == "reasoning":
            held = replace(held, reasoning=held.reasoning + added)
        else:
            held = replace(held, text=held.text + added)
        self._put(held)

    def _checkpoint(self, point: Checkpoint) -> None:
        held = self.live.get(point.run)
        if self._is_over(point.run, point.message) or (held and point.attempt < held.attempt):
            return
        live = Live(point.message, point.run, point.attempt, point.text, point.reasoning)
        if held and (held.attempt, held.message) == (point.attempt, point.message):
            live = replace(
                live, text=max(held.text, live.text, key=len), reasoning=max(held.reasoning, live.reasoning, key=len)
            )
        self._put(live)
        self.torn = False

    def _put(self, live: Live) -> None:
        self.live[live.run] = live
        if self.hint and self.hint.run == live.run and (live.text or live.reasoning):
            self.hint = None


def _with_own_keys(turns: Sequence[Turn]) -> list[Turn]:
    """A run that answered, and goes on with what was written meanwhile, has several turns: each gets its own key."""
    counts: dict[str, int] = {}
    keyed: list[Turn] = []
    for turn in turns:
        count = counts[turn.key] = counts.get(turn.key, 0) + 1
        keyed.append(turn if count == 1 else replace(turn, key=f"{turn.key}#{count}"))
    return keyed


def _with_act(acts: tuple[Act, ...], type_: str, body: Json) -> tuple[Act, ...]:
    call = str(body.get("call"))
    if type_ == "act.intended":
        tool = str(body.get("tool"))
        act = Act(call, tool, str(body.get("label") or tool), body.get("receiver"), "running")
        return (*(other for other in acts if other.call != call), act)
    if type_ == "act.unknown":
        return tuple(replace(act, state="unknown") if act.call == call else act for act in acts)
    state: Literal["failed", "done"] = "failed" if body.get("failed") else "done"
    seconds = body.get("seconds")
    return tuple(replace(act, state=state, seconds=seconds) if act.call == call else act for act in acts)


def _finished(body: Json) -> Finished:
    return Finished(
        reason=str(body.get("reason") or "done"),
        model=str(body.get("model") or ""),
        seconds=body.get("seconds"),
        error=as_object(body.get("error")),
        limit=str(body.get("limit") or ""),
        usage=as_object(body.get("usage")),
        routed=as_object(body.get("routed")),
    )


def _file(data: Mapping[str, Any]) -> Attachment:
    return Attachment(str(data.get("id")), str(data.get("name")), int(data.get("size_bytes") or 0))
