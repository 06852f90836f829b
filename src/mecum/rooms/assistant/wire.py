"""How threads and events look on the wire: one rendering for `/api`, streams and exports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mecum.kit.ids import encode
from mecum.rooms.assistant import Event, Posted, Thread
from mecum.rooms.assistant.events import RUN_STEP


def message_id(value: UUID | None) -> str | None:
    return None if value is None else encode("msg", value)


def render_event(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "id": encode("evt", event.id),
        "type": event.type,
        "v": event.v,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "actor": event.actor,
        "run": None if event.run is None else encode("run", event.run),
        "message": message_id(event.message),
        "parent": message_id(event.parent),
        "payload": _payload(event),
    }


def _payload(event: Event) -> Mapping[str, Any] | None:
    body = event.payload
    if body is None:
        return None
    if "wait" in body:
        return {**body, "wait": encode("wai", UUID(hex=str(body["wait"])))}
    if "state" in body and event.type == RUN_STEP:
        # Of use to the model that made it and to nobody else, and long.
        return {name: value for name, value in body.items() if name != "state"}
    if event.type in ("branch.selected", "feedback.given"):
        return {**body, "message": encode("msg", UUID(hex=str(body["message"])))}
    return body


def render_thread(thread: Thread) -> dict[str, Any]:
    return {
        "id": encode("thr", thread.id),
        "title": thread.title,
        "origin": thread.origin,
        "state": thread.state,
        "head_seq": thread.head_seq,
        "pinned": thread.pinned,
        "archived": thread.archived,
        "temporary": thread.temporary,
        "unread": thread.unread,
        "deleted": thread.deleted_at is not None,
        "deleted_at": None if thread.deleted_at is None else thread.deleted_at.isoformat().replace("+00:00", "Z"),
        "created_at": thread.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": thread.updated_at.isoformat().replace("+00:00", "Z"),
    }


def render_posted(posted: Posted) -> dict[str, Any]:
    return {
        "thread": encode("thr", posted.thread),
        "message": encode("msg", posted.message),
        "run": encode("run", posted.run),
        "seq": posted.seq,
        "repeated": posted.repeated,
    }


def dumps(value: Any) -> bytes:
    """JSON in UTF-8. Halves of surrogate pairs, which models send now and then, become question marks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
