"""Bytes of OpenAI's wire: JSON, server-sent events, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mecum.kit.errors import MecumError

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {"models.provider_limit": "rate_limit_exceeded"}
"""Codes that clients of this wire look for, in place of ours."""


def dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def sse(value: Mapping[str, Any]) -> bytes:
    return b"data: " + dumps(value) + b"\n\n"


def event(value: Mapping[str, Any]) -> bytes:
    """A named event of the Responses API: its name is its `type`."""
    return f"event: {value['type']}\ndata: ".encode() + dumps(value) + b"\n\n"


def error_object(error: MecumError) -> dict[str, Any]:
    kind = KINDS.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    message = f"{error.detail} {error.hint}".strip()
    code = CODES.get(error.code, error.code)
    return {"message": message, "type": kind, "param": error.params.get("param"), "code": code}


def error_body(error: MecumError) -> dict[str, Any]:
    return {"error": error_object(error)}
