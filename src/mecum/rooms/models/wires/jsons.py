"""Reading JSON that somebody else wrote: the value if it has the expected shape, else something harmless."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

JsonObject: TypeAlias = dict[str, Any]


def obj(value: object) -> JsonObject:
    """`value` if it is an object, else an empty one."""
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def arr(value: object) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else []


def text(value: object) -> str:
    """`value` if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """`value` if it is a whole number that counts something, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def loads(body: bytes) -> object:
    """The value in `body`; None when it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Compact JSON. `json.dumps` makes such an encoder for each value."""


def dumps(value: object) -> bytes:
    """Compact JSON, UTF-8. Lone surrogates, which no encoder may send, become question marks."""
    return compact(value).encode("utf-8", "replace")


def storable(value: Any) -> Any:
    """`value` with replacements for what a database can't keep in JSON: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(part) for name, part in obj(cast(object, value)).items()}
    if isinstance(value, list):
        return [storable(part) for part in arr(cast(object, value))]
    return value
