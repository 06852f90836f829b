"""A run of the fake server: what happens in a thread after a message, step by step."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Say:
    """The answer goes on with this text."""

    text: str


@dataclass(frozen=True)
class Think:
    """The same on the channel of reasoning."""

    text: str


@dataclass(frozen=True)
class Hold:
    """Nothing happens until the gate opens."""

    gate: asyncio.Event


@dataclass(frozen=True)
class Watched:
    """Nothing happens until somebody follows the thread."""


@dataclass(frozen=True)
class HintOf:
    reason: str
    progress: float | None = None
    about_seconds: float | None = None


@dataclass(frozen=True)
class Cut:
    """Every stream breaks in the middle."""


@dataclass(frozen=True)
class Again:
    """The model step starts over: a higher attempt."""


@dataclass(frozen=True)
class Use:
    """A tool is used."""

    tool: str
    seconds: float = 0.5


@dataclass(frozen=True)
class Ask:
    """The run waits for an answer."""

    kind: str
    question: Mapping[str, Any]


@dataclass(frozen=True)
class End:
    """How the run ends, when not well, or how its answer was made."""

    reason: str
    error: Mapping[str, Any] | None = None
    finish: str = ""
    routed: Mapping[str, Any] | None = None


Step = Say | Think | Hold | Watched | HintOf | Cut | Again | Use | Ask | End


@dataclass
class FakeThread:
    id: str
    title: str
    origin: str = "chat"
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    partial: dict[str, Any] | None = None
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    state: str = "idle"
    updated: dt.datetime = START
    readers: set[asyncio.Queue[tuple[str, str, Any] | None]] = field(
        default_factory=set["asyncio.Queue[tuple[str, str, Any] | None]"]
    )
    waits: dict[str, asyncio.Future[Any]] = field(default_factory=dict[str, "asyncio.Future[Any]"])
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tip: str | None = None

    @property
    def shelf(self) -> str:
        return "deleted" if self.deleted else "archived" if self.archived else "open"

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "origin": self.origin,
            "state": self.state,
            "head_seq": len(self.events),
            "pinned": self.pinned,
            "archived": self.archived,
            "deleted": self.deleted,
            "temporary": False,
            "unread": False,
            "created_at": iso(START),
            "updated_at": iso(self.updated),
        }

    def append(self, type_: str, payload: Any, **where: str | None) -> dict[str, Any]:
        seq = len(self.events) + 1
        event: dict[str, Any] = {
            "seq": seq,
            "id": f"evt_{seq}",
            "type": type_,
            "v": 1,
            "at": iso(START + dt.timedelta(minutes=seq)),
            "actor": "mecum",
            "run": where.get("run"),
            "message": where.get("message"),
            "parent": where.get("parent"),
            "payload": payload,
        }
        self.events.append(event)
        self.send("event", str(seq), event)
        return event

    def cut(self) -> None:
        """Every stream of it breaks."""
        self.watched.clear()
        for reader in self.readers:
            reader.put_nowait(None)

    def send(self, kind: str, position: str, data: Any) -> None:
        for reader in self.readers:
            reader.put_nowait((kind, position, data))


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def catch_up(thread: FakeThread, position: str) -> list[tuple[str, str, Any]]:
    seq, _, held = position.partition(":")
    frames: list[tuple[str, str, Any]] = [
        ("event", str(event["seq"]), event) for event in thread.events if event["seq"] > int(seq)
    ]
    partial = thread.partial
    if partial is None or not (partial["text"] or partial["reasoning"]):
        return frames
    attempt, _, offset = held.partition(":")
    at = f"{len(thread.events)}:{partial['attempt']}:{len(partial['text'])}"
    if held and int(attempt) == partial["attempt"] and int(offset) <= len(partial["text"]) and len(frames) == 0:
        rest = partial["text"][int(offset) :]
        address = {name: partial[name] for name in ("message", "run", "attempt")}
        return [("delta", at, {**address, "offset": int(offset), "text": rest, "channel": "text"})] if rest else []
    if held:
        frames.append(("reset", "", {"message": partial["message"]}))
    return [*frames, ("checkpoint", at, dict(partial))]


async def until_cut(reader: asyncio.Queue[tuple[str, str, Any] | None]) -> AsyncIterator[tuple[str, str, Any]]:
    with suppress(asyncio.CancelledError):
        while (frame := await reader.get()) is not None:
            yield frame


def iso(time: dt.datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


async def run_steps(thread: FakeThread, run: str, parent: str, steps: Sequence[Step]) -> None:
    thread.state = "running"
    thread.stop.clear()
    thread.append("run.started", {"attempt": 1, "model": "fake"}, run=run, parent=parent)
    address = {"message": new_id("msg"), "run": run}
    partial = thread.partial = {**address, "attempt": 1, "text": "", "reasoning": ""}
    end = End("done")
    for step in steps:
        work = asyncio.ensure_future(_step(thread, partial, step))
        stopped = asyncio.ensure_future(thread.stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not work.done():
            work.cancel()
            end = End("stopped", finish="stopped")
            break
        work.result()
        if isinstance(step, End):
            end = step
    thread.partial = None
    finish = end.finish or ("stop" if end.reason == "done" else end.reason)
    payload = {"text": partial["text"], "reasoning": partial["reasoning"], "model": "fake", "finish": finish}
    thread.append("message.assistant", payload, run=run, message=address["message"], parent=parent)
    thread.tip = address["message"]
    usage = {"input": 10, "output": 5}
    finished = {"reason": end.reason, "error": end.error, "model": "fake", "seconds": 1.2, "usage": usage}
    if end.routed is not None:
        finished["routed"] = end.routed
    thread.state = "idle"
    thread.append("run.finished", finished, run=run)


async def _step(thread: FakeThread, partial: dict[str, Any], step: Step) -> None:
    address = {name: partial[name] for name in ("message", "run", "attempt")}
    match step:
        case Say(text) | Think(text):
            channel = "text" if isinstance(step, Say) else "reasoning"
            offset = len(partial[channel])
            partial[channel] += text
            position = f"{len(thread.events)}:{partial['attempt']}:{len(partial['text'])}"
            thread.send("delta", position, {**address, "offset": offset, "text": text, "channel": channel})
        case Hold(gate):
            await gate.wait()
        case Watched():
            await thread.watched.wait()
        case HintOf(reason, progress, about):
            data = {"run": partial["run"], "reason": reason, "progress": progress, "about_seconds": about}
            thread.send("waiting", "", data)
        case Cut():
            thread.cut()
        case Again():
            partial.update(attempt=partial["attempt"] + 1, text="", reasoning="")
            thread.send("checkpoint", f"{len(thread.events)}:{partial['attempt']}:0", dict(partial))
        case Use(tool, seconds):
            call = new_id("call")
            intended = {"call": call, "tool": tool, "arguments": {}, "receiver": None, "label": tool}
            thread.append("act.intended", intended, run=partial["run"], message=partial["message"])
            done = {"call": call, "text": "ok", "failed": False, "seconds": seconds}
            thread.append("act.done", done, run=partial["run"], message=partial["message"])
        case Ask(kind, question):
            await _wait(thread, partial, kind, question)
        case End():
            pass


async def _wait(thread: FakeThread, partial: dict[str, Any], kind: str, question: Mapping[str, Any]) -> None:
    wait = new_id("wai")
    answered = thread.waits[wait] = asyncio.get_running_loop().create_future()
    where = {"run": partial["run"], "message": partial["message"]}
    thread.state = "waiting"
    thread.append("run.waiting", {"wait": wait, "kind": kind, "question": dict(question), "call": None}, **where)
    answer = await answered
    thread.state = "running"
    thread.append("run.answered", {"wait": wait, "answer": answer}, **where)
