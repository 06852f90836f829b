"""What goes out of the room's routes. Rendering only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mecum.kit.errors import BadRequest
from mecum.kit.ids import encode
from mecum.rooms.models import CatalogueModel, LocalModel
from mecum.rooms.models.access import Access
from mecum.rooms.models.accounts import KnownAccount
from mecum.rooms.models.aliases import KnownAlias
from mecum.rooms.models.built_in import BuiltInUse
from mecum.rooms.models.providers import Connected
from mecum.rooms.models.store.accounts import AccountRow, AccountState
from mecum.rooms.models.store.catalogue import ModelRow
from mecum.rooms.models.trials import Discovered, Trial


def catalogue_model_out(model: CatalogueModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "provider": model.provider,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
        "native_tools": model.native_tools,
        "local": model.local,
        "small": model.small,
        "default": model.default,
        "licence": model.licence,
        "reasoning": model.reasoning,
        "alias": model.alias,
        "note": model.note,
    }


def local_out(local: LocalModel) -> dict[str, Any]:
    return {
        "name": local.name,
        "licence": local.licence,
        "publisher": local.publisher,
        "sha256": local.sha256,
        "state": local.state,
        "bytes_done": local.bytes_done,
        "bytes_total": local.bytes_total,
        "seconds_left": local.seconds_left,
        "problem": local.problem,
    }


def built_in_out(use: BuiltInUse) -> dict[str, Any]:
    return {"access": access_out(use.access), "hidden": use.hidden}


def provider_out(connected: Connected) -> dict[str, Any]:
    row = connected.row
    accounts = [each.row for each in connected.accounts]
    return {
        "id": encode("prv", row.id),
        "name": row.name,
        "kind": row.kind,
        "base_url": row.base_url,
        "has_key": any(account.key_sealed is not None for account in accounts),
        "state": state_of(accounts),
        "problem": next((account.fault for account in accounts if account.state == "failing"), None),
        "keys": [account_out(each) for each in connected.accounts],
        "timeouts": {"first_byte_s": row.first_byte_s, "silence_s": row.silence_s, "total_s": row.total_s},
        "models": [model_out(model, model.name in connected.defaults) for model in connected.models],
    }


def model_out(model: ModelRow, is_default: bool) -> dict[str, Any]:
    return {
        "id": encode("mdl", model.id),
        "name": model.name,
        "upstream_model": model.upstream_model,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
        "native_tools": model.native_tools,
        "enabled": model.enabled,
        "reasoning": model.reasoning,
        "licence": model.licence,
        "hidden": model.hidden,
        "access": access_out(model.access),
        "default": is_default,
    }


def alias_out(alias: KnownAlias) -> dict[str, Any]:
    row, shown = alias.row, alias.named.shown if alias.named is not None else None
    return {
        "id": encode("als", row.id),
        "name": row.name,
        "kind": row.kind,
        "note": row.note,
        "enabled": row.enabled,
        "hidden": row.hidden,
        "access": access_out(row.access),
        "tiers": [list(tier) for tier in alias.tiers],
        "default": alias.is_default,
        "context_tokens": None if shown is None else shown.context_tokens,
        "vision": shown is not None and shown.vision,
        "native_tools": shown is not None and shown.native_tools,
        "reasoning": shown is not None and shown.reasoning,
    }


def account_out(account: KnownAccount) -> dict[str, Any]:
    row = account.row
    return {
        "id": encode("acc", row.id),
        "name": row.name,
        "has_key": row.key_sealed is not None,
        "tail": account.tail,
        "paused": row.paused,
        "limits": {"calls_max": row.calls_max, "tokens_per_minute": row.tokens_per_minute},
        "state": row.state,
        "problem": row.fault,
        "used_at": None if row.used_at is None else row.used_at.isoformat(),
        "failed_at": None if row.failed_at is None else row.failed_at.isoformat(),
    }


def state_of(accounts: Sequence[AccountRow]) -> AccountState:
    """How a provider fares: as the best of its accounts that may be asked."""
    states = {account.state for account in accounts if not account.paused}
    if "ok" in states:
        return "ok"
    return "failing" if states == {"failing"} else "unknown"


def access_out(access: Access) -> dict[str, Any]:
    return {
        "kind": access.kind,
        "organisations": sorted(encode("org", each) for each in access.organisations),
        "roles": sorted(access.roles),
    }


def discovered_out(model: Discovered) -> dict[str, Any]:
    return {
        "id": model.id,
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "vision": model.vision,
    }


def trial_out(trial: Trial) -> dict[str, Any]:
    return {
        "ok": trial.ok,
        "latency_ms": trial.latency_ms,
        "text": trial.text,
        "problem": None if trial.problem is None else trial.problem.problem(),
    }


def page_out(items: list[dict[str, Any]], cursor: str | None, limit: int) -> dict[str, Any]:
    """One page of a list that is in memory anyway; the cursor is how many came before.

    Raises:
        BadRequest: a cursor that is not one of ours.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise BadRequest("models.cursor_malformed", "This cursor is not one of ours.", "Begin without a cursor.")
    start = int(cursor) if cursor is not None else 0
    more = start + limit < len(items)
    return {"items": items[start : start + limit], "next": str(start + limit) if more else None}
