"""Files, batches and lines of their results in OpenAI's shapes (https://platform.openai.com/docs/api-reference/batch)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from mecum.kit.ids import new_id
from mecum.rooms.models.store.batches import Batch
from mecum.rooms.models.store.files import File
from mecum.rooms.models.wires.jsons import JsonObject, dumps

FILE_ID, BATCH_ID = re.compile("file-([0-9a-f]{32})"), re.compile("batch_([0-9a-f]{32})")
TIMES = (
    *("created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at"),
    *("cancelling_at", "cancelled_at"),
)
WINDOW = "24h"


def file_id(value: UUID) -> str:
    return f"file-{value.hex}"


def batch_id(value: UUID) -> str:
    return f"batch_{value.hex}"


def read_id(form: re.Pattern[str], text: str) -> UUID | None:
    """The id in `text`, which has this form; None: it is none."""
    found = form.fullmatch(text)
    return None if found is None else UUID(hex=found[1])


def file_object(file: File) -> JsonObject:
    return {
        "id": file_id(file.id),
        "object": "file",
        "bytes": file.size_bytes,
        "created_at": _seconds(file.created_at),
        "expires_at": _seconds(file.expires_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def batch_object(batch: Batch) -> JsonObject:
    times = {name: _seconds(getattr(batch, name)) for name in TIMES}
    return {
        "id": batch_id(batch.id),
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
        "input_file_id": file_id(batch.input_file_id),
        "completion_window": WINDOW,
        "status": batch.status,
        "output_file_id": None if batch.output_file_id is None else file_id(batch.output_file_id),
        "error_file_id": None if batch.error_file_id is None else file_id(batch.error_file_id),
        **times,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "usage": {
            "input_tokens": batch.input_tokens,
            "input_tokens_details": {"cached_tokens": batch.cached_tokens},
            "output_tokens": batch.output_tokens,
            "output_tokens_details": {"reasoning_tokens": batch.reasoning_tokens},
            "total_tokens": batch.input_tokens + batch.output_tokens,
        },
        "metadata": batch.metadata or None,
    }


def list_object(items: Sequence[JsonObject], *, has_more: bool) -> JsonObject:
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def response_line(custom_id: str, status: int, body: JsonObject) -> bytes:
    """What was answered to a line, with the end of the line."""
    response: dict[str, Any] = {"status_code": status, "request_id": f"req_{new_id().hex}", "body": body}
    return _line(custom_id, response, None)


def error_line(custom_id: str, code: str, message: str) -> bytes:
    """Why a line was not asked."""
    return _line(custom_id, None, {"code": code, "message": message})


def _line(custom_id: str, response: JsonObject | None, error: JsonObject | None) -> bytes:
    about = {"id": f"batch_req_{new_id().hex}", "custom_id": custom_id, "response": response, "error": error}
    return dumps(about) + b"\n"


def _seconds(at: dt.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
