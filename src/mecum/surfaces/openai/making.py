"""How an answer of the entity was made, in the headers that answers of the relay have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer. `headers`: how it was made."""

    value: Mapping[str, Any]
    headers: Mapping[str, str]


def made(result: Mapping[str, Any]) -> Mapping[str, str]:
    """What `Assistant.run_result` says of it: who answered, how that was chosen, and what was taken away.

    Nothing of a run that is not over. A stream begins before it is known, and has no such headers.
    """
    model, routed = str(result["model"]), cast("dict[str, Any]", result["routed"] or {})
    headers = {"x-mecum-model": model if model.isascii() else quote(model)} if model else {}
    if routed:
        headers["x-mecum-routed"] = f"{routed['effort']}; why={routed['why']}"
    taken = [str(each) for each in (routed.get("lowered"), *routed.get("lighter", ())) if each]
    if taken:
        headers["x-mecum-degraded"] = ", ".join(taken)
    return headers
