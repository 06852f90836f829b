"""Identifiers: UUID version 7 inside (time-ordered, RFC 9562), typed prefixes at the edge (`thr_...`).

The text form is the prefix, an underscore and the 32 hex digits of the UUID. Parsing checks the prefix, so that a
thread's id can never be taken for a person's.
"""

from __future__ import annotations

import secrets
from uuid import UUID

import uuid_utils.compat

from mecum.kit.errors import BadRequest


def new_id() -> UUID:
    """A new UUIDv7: sorts by time of creation."""
    return uuid_utils.compat.uuid7()


def created_s(value: UUID) -> int:
    """When a UUIDv7 was made, in seconds since 1970 (RFC 9562, 5.7: its first 48 bits are milliseconds)."""
    return (value.int >> 80) // 1000


def encode(prefix: str, value: UUID) -> str:
    return f"{prefix}_{value.hex}"


def decode(prefix: str, text: str) -> UUID:
    """The UUID in `text`.

    Raises:
        BadRequest: `text` is not `prefix` + "_" + 32 hex digits.
    """
    head, _, digits = text.rpartition("_")
    if head != prefix or len(digits) != 32:
        raise BadRequest(
            "id_malformed", f"{text[:80]!r} is not an id of the form {prefix}_…", params={"prefix": prefix}
        )
    try:
        return UUID(hex=digits)
    except ValueError:
        raise BadRequest("id_malformed", f"{text[:80]!r} is not an id of the form {prefix}_…") from None


def new_secret(prefix: str, *, entropy_bytes: int = 32) -> str:
    """A bearer secret such as `mk_...`: url-safe, `entropy_bytes` of randomness (256 bits by default)."""
    return f"{prefix}_{secrets.token_urlsafe(entropy_bytes)}"
