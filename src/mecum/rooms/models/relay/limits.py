"""How long an answer may be: as its asker said, and as budgets allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mecum.rooms.models.upstream import is_openais
from mecum.rooms.models.wires.jsons import count

CHAT = ("max_completion_tokens", "max_tokens")
RESPONSES = ("max_output_tokens",)
CHOICES_MAX = 128


def output_asked(values: Mapping[str, Any]) -> int | None:
    """Tokens of all choices together at most, as a request says; None where it says nothing."""
    stated = [found for name in (*CHAT, *RESPONSES) if (found := count(values.get(name)))]
    return min(stated) * choices(values) if stated else None


def choices(values: Mapping[str, Any]) -> int:
    return max(1, min(CHOICES_MAX, count(values.get("n")) or 1))


def limiting(values: Mapping[str, Any], limit: int | None, base_url: str) -> dict[str, object]:
    """What to change in a request for chat completions so that all its choices together stay within `limit` tokens."""
    if limit is None or (output_asked(values) or limit + 1) <= limit:
        return {}
    # Newer models of OpenAI refuse `max_tokens`; many other servers know nothing else.
    usual = "max_completion_tokens" if is_openais(base_url) else "max_tokens"
    name = next((name for name in CHAT if values.get(name) is not None), usual)
    return {name: max(1, limit // choices(values))}
