"""`Idempotency-Key`: the same request again is the same answer, another request under the same key a conflict."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mecum.kit.errors import Conflict
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Posted

DELIVERY = frozenset(("stream", "stream_options"))
"""How an answer is sent is not what was asked: a repeated request may want it in another way."""
FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a request.

    Args:
        client_id: the same for all tries with one key. fingerprint: of what is asked; "" without a key.
    """

    client_id: str
    fingerprint: str = ""

    @property
    def noted(self) -> Mapping[str, str]:
        """What the run keeps of it."""
        return {FINGERPRINT: self.fingerprint} if self.fingerprint else {}


async def attempt_of(key: str, door: str, body: Mapping[str, Any]) -> Attempt:
    """The try of `body` at a door under a key, which may be of any length; "" for none."""
    if not key:
        return Attempt(f"api:{new_id().hex}")
    # A body may hold megabytes of pictures.
    return Attempt(f"api:{_hash(key)}", await asyncio.to_thread(_fingerprint, door, body))


def _fingerprint(door: str, body: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in body.items() if name not in DELIVERY}
    return _hash(f"{door} {json.dumps(asked, sort_keys=True)}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def check_same(assistant: Assistant, caller: Principal, posted: Posted, attempt: Attempt) -> None:
    """Raises Conflict when what was posted under the key before asked for something else."""
    if not posted.repeated or not attempt.fingerprint:
        return
    before = (await assistant.run_result(caller, posted.run))["caller"]
    if before.get(FINGERPRINT) != attempt.fingerprint:
        raise Conflict(
            "openai.idempotency_key_used",
            "Another request was sent with this Idempotency-Key.",
            "Send a new key with each new request.",
        )
