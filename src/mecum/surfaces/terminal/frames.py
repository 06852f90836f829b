"""What the server says on `/api`, as this client holds it. Fields that a newer server adds are ignored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as listed."""

    id: str
    title: str
    origin: str
    state: str
    pinned: bool
    archived: bool
    deleted: bool
    temporary: bool
    unread: bool
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A hit of the search: the words around it, and which of them match.

    `where`: title, message, or file, whose name is `file`.
    """

    thread: Thread
    snippet: tuple[tuple[str, bool], ...]
    where: str = "message"
    file: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that was sent. `state`: reading, ready, failed."""

    id: str
    name: str
    size_bytes: int
    state: str = "ready"
    problem: Json = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands: durable. `run` is the run that answers it."""

    thread: str
    message: str
    run: str
    seq: int


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a thread's log. `payload` is empty once it was erased."""

    seq: int
    type: str
    at: dt.datetime
    run: str | None
    message: str | None
    parent: str | None
    payload: Json
    erased: bool


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of a running answer, after `offset` characters of the same channel and attempt."""

    message: str
    run: str
    attempt: int
    offset: int
    text: str
    channel: Literal["text", "reasoning"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The whole partial text of a running answer."""

    message: str
    run: str
    attempt: int
    text: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class Reset:
    """Partial text is to be dropped: of one message, or all of it."""

    message: str | None


@dataclass(frozen=True, slots=True)
class Hint:
    """Why nothing comes yet. `progress` is 0 to 1."""

    run: str
    reason: str
    progress: float | None
    about_seconds: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """The line to the server: open again, or lost and tried again in `retry_s`."""

    open: bool
    retry_s: float = 0.0


Frame: TypeAlias = Event | Delta | Checkpoint | Reset | Hint | Link


def read_frame(kind: str, data: Json) -> Frame | None:
    """A frame of a thread's stream; None for what this client does not know or need."""
    match kind:
        case "event":
            return read_event(data)
        case "delta":
            channel = "reasoning" if data.get("channel") == "reasoning" else "text"
            return Delta(*_address(data), int(data["offset"]), str(data["text"]), channel)
        case "checkpoint":
            return Checkpoint(*_address(data), str(data["text"]), str(data.get("reasoning") or ""))
        case "reset":
            return Reset(data.get("message"))
        case "waiting":
            progress, seconds = data.get("progress"), data.get("about_seconds")
            return Hint(str(data["run"]), str(data["reason"]), progress, seconds)
        case _:
            return None


def _address(data: Json) -> tuple[str, str, int]:
    return str(data["message"]), str(data["run"]), int(data["attempt"])


def read_event(data: Json) -> Event:
    payload: Any = data.get("payload")
    return Event(
        seq=int(data["seq"]),
        type=str(data["type"]),
        at=read_time(str(data["at"])),
        run=data.get("run"),
        message=data.get("message"),
        parent=data.get("parent"),
        payload=as_object(payload),
        erased=payload is None,
    )


def read_thread(data: Json) -> Thread:
    return Thread(
        id=str(data["id"]),
        title=str(data.get("title") or ""),
        origin=str(data.get("origin", "chat")),
        state=str(data.get("state", "idle")),
        pinned=bool(data.get("pinned")),
        archived=bool(data.get("archived")),
        deleted=bool(data.get("deleted")),
        temporary=bool(data.get("temporary")),
        unread=bool(data.get("unread")),
        updated_at=read_time(str(data["updated_at"])),
    )


def read_found(data: Json) -> Found:
    parts: Sequence[Any] = data.get("snippet") or ()
    return Found(
        read_thread(as_object(data["thread"])),
        tuple((str(part.get("text", "")), bool(part.get("hit"))) for part in map(as_object, parts)),
        where=str(data.get("where", "message")),
        file=str(as_object(data.get("file")).get("name", "")),
    )


def read_attachment(data: Json) -> Attachment:
    return Attachment(
        id=str(data["id"]),
        name=str(data["name"]),
        size_bytes=int(data.get("size_bytes") or 0),
        state=str(data.get("state") or "ready"),
        problem=as_object(data.get("problem")),
    )


def read_posted(data: Json) -> Posted:
    return Posted(str(data["thread"]), str(data["message"]), str(data["run"]), int(data["seq"]))


def read_time(text: str) -> dt.datetime:
    """ISO 8601; a time without a zone is UTC, as everywhere on the wire."""
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def as_object(value: Any) -> Json:
    """`value` where it is a JSON object, an empty one otherwise."""
    return cast("Json", value) if isinstance(value, dict) else {}
